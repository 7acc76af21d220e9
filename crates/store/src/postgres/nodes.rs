//! The SQL of the cluster's nodes.

use std::sync::Arc;

use model::time::Timestamp;
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::row;
use crate::Error;
use crate::nodes::{Counts, Kind, Lag, Node, Overview};

pub(crate) async fn overview(db: &Arc<NodeContext>, lag: Lag) -> Result<Overview, Error> {
    let snapshot = db.snapshot().await?;
    let sql = "SELECT n.id::text, n.name, n.version, n.delivers, (extract(epoch FROM n.started_at) * 1000)::bigint,
                      (extract(epoch FROM n.seen_at) * 1000)::bigint, n.expires_at > clock_timestamp(),
                      (SELECT count(*) FROM shards AS s WHERE s.node = n.id)
               FROM nodes AS n ORDER BY n.started_at, n.id";
    let nodes = snapshot.query(sql, &[]).await?.iter().map(node).collect::<Result<Vec<Node>, Error>>()?;
    let sql = "SELECT count(*) FROM shards AS s WHERE NOT EXISTS (
                   SELECT 1 FROM nodes AS n WHERE n.id = s.node AND n.expires_at > clock_timestamp())";
    let unassigned = snapshot.query(sql, &[]).await?.first().map(|row| row::get::<i64>(row, 0)).transpose()?;
    let asked = db.env.now();
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let theirs = snapshot.query(sql, &[]).await?.first().map(|row| row::time(row, 0)).transpose()?;
    let answered = db.env.now();
    snapshot.end().await?;
    Ok(Overview {
        kind: Kind::Postgres,
        node: model::id::DeliveryId::from(db.node).to_string(),
        nodes,
        unassigned: usize::try_from(unassigned.unwrap_or(0)).unwrap_or(0),
        clock_offset_ms: theirs.map_or(0, |theirs| offset(theirs, asked, answered)) + db.env.corrected_by(),
        lag,
        endpoints: Counts::default(),
    })
}

/// Milliseconds by which their clock is ahead of ours, which said `asked` before and `answered` after theirs was read.
fn offset(theirs: Timestamp, asked: Timestamp, answered: Timestamp) -> i64 {
    theirs.as_millis() - i64::midpoint(asked.as_millis(), answered.as_millis())
}

fn node(row: &Row) -> Result<Node, Error> {
    Ok(Node {
        id: row::get(row, 0)?,
        name: row::get(row, 1)?,
        version: row::get(row, 2)?,
        delivers: row::get(row, 3)?,
        started_at: row::time(row, 4)?,
        seen_at: row::time(row, 5)?,
        alive: row::get(row, 6)?,
        shards: usize::try_from(row::get::<i64>(row, 7)?).unwrap_or(0),
    })
}
