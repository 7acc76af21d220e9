//! The SQL of bringing waits forward after the clock went back.

use model::id::DeliveryId;
use rusqlite::params;

use super::commit::txn::WriteTxn;
use super::row;
use crate::Error;
use crate::rules::order;
use crate::waits::{Cursor, SLICE, Shift};

/// Brings one slice forward, and returns the position of the next.
pub(crate) fn shift(txn: &mut WriteTxn<'_>, shift: Shift) -> Result<Option<Cursor>, Error> {
    let Shift { endpoint, after, by, now, ordering } = shift;
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    let db = txn.db()?;
    let mut statement = db.prepare_cached(
        "SELECT d.id, d.place, d.next_attempt_at > ?4 AND (d.attempts > 0 OR e.deliver_at IS NULL)
         FROM deliveries AS d INDEXED BY deliveries_pending JOIN events AS e ON e.seq = d.event
         WHERE d.status = 0 AND d.endpoint = ?1 AND (d.place, d.id) > (?2, ?3) ORDER BY d.place, d.id LIMIT ?5",
    )?;
    let (place, id) = (after.0.as_millis(), after.1);
    let rows = statement
        .query_map(params![endpoint.as_bytes(), place, id.as_bytes(), now.as_millis(), row::limit(SLICE)], |row| {
            Ok((row.get(0).map(DeliveryId::from_bytes)?, row::time(row, 1)?, row.get::<_, bool>(2)?))
        })?;
    let found: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let mut update = db.prepare_cached(
        "UPDATE deliveries SET next_attempt_at = next_attempt_at - ?2, planned_at = planned_at - ?2, place = place - ?3
         WHERE id = ?1",
    )?;
    let place_by = order::key_shift(ordering, by);
    for (id, _, waits) in &found {
        if *waits {
            update.execute(params![id.as_bytes(), by, place_by])?;
        }
    }
    Ok(found.last().filter(|_| found.len() == SLICE).map(|(id, place, _)| (*place, *id)))
}
