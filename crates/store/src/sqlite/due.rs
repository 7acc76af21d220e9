//! The SQL of an endpoint's pending deliveries.

use std::sync::Arc;

use model::delivery::Due;
use model::endpoint::Ordering;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::row;
use crate::Error;
use crate::due::Pending;
use crate::rules::order;

pub(crate) fn pending(
    db: &Connection,
    endpoint: EndpointId,
    ordering: Ordering,
    now: Timestamp,
    limit: usize,
) -> Result<Pending, Error> {
    let until = order::last_key(ordering, now);
    let sql = format!(
        "SELECT {}, d.id, d.endpoint, d.attempts, d.run_began_at, d.manual, d.place, d.next_attempt_at,
                d.planned_at
         FROM deliveries AS d INDEXED BY deliveries_pending JOIN events AS e ON e.seq = d.event
         WHERE d.status = 0 AND d.endpoint = ? AND d.place <= ? ORDER BY d.place, d.id LIMIT ?",
        row::EVENT
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params![endpoint.as_bytes(), until, row::limit(limit)], due)?;
    let due: Vec<Due> = rows.collect::<rusqlite::Result<_>>()?;
    let next_at = if due.len() == limit { Some(now) } else { next_place(db, endpoint, until)? };
    Ok(Pending { due, next_at })
}

fn due(row: &Row<'_>) -> rusqlite::Result<Due> {
    const AT: usize = row::EVENT_WIDTH;
    Ok(Due {
        event: Arc::new(row::event(row, 0)?),
        id: DeliveryId::from_bytes(row.get(AT)?),
        endpoint: row::id(row, AT + 1)?,
        attempts: row.get(AT + 2)?,
        schedule_start: row.get(AT + 3)?,
        manual: row.get(AT + 4)?,
        order_key: row::time(row, AT + 5)?,
        next_attempt_at: row::time(row, AT + 6)?,
        planned_at: row.get::<_, Option<i64>>(AT + 7)?.map(Timestamp::from_millis),
    })
}

/// The first order key after `after`.
fn next_place(db: &Connection, endpoint: EndpointId, after: i64) -> Result<Option<Timestamp>, Error> {
    let place = db
        .prepare_cached(
            "SELECT place FROM deliveries INDEXED BY deliveries_pending
             WHERE status = 0 AND endpoint = ? AND place > ? ORDER BY place LIMIT 1",
        )?
        .query_row(params![endpoint.as_bytes(), after], |row| row::time(row, 0))
        .optional()?;
    Ok(place)
}

/// Times at which those of `endpoints` that have pending work are to be looked at: one seek each, however much is
/// pending.
pub(crate) fn earliest(db: &Connection, endpoints: &[EndpointId]) -> Result<Vec<(EndpointId, Timestamp)>, Error> {
    let mut found = Vec::new();
    for endpoint in endpoints {
        if let Some(at) = next_place(db, *endpoint, i64::MIN)? {
            found.push((*endpoint, at));
        }
    }
    Ok(found)
}

/// Number of pending deliveries, counted up to `most`.
pub(crate) fn count(db: &Connection, most: usize) -> Result<usize, Error> {
    let count: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_pending WHERE status = 0 LIMIT ?)",
        )?
        .query_row([row::limit(most)], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}
