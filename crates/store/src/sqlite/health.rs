//! Endpoints' runs of failures, in SQLite: read and written with the attempts that change them.

use model::health::Health;
use model::id::EndpointId;
use model::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::commit::txn::Batch;
use crate::Error;
use crate::health::Run;

pub(super) fn run_of(batch: &mut Batch<'_>, id: EndpointId) -> Result<Run, Error> {
    if let Some(run) = batch.runs.get(&id) {
        return Ok(*run);
    }
    // Where it changes, that goes into the tables at once.
    let run = batch
        .tables()
        .prepare_cached("SELECT failure_count, failing_since, troubled, told, told_at FROM endpoints WHERE id = ?")?
        .query_row([id.as_bytes()], |row| {
            let time = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_millis));
            let health = Health { failure_count: row.get(0)?, failing_since: time(1)? };
            Ok(Run { health, troubled: row.get(2)?, told: row.get(3)?, told_at: time(4)? })
        })
        .optional()?
        .unwrap_or_default();
    batch.runs.insert(id, run);
    Ok(run)
}

pub(super) fn set_run(batch: &mut Batch<'_>, id: EndpointId, run: Run) -> Result<(), Error> {
    batch.runs.insert(id, run);
    batch
        .db()?
        .prepare_cached(
            "UPDATE endpoints SET failure_count = ?, failing_since = ?, troubled = ?, told = ?, told_at = ? WHERE id = ?",
        )?
        .execute(params![
            run.health.failure_count,
            run.health.failing_since.map(Timestamp::as_millis),
            run.troubled,
            run.told,
            run.told_at.map(Timestamp::as_millis),
            id.as_bytes(),
        ])?;
    Ok(())
}

pub(super) fn forgive(batch: &mut Batch<'_>, id: EndpointId) -> Result<(), Error> {
    let run = run_of(batch, id)?;
    set_run(batch, id, run.forgiven())
}
