//! Deliveries in full: their attempts, and the attempts' bodies one at a time.

use std::sync::Arc;

use bytes::Bytes;
use model::delivery::Status;
use model::id::{DeliveryId, EndpointId, ProjectId};
use tokio_postgres::Row;

use crate::Error;
use crate::postgres::attempts::{self, ATTEMPT_WIDTH};
use crate::postgres::node_context::NodeContext;
use crate::postgres::param::Uuid;
use crate::postgres::row;
use crate::search::{Attempted, Bodies, DELIVERY, DELIVERY_WIDTH, Delivery, FullDelivery};

pub(crate) async fn delivery(
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: DeliveryId,
    bodies: Bodies,
) -> Result<Option<FullDelivery>, Error> {
    let sql = format!(
        "SELECT {DELIVERY}, {}, d.note FROM deliveries AS d JOIN events AS e ON e.key = d.event
         WHERE d.id = $1 AND d.project = $2",
        row::EVENT
    );
    let search = db.search(project).await?;
    let found = search.query_opt(&sql, &[&Uuid::from(id), &Uuid::from(project)]).await?;
    let attempts = match found {
        Some(_) => attempts::of(&search, id, bodies).await?,
        None => Vec::new(),
    };
    search.end().await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(FullDelivery {
        delivery: delivery_row(&row)?,
        event: row::event(&row, DELIVERY_WIDTH)?,
        note: row::get(&row, DELIVERY_WIDTH + row::EVENT_WIDTH)?,
        attempts,
    }))
}

/// Bytes of bodies that a delivery in full is made from: its event's data, all responses, the largest body sent.
pub(crate) async fn weight(db: &Arc<NodeContext>, project: ProjectId, id: DeliveryId) -> Result<Option<usize>, Error> {
    let sql = "SELECT octet_length(e.data)
             + (SELECT coalesce(sum(octet_length(response_body)), 0) + coalesce(max(octet_length(request_body)), 0)
                FROM attempts WHERE delivery = d.id)::bigint
         FROM deliveries AS d JOIN events AS e ON e.key = d.event WHERE d.id = $1 AND d.project = $2";
    let search = db.search(project).await?;
    let found = search.query_opt(sql, &[&Uuid::from(id), &Uuid::from(project)]).await?;
    search.end().await?;
    let weight: Option<i64> = found.map(|row| row::get(&row, 0)).transpose()?;
    Ok(weight.and_then(|bytes| usize::try_from(bytes).ok()))
}

/// The body that an attempt sent, if it was kept: with the attempt, or with the earlier one that sent the same.
pub(crate) async fn sent_body(
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: DeliveryId,
    number: u32,
) -> Result<Option<Bytes>, Error> {
    let sql = "SELECT k.request_body FROM attempts AS a
         JOIN attempts AS k ON k.delivery = a.delivery AND k.number = coalesce(a.same_as, a.number)
         WHERE a.delivery = $1 AND a.number = $2
           AND EXISTS (SELECT 1 FROM deliveries WHERE id = $1 AND project = $3)";
    let search = db.search(project).await?;
    let found = search.query_opt(sql, &[&Uuid::from(id), &row::number(number), &Uuid::from(project)]).await?;
    search.end().await?;
    let body: Option<Option<Vec<u8>>> = found.map(|row| row::get(&row, 0)).transpose()?;
    Ok(body.flatten().map(Bytes::from))
}

pub(super) fn delivery_row(row: &Row) -> Result<Delivery, Error> {
    let id: DeliveryId = row::id(row, 0)?;
    let status = row::member(row::get(row, 5)?, &Status::ALL)?;
    let reason: Option<i16> = row::get(row, 9)?;
    let next_attempt_at = row::time(row, 10)?;
    Ok(Delivery {
        id,
        endpoint: row::id(row, 1)?,
        event: row::text(row, 2)?,
        event_type: row::text(row, 3)?,
        tenant: row::get(row, 4)?,
        status,
        attempts: row::count(row, 6)?,
        manual: row::get(row, 7)?,
        status_code: row::status_code(row, 8)?,
        error_kind: row::failure_kind(row, 11)?,
        reason: reason.map(|number| row::member(number, &row::REASONS)).transpose()?,
        next_attempt_at: (status == Status::Pending).then_some(next_attempt_at),
        created_at: id.created_at(),
    })
}

/// Maximum deliveries of an endpoint that are searched for attempts. The newest may all be pending.
const LOOKED_THROUGH: usize = 2_500;

pub(crate) async fn attempts_at(
    db: &Arc<NodeContext>,
    project: ProjectId,
    endpoint: EndpointId,
    limit: usize,
    longest_body: usize,
) -> Result<Vec<Attempted>, Error> {
    // The newest are chosen by their keys alone, before responses are read.
    let sql = format!(
        "WITH recent AS MATERIALIZED (SELECT id, event, project, attempts FROM deliveries
                                      WHERE endpoint = $1 ORDER BY id DESC LIMIT {LOOKED_THROUGH}),
              tried AS MATERIALIZED (SELECT id, event FROM recent WHERE attempts > 0 AND project = $2
                                     ORDER BY id DESC LIMIT $3),
              newest AS MATERIALIZED (SELECT a.delivery, a.number, a.started_at AS at, t.event
                                      FROM tried AS t JOIN attempts AS a ON a.delivery = t.id
                                      ORDER BY a.started_at DESC, a.delivery DESC, a.number DESC LIMIT $3)
         SELECT {}, a.delivery, e.id, e.type
         FROM newest AS n JOIN attempts AS a ON a.delivery = n.delivery AND a.number = n.number
              JOIN events AS e ON e.key = n.event
         ORDER BY n.at DESC, a.delivery DESC, a.number DESC",
        attempts::columns(longest_body)
    );
    let snapshot = db.search(project).await?;
    let rows = snapshot.query(&sql, &[&Uuid::from(endpoint), &Uuid::from(project), &row::limit(limit)]).await?;
    snapshot.end().await?;
    let attempted = rows.iter().map(|row| {
        Ok(Attempted {
            delivery: row::id(row, ATTEMPT_WIDTH)?,
            event: row::text(row, ATTEMPT_WIDTH + 1)?,
            event_type: row::text(row, ATTEMPT_WIDTH + 2)?,
            attempt: attempts::attempt(row)?,
        })
    });
    attempted.collect()
}
