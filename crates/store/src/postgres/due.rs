//! The SQL of due deliveries.

use std::sync::Arc;

use model::delivery::Due;
use model::endpoint::Ordering;
use model::id::EndpointId;
use model::time::Timestamp;
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use crate::Error;
use crate::due::Pending;
use crate::rules::order;

/// The columns that [`due`] reads after [`row::EVENT`]'s, of `deliveries AS d` and `pending AS p`.
pub(super) const DUE: &str = "d.id, d.endpoint, d.attempts, d.run_began_at, d.manual, p.place, d.next_attempt_at, \
     d.planned_at";
/// Number of these columns.
pub(super) const DUE_WIDTH: usize = 8;

pub(crate) async fn pending(
    db: &Arc<NodeContext>,
    endpoint: EndpointId,
    ordering: Ordering,
    now: Timestamp,
    limit: usize,
) -> Result<Pending, Error> {
    let until = order::last_key(ordering, now);
    let sql = format!(
        "SELECT {}, {DUE} FROM pending AS p JOIN deliveries AS d ON d.id = p.delivery JOIN events AS e ON e.key = d.event
         WHERE p.endpoint = $1 AND p.place <= $2 ORDER BY p.place, p.delivery LIMIT $3",
        row::EVENT
    );
    let snapshot = db.snapshot().await?;
    let rows = snapshot.query(&sql, &[&Uuid::from(endpoint), &until, &row::limit(limit)]).await?;
    let due = rows.iter().map(due).collect::<Result<Vec<Due>, Error>>()?;
    let next_at = if due.len() == limit {
        Some(now)
    } else {
        let sql = "SELECT place FROM pending WHERE endpoint = $1 AND place > $2 ORDER BY place LIMIT 1";
        let next = snapshot.query_opt(sql, &[&Uuid::from(endpoint), &until]).await?;
        next.map(|row| row::time(&row, 0)).transpose()?
    };
    snapshot.end().await?;
    Ok(Pending { due, next_at })
}

pub(super) fn due(row: &Row) -> Result<Due, Error> {
    const AT: usize = row::EVENT_WIDTH;
    Ok(Due {
        event: Arc::new(row::event(row, 0)?),
        id: row::id(row, AT)?,
        endpoint: row::id(row, AT + 1)?,
        attempts: row::count(row, AT + 2)?,
        schedule_start: row::count(row, AT + 3)?,
        manual: row::get(row, AT + 4)?,
        order_key: row::time(row, AT + 5)?,
        next_attempt_at: row::time(row, AT + 6)?,
        planned_at: row::maybe_time(row, AT + 7)?,
    })
}

/// The earliest due time of each of `endpoints` that has pending work: a seek each, however much is pending.
pub(crate) async fn earliest(
    db: &Arc<NodeContext>,
    endpoints: &[EndpointId],
) -> Result<Vec<(EndpointId, Timestamp)>, Error> {
    let endpoints: Vec<Uuid> = endpoints.iter().copied().map(Uuid::from).collect();
    let sql = "SELECT asked.endpoint, first.place FROM unnest($1) AS asked (endpoint),
               LATERAL (SELECT place FROM pending AS p WHERE p.endpoint = asked.endpoint ORDER BY place LIMIT 1) AS first";
    let rows = db.session().await?.query(sql, &[&endpoints]).await?;
    rows.iter().map(|row| Ok((row::id(row, 0)?, row::time(row, 1)?))).collect()
}

/// The number of pending deliveries, counted up to `most`.
pub(crate) async fn count(db: &Arc<NodeContext>, most: usize) -> Result<usize, Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM pending LIMIT $1) AS counted";
    let row = db.session().await?.query_one(sql, &[&row::limit(most)]).await?;
    Ok(usize::try_from(row::get::<i64>(&row, 0)?).unwrap_or(0))
}
