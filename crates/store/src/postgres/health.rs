//! Endpoints' failure streaks, in PostgreSQL.

use model::health::Health;
use model::id::EndpointId;
use model::time::Timestamp;
use tokio_postgres::Row;

use super::columns::{Columns, borrowed, column};
use super::param::Uuid;
use super::row;
use super::transaction::WriteTxn;
use crate::Error;
use crate::health::FailureStreak;

pub(super) const RUNS: &str = "SELECT endpoint, failure_count, failing_since, troubled, told, told_at
     FROM health WHERE endpoint = ANY($1) ORDER BY endpoint FOR UPDATE";

pub(super) const HEALTH: &str = "INSERT INTO health (endpoint, failure_count, failing_since, troubled, told, told_at)
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
     ON CONFLICT (endpoint) DO UPDATE SET failure_count = excluded.failure_count,
         failing_since = excluded.failing_since, troubled = excluded.troubled, told = excluded.told,
         told_at = excluded.told_at";

pub(super) fn run(row: &Row) -> Result<FailureStreak, Error> {
    let health = Health { failure_count: row::count(row, 1)?, failing_since: row::maybe_time(row, 2)? };
    let (troubled, told) = (row::get(row, 3)?, row::get(row, 4)?);
    Ok(FailureStreak { health, in_trouble: troubled, notified: told, notified_at: row::maybe_time(row, 5)? })
}

/// Resets the failure streak of an endpoint that was resumed.
pub(super) async fn forgive(txn: &WriteTxn, id: EndpointId) -> Result<(), Error> {
    let Some(row) = txn.query_opt(RUNS, &[&vec![Uuid::from(id)]]).await? else { return Ok(()) };
    let columns = health_columns(&[(id, run(&row)?.reset())]);
    txn.execute(HEALTH, &borrowed(&columns)).await?;
    Ok(())
}

pub(super) fn health_columns(runs: &[(EndpointId, FailureStreak)]) -> Columns {
    vec![
        column(runs, |(id, _)| Uuid::from(*id)),
        column(runs, |(_, run)| row::number(run.health.failure_count)),
        column(runs, |(_, run)| run.health.failing_since.map(Timestamp::as_millis)),
        column(runs, |(_, run)| run.in_trouble),
        column(runs, |(_, run)| run.notified),
        column(runs, |(_, run)| run.notified_at.map(Timestamp::as_millis)),
    ]
}
