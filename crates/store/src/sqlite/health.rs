//! Endpoints' failure streaks in SQLite: read and written with the attempts that change them.

use model::health::Health;
use model::id::EndpointId;
use model::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::commit::txn::WriteTxn;
use crate::Error;
use crate::health::FailureStreak;

pub(super) fn run_of(txn: &mut WriteTxn<'_>, id: EndpointId) -> Result<FailureStreak, Error> {
    if let Some(run) = txn.failure_streaks.get(&id) {
        return Ok(*run);
    }
    // A change of it goes into the tables at once.
    let run = txn
        .tables()
        .prepare_cached("SELECT failure_count, failing_since, troubled, told, told_at FROM endpoints WHERE id = ?")?
        .query_row([id.as_bytes()], |row| {
            let time = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_millis));
            let health = Health { failure_count: row.get(0)?, failing_since: time(1)? };
            Ok(FailureStreak { health, in_trouble: row.get(2)?, notified: row.get(3)?, notified_at: time(4)? })
        })
        .optional()?
        .unwrap_or_default();
    txn.failure_streaks.insert(id, run);
    Ok(run)
}

pub(super) fn set_run(txn: &mut WriteTxn<'_>, id: EndpointId, run: FailureStreak) -> Result<(), Error> {
    txn.failure_streaks.insert(id, run);
    txn
        .db()?
        .prepare_cached(
            "UPDATE endpoints SET failure_count = ?, failing_since = ?, troubled = ?, told = ?, told_at = ? WHERE id = ?",
        )?
        .execute(params![
            run.health.failure_count,
            run.health.failing_since.map(Timestamp::as_millis),
            run.in_trouble,
            run.notified,
            run.notified_at.map(Timestamp::as_millis),
            id.as_bytes(),
        ])?;
    Ok(())
}

pub(super) fn forgive(txn: &mut WriteTxn<'_>, id: EndpointId) -> Result<(), Error> {
    let run = run_of(txn, id)?;
    set_run(txn, id, run.reset())
}
