//! Deliveries' states after their attempts: the first of the two round trips to the database.

use std::collections::HashMap;
use std::sync::LazyLock;

use futures_util::future;
use model::delivery::Status;
use model::id::DeliveryId;

use super::outcome::Outcome;
use crate::Error;
use crate::directory::Directory;
use crate::postgres::columns::{Columns, borrowed, column};
use crate::postgres::occurrences::NOTE_CANCELLED;
use crate::postgres::param::Uuid;
use crate::postgres::row;
use crate::postgres::session::{Prepared, Session};
use crate::record::Record;
use crate::rules::delivery::{self, Tried};

/// The deliveries' new states.
pub(super) struct StatusUpdates {
    tried: Option<(Prepared, Columns)>,
    cancelled: Option<(Prepared, Columns)>,
}

/// Updates deliveries after attempts. One that was cancelled while the attempt was in flight stays so, unless it
/// arrived after all.
const MOVE: &str = "UPDATE deliveries AS d
     SET status = CASE WHEN d.status = 3 AND t.status <> 1 THEN 3 ELSE t.status END,
         reason = CASE WHEN d.status = 3 AND t.status <> 1 THEN d.reason END,
         failed = d.status <> 3 AND t.status = 2,
         attempts = t.number, next_attempt_at = t.next_attempt_at, status_code = t.status_code,
         run_began_at = t.run_began_at, planned_at = NULL
     FROM unnest($1, $2, $3, $4, $5, $6) AS t (id, status, number, next_attempt_at, status_code, run_began_at)
     WHERE d.id = t.id AND d.attempts = t.number - 1
     RETURNING d.id, d.status";
static CANCEL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH cancelled AS (
             UPDATE deliveries AS d SET status = 3, reason = c.reason
             FROM unnest($1, $2) AS c (id, reason) WHERE d.id = c.id AND d.status = 0 RETURNING d.*),
         settled AS (DELETE FROM pending WHERE delivery IN (SELECT id FROM cancelled))
         {NOTE_CANCELLED}"
    )
});

impl StatusUpdates {
    pub(super) async fn of(session: &Session, directory: &Directory, outcomes: &[Outcome]) -> Result<Self, Error> {
        let mut tried: Vec<&Record> = Vec::new();
        let mut cancelled = Vec::new();
        for outcome in outcomes {
            match outcome {
                Outcome::Tried(record) => tried.push(record),
                Outcome::Cancelled(delivery, reason) => cancelled.push((*delivery, *reason)),
            }
        }
        // In one order everywhere, so that two transactions never wait for each other in a circle.
        tried.sort_unstable_by_key(|record| record.due.id);
        cancelled.sort_unstable_by_key(|(delivery, _)| *delivery);
        let mut status_updates = Self { tried: None, cancelled: None };
        if !tried.is_empty() {
            let after: Vec<Tried> = tried.iter().map(|record| delivery::after(record, directory)).collect();
            let columns = vec![
                column(&tried, |record| Uuid::from(record.due.id)),
                column(&after, |after| row::position(&after.status, &Status::ALL)),
                column(&tried, |record| row::number(record.attempt.number)),
                column(&after, |after| after.next_attempt_at.as_millis()),
                column(&tried, |record| record.attempt.outcome.status().map(i32::from)),
                column(&after, |after| row::number(after.schedule_start)),
            ];
            status_updates.tried = Some((session.prepare(MOVE, &borrowed(&columns)).await?, columns));
        }
        if !cancelled.is_empty() {
            let columns = vec![
                column(&cancelled, |(delivery, _)| Uuid::from(*delivery)),
                column(&cancelled, |(_, reason)| row::position(reason, &row::REASONS)),
            ];
            status_updates.cancelled = Some((session.prepare(&CANCEL, &borrowed(&columns)).await?, columns));
        }
        Ok(status_updates)
    }

    /// Runs the updates, and returns the new status of each delivery whose attempt was the next.
    pub(super) async fn make(&self, session: &Session) -> Result<HashMap<DeliveryId, Status>, Error> {
        let send = async |statement: &Option<(Prepared, Columns)>| match statement {
            Some((statement, columns)) => session.send(statement, &borrowed(columns)).await,
            None => Ok(Vec::new()),
        };
        let (moved, cancelled) = future::join(send(&self.tried), send(&self.cancelled)).await;
        let moved = moved?;
        cancelled?;
        moved.iter().map(|row| Ok((row::id(row, 0)?, row::member(row::get(row, 1)?, &Status::ALL)?))).collect()
    }
}
