//! The SQL of endpoints: their rows, and the consequences of changing them.

use std::collections::HashMap;
use std::sync::Arc;

use model::actor::Actor;
use model::delivery::{self, Cancelled};
use model::endpoint::{Endpoint, Ordering, Status};
use model::health::Health;
use model::id::{DeliveryId, EndpointId, ProjectId};
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::occurrences::NOTE_CANCELLED;
use super::param::Uuid;
use super::session::Session;
use super::transaction::{Subject, WriteTxn};
use super::{health, row};
use crate::Error;
use crate::endpoints::{Condition, LastDelivery};
use crate::seal::Seal;
use crate::settings::{self, Written};
use crate::slice;

/// Maximum deliveries at the head that are checked when strict order ends: more than an endpoint has in flight.
const IN_LINE: usize = 1000;

pub(crate) async fn create(by: &Actor, db: &Arc<NodeContext>, endpoint: Endpoint) -> Result<Arc<Endpoint>, Error> {
    let txn = db.change(by).await?;
    let sql = "INSERT INTO endpoints (id, project, url, settings, sealed, status, created_at, updated_at)
               VALUES ($1, $2, '', '', '', 0, $3, $4)";
    let (created_at, updated_at) = (endpoint.created_at.as_millis(), endpoint.updated_at.as_millis());
    let (id, project) = (Uuid::from(endpoint.id), Uuid::from(endpoint.project));
    txn.execute(sql, &[&id, &project, &created_at, &updated_at]).await?;
    commit(txn, endpoint).await
}

pub(crate) async fn change<E>(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: EndpointId,
    change: &mut (dyn FnMut(&Endpoint) -> Result<Endpoint, E> + Send),
) -> Result<Option<Result<Arc<Endpoint>, E>>, Error> {
    let txn = db.change(by).await?;
    let before = txn.directory.endpoint(id).filter(|endpoint| endpoint.project == project).cloned();
    let Some(before) = before else {
        txn.undo().await?;
        return Ok(None);
    };
    let after = match change(&before) {
        Ok(after) => Endpoint { updated_at: txn.now, ..after },
        Err(refusal) => {
            txn.undo().await?;
            return Ok(Some(Err(refusal)));
        }
    };
    if before.status == Status::Disabled && after.status != Status::Disabled {
        health::forgive(&txn, id).await?;
    }
    if before.settings.ordering == Ordering::Fifo && after.settings.ordering == Ordering::None {
        leave_strict_order(&txn, id).await?;
    }
    commit(txn, after).await.map(|endpoint| Some(Ok(endpoint)))
}

/// Updates an endpoint's row, commits, and returns the endpoint as it is then.
async fn commit(mut txn: WriteTxn, endpoint: Endpoint) -> Result<Arc<Endpoint>, Error> {
    put(&mut txn, endpoint.clone()).await?;
    let directory = txn.commit().await?;
    // Another node may have deleted it by now.
    Ok(directory.endpoint(endpoint.id).cloned().unwrap_or_else(|| Arc::new(endpoint)))
}

/// Updates an endpoint's row.
pub(super) async fn put(txn: &mut WriteTxn, endpoint: Endpoint) -> Result<(), Error> {
    let Written { url, kept, sealed } = settings::write(&endpoint, &txn.context.seal, &*txn.context.env)?;
    txn.execute(
        "UPDATE endpoints SET url = $2, settings = $3, sealed = $4, status = $5, disabled_reason = $6, updated_at = $7
             WHERE id = $1",
        &[
            &Uuid::from(endpoint.id),
            &url,
            &kept,
            &sealed,
            &row::position(&endpoint.status, &Status::ALL),
            &endpoint.disabled_reason,
            &endpoint.updated_at.as_millis(),
        ],
    )
    .await?;
    txn.touch(Subject::Endpoint(endpoint.id));
    Ok(())
}

/// Endpoints that an earlier version wrote with their URL's query unencrypted.
pub(crate) async fn with_open_query(db: &Arc<NodeContext>) -> Result<Vec<EndpointId>, Error> {
    let session = db.session().await?;
    let rows = session.query("SELECT id FROM endpoints WHERE deleted = 0 AND position('?' IN url) > 0", &[]).await?;
    rows.iter().map(|row| row::id(row, 0)).collect()
}

