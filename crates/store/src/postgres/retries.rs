//! The SQL of a manual retry.

use std::sync::Arc;

use model::actor::Actor;
use model::delivery::{Due, Status};
use model::id::{DeliveryId, ProjectId};
use model::time::Timestamp;

use super::due::{self, DUE, DUE_WIDTH};
use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use super::transaction::WriteTxn;
use crate::Error;
use crate::retries::Retried;
use crate::rules::delivery;

pub(crate) async fn retry(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    delivery: DeliveryId,
) -> Result<Option<Retried>, Error> {
    let mut txn = db.work(by).await?;
    let retried = match find(&txn, project, delivery).await? {
        None => None,
        Some((_, due)) if txn.directory.endpoint(due.endpoint).is_none() => Some(Retried::NoEndpoint),
        Some((status, due)) => {
            bring_forward(&mut txn, status, due).await?;
            Some(Retried::Due)
        }
    };
    txn.commit().await?;
    Ok(retried)
}

async fn bring_forward(txn: &mut WriteTxn, status: Status, due: Due) -> Result<(), Error> {
    let due = delivery::by_hand(due, status, &txn.directory, txn.now);
    txn.execute(
        "WITH revived AS (
                 UPDATE deliveries
                 SET status = 0, failed = false, reason = NULL, manual = $2, run_began_at = $3, next_attempt_at = $5,
                     planned_at = $6
                 WHERE id = $1 RETURNING *)
             INSERT INTO pending (delivery, endpoint, place, project, tenant, status_code)
             SELECT r.id, r.endpoint, $4, r.project, e.tenant, r.status_code
             FROM revived AS r JOIN events AS e ON e.key = r.event
             ON CONFLICT (delivery) DO UPDATE SET place = excluded.place",
        &[
            &Uuid::from(due.id),
            &due.manual,
            &row::number(due.schedule_start),
            &due.order_key.as_millis(),
            &due.next_attempt_at.as_millis(),
            &due.planned_at.map(Timestamp::as_millis),
        ],
    )
    .await?;
    txn.announce(due);
    Ok(())
}

/// The delivery, locked until this is committed. One that had ended has no order key: it gets the current time, the
/// last.
async fn find(txn: &WriteTxn, project: ProjectId, delivery: DeliveryId) -> Result<Option<(Status, Due)>, Error> {
    let sql = format!(
        "SELECT {}, {DUE}, d.status
         FROM deliveries AS d JOIN events AS e ON e.key = d.event LEFT JOIN pending AS q ON q.delivery = d.id
              CROSS JOIN LATERAL (SELECT coalesce(q.place, $3) AS place) AS p
         WHERE d.id = $1 AND d.project = $2 FOR UPDATE OF d",
        row::EVENT
    );
    let asked = (Uuid::from(delivery), Uuid::from(project), txn.now.as_millis());
    let found = txn.query_opt(&sql, &[&asked.0, &asked.1, &asked.2]).await?;
    let read = |row| Ok((row::member(row::get(row, row::EVENT_WIDTH + DUE_WIDTH)?, &Status::ALL)?, due::due(row)?));
    found.as_ref().map(read).transpose()
}
