//! The SQL of bringing waits forward after the clock went back.

use std::sync::Arc;

use model::actor::Actor;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use crate::Error;
use crate::rules::order;
use crate::waits::{Cursor, SLICE, Shift};

/// Shifts one slice, and returns where the next begins.
pub(crate) async fn shift(db: &Arc<NodeContext>, shift: Shift) -> Result<Option<Cursor>, Error> {
    let Shift { endpoint, after, by, now, ordering } = shift;
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    let place_by = order::key_shift(ordering, by);
    let txn = db.work(&Actor::System).await?;
    let rows = txn
        .query(
            "WITH slice AS (
                 SELECT delivery, place FROM pending WHERE endpoint = $1 AND (place, delivery) > ($2, $3)
                 ORDER BY place, delivery LIMIT $4),
             moved AS (
                 UPDATE deliveries AS d
                 SET next_attempt_at = d.next_attempt_at - $5, planned_at = d.planned_at - $5
                 FROM slice AS s, events AS e
                 WHERE d.id = s.delivery AND e.key = d.event AND d.next_attempt_at > $6
                     AND (d.attempts > 0 OR e.deliver_at IS NULL)
                 RETURNING d.id),
             placed AS (UPDATE pending AS p SET place = p.place - $7 FROM moved WHERE p.delivery = moved.id)
             SELECT delivery, place FROM slice ORDER BY place, delivery",
            &[
                &Uuid::from(endpoint),
                &after.0.as_millis(),
                &Uuid::from(after.1),
                &row::limit(SLICE),
                &by,
                &now.as_millis(),
                &place_by,
            ],
        )
        .await?;
    txn.commit().await?;
    match rows.last().filter(|_| rows.len() == SLICE) {
        Some(last) => Ok(Some((row::time(last, 1)?, row::id(last, 0)?))),
        None => Ok(None),
    }
}