/// Rewrites an unchanged endpoint in the form of this version.
pub(crate) async fn rewrite(db: &Arc<NodeContext>, id: EndpointId) -> Result<(), Error> {
    let mut txn = db.change(&Actor::System).await?;
    let Some(endpoint) = txn.directory.endpoint(id).cloned() else { return txn.undo().await };
    put(&mut txn, Endpoint::clone(&endpoint)).await?;
    txn.commit().await.map(|_| ())
}

/// Sets the order keys of deliveries that are due later than these to their due times. In strict order that can only be
/// the first, and those that were in flight beside it when the order became strict.
async fn leave_strict_order(txn: &WriteTxn, id: EndpointId) -> Result<(), Error> {
    let sql = "WITH slice AS (
                   SELECT p.delivery, d.next_attempt_at FROM (
                       SELECT delivery FROM pending WHERE endpoint = $1 ORDER BY place, delivery LIMIT $2) AS p
                   JOIN deliveries AS d ON d.id = p.delivery ORDER BY p.delivery FOR UPDATE OF d)
               UPDATE pending AS p SET place = slice.next_attempt_at FROM slice
               WHERE p.delivery = slice.delivery AND p.place <> slice.next_attempt_at";
    txn.execute(sql, &[&Uuid::from(id), &row::limit(IN_LINE)]).await?;
    Ok(())
}

pub(crate) async fn delete(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: EndpointId,
) -> Result<bool, Error> {
    let mut txn = db.change(by).await?;
    if txn.directory.endpoint(id).is_none_or(|endpoint| endpoint.project != project) {
        txn.undo().await?;
        return Ok(false);
    }
    mark_deleted(&mut txn, id).await?;
    txn.commit().await?;
    // The node that holds its shard finishes the deletion: the caller may leave before.
    db.tell(|notifications| notifications.jobs = true);
    Ok(true)
}

/// Deletes an endpoint, but not its pending deliveries.
pub(super) async fn mark_deleted(txn: &mut WriteTxn, id: EndpointId) -> Result<(), Error> {
    let sql = "UPDATE endpoints SET deleted = 1, url = '', sealed = '', updated_at = $2 WHERE id = $1";
    txn.execute(sql, &[&Uuid::from(id), &txn.now.as_millis()]).await?;
    txn.execute("DELETE FROM health WHERE endpoint = $1", &[&Uuid::from(id)]).await?;
    txn.touch(Subject::Endpoint(id));
    Ok(())
}

/// Cancels a slice of a deleted endpoint's pending deliveries. False when none is left.
pub(crate) async fn cancel_slice(db: &Arc<NodeContext>, id: EndpointId) -> Result<bool, Error> {
    // Deliveries are locked before their pending rows, and in their order, as when attempts are recorded.
    let sql = format!(
        "WITH slice AS (
                   SELECT d.id FROM (
                       SELECT delivery FROM pending WHERE endpoint = $1 ORDER BY place, delivery LIMIT $3) AS p
                   JOIN deliveries AS d ON d.id = p.delivery ORDER BY d.id FOR UPDATE OF d),
               cancelled AS (
                   UPDATE deliveries AS d SET status = 3, reason = $2 FROM slice
                   WHERE d.id = slice.id AND d.status = 0 RETURNING d.*),
               settled AS (DELETE FROM pending WHERE delivery IN (SELECT id FROM slice)),
               noted AS ({NOTE_CANCELLED})
               SELECT (SELECT count(*) FROM slice), (SELECT count(*) FROM cancelled)"
    );
    let session = db.session().await?;
    let reason = row::position(&Cancelled::EndpointDeleted, &row::REASONS);
    let row = session.query_one(&sql, &[&Uuid::from(id), &reason, &row::limit(slice::ROWS)]).await?;
    if row::get::<i64>(&row, 0)? > 0 {
        return Ok(true);
    }
    session.execute("UPDATE endpoints SET deleted = 2 WHERE id = $1", &[&Uuid::from(id)]).await?;
    Ok(false)
}

