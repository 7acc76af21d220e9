//! The SQL of a retry by hand.

use std::sync::Arc;

use model::delivery::{Due, Status};
use model::id::{DeliveryId, ProjectId};
use model::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::commit::txn::WriteTxn;
use super::row;
use crate::Error;
use crate::retries::Retried;
use crate::rules;

pub(crate) fn retry(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    delivery: DeliveryId,
) -> Result<Option<Retried>, Error> {
    let Some((status, due)) = find(txn, project, delivery)? else { return Ok(None) };
    if txn.directory.endpoint(due.endpoint).is_none() {
        return Ok(Some(Retried::NoEndpoint));
    }
    let due = rules::delivery::by_hand(due, status, &txn.directory, txn.now);
    txn.db()?
        .prepare_cached(
            "UPDATE deliveries
             SET status = 0, reason = NULL, manual = ?2, run_began_at = ?3, place = ?4, next_attempt_at = ?5,
                 planned_at = ?6
             WHERE id = ?1",
        )?
        .execute(params![
            delivery.as_bytes(),
            due.manual,
            due.schedule_start,
            due.order_key.as_millis(),
            due.next_attempt_at.as_millis(),
            due.planned_at.map(Timestamp::as_millis),
        ])?;
    txn.announce(due);
    Ok(Some(Retried::Due))
}

fn find(txn: &mut WriteTxn<'_>, project: ProjectId, delivery: DeliveryId) -> Result<Option<(Status, Due)>, Error> {
    let sql = format!(
        "SELECT {}, d.endpoint, d.attempts, d.run_began_at, d.manual, d.place, d.next_attempt_at,
                d.planned_at, d.status
         FROM deliveries AS d JOIN events AS e ON e.seq = d.event WHERE d.id = ? AND d.project = ?",
        row::EVENT
    );
    let found = txn
        .db()?
        .prepare_cached(&sql)?
        .query_row(params![delivery.as_bytes(), project.as_bytes()], |row| {
            const AT: usize = row::EVENT_WIDTH;
            let due = Due {
                id: delivery,
                event: Arc::new(row::event(row, 0)?),
                endpoint: row::id(row, AT)?,
                attempts: row.get(AT + 1)?,
                schedule_start: row.get(AT + 2)?,
                manual: row.get(AT + 3)?,
                order_key: row::time(row, AT + 4)?,
                next_attempt_at: row::time(row, AT + 5)?,
                planned_at: row.get::<_, Option<i64>>(AT + 6)?.map(Timestamp::from_millis),
            };
            Ok((row::status(row, AT + 7)?, due))
        })
        .optional()?;
    Ok(found)
}