/// Endpoints whose deletion is this node's to finish.
pub(crate) async fn half_deleted(db: &Arc<NodeContext>) -> Result<Vec<EndpointId>, Error> {
    let rows = db.session().await?.query("SELECT id FROM endpoints WHERE deleted = 1", &[]).await?;
    let ids = rows.iter().map(|row| row::id(row, 0)).collect::<Result<Vec<EndpointId>, Error>>()?;
    Ok(ids.into_iter().filter(|id| db.holds(*id)).collect())
}

/// Endpoints whose last attempt failed.
pub(crate) async fn failing(db: &Arc<NodeContext>) -> Result<Vec<EndpointId>, Error> {
    let session = db.session().await?;
    let rows = session.query("SELECT endpoint FROM health WHERE failure_count > 0", &[]).await?;
    rows.iter().map(|row| row::id(row, 0)).collect()
}

/// The condition of each of `ids`, in their order.
pub(crate) async fn conditions(db: &Arc<NodeContext>, ids: &[EndpointId]) -> Result<Vec<Condition>, Error> {
    let asked: Vec<Uuid> = ids.iter().copied().map(Uuid::from).collect();
    let snapshot = db.snapshot().await?;
    let sql = "SELECT endpoint, failure_count, failing_since FROM health WHERE endpoint = ANY($1)";
    let mut conditions: HashMap<EndpointId, Condition> = HashMap::new();
    for row in snapshot.query(sql, &[&asked]).await? {
        let health = Health { failure_count: row::count(&row, 1)?, failing_since: row::maybe_time(&row, 2)? };
        conditions.entry(row::id(&row, 0)?).or_default().health = health;
    }
    let sql = "SELECT asked.endpoint, last.id, last.status, last.status_code FROM unnest($1) AS asked (endpoint),
               LATERAL (SELECT id, status, status_code FROM deliveries AS d WHERE d.endpoint = asked.endpoint
                        ORDER BY id DESC LIMIT 1) AS last";
    for row in snapshot.query(sql, &[&asked]).await? {
        conditions.entry(row::id(&row, 0)?).or_default().last_delivery = Some(last_delivery(&row, 1)?);
    }
    snapshot.end().await?;
    Ok(ids.iter().map(|id| conditions.get(id).cloned().unwrap_or_default()).collect())
}

fn last_delivery(row: &Row, at: usize) -> Result<LastDelivery, Error> {
    let id: DeliveryId = row::id(row, at)?;
    let status_code: Option<i32> = row::get(row, at + 2)?;
    Ok(LastDelivery {
        id,
        status: row::member(row::get(row, at + 1)?, &delivery::Status::ALL)?,
        status_code: status_code.and_then(|code| u16::try_from(code).ok()),
        created_at: id.created_at(),
    })
}

/// All endpoints that are not deleted, or those of `only`; oldest first.
pub(super) async fn read(session: &Session, seal: &Seal, only: Option<&[Uuid]>) -> Result<Vec<Endpoint>, Error> {
    let select = "SELECT id, project, url, settings, sealed, status, disabled_reason, created_at, updated_at
                  FROM (SELECT * FROM endpoints WHERE deleted = 0) AS endpoints";
    session.query_of(select, "id", only).await?.iter().map(|row| endpoint(row, seal)).collect()
}

fn endpoint(row: &Row, seal: &Seal) -> Result<Endpoint, Error> {
    let id: EndpointId = row::id(row, 0)?;
    let written = Written { url: row::get(row, 2)?, kept: row::get(row, 3)?, sealed: row::get(row, 4)? };
    Ok(Endpoint {
        id,
        project: row::id(row, 1)?,
        settings: settings::read(id, &written, seal)?,
        status: row::member(row::get(row, 5)?, &Status::ALL)?,
        disabled_reason: row::get(row, 6)?,
        created_at: row::time(row, 7)?,
        updated_at: row::time(row, 8)?,
    })
}
