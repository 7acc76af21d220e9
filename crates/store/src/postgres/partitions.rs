//! Partitions by day: created before the day begins, dropped when their rows have been kept long enough.

use model::id::DeliveryId;
use model::time::Timestamp;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use super::transaction::ReadTxn;
use crate::Error;

/// The tables that are partitioned by day, each with its storage parameters: deliveries are updated in place, and need
/// room for that.
const TABLES: [(&str, &str); 3] = [("events", ""), ("deliveries", "WITH (fillfactor = 80)"), ("attempts", "")];

/// Days for which partitions are created in advance.
const AHEAD: i64 = 1;

const DAY: i64 = 86_400_000;

/// Lock under which nodes create partitions, one after the other.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8600003)";

/// Creating or dropping a partition blocks ingest and delivery for a moment. It is given up if its lock is not free
/// within this time, and tried again later.
pub(super) const BRIEFLY: &str = "SET LOCAL lock_timeout = '2s'";

/// A day, by number since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(i64);

impl Day {
    pub(super) fn of(at: Timestamp) -> Self {
        Self(at.as_millis().div_euclid(DAY))
    }

    /// The first key of the day.
    fn first(self) -> DeliveryId {
        DeliveryId::first_at(Timestamp::from_millis(self.0 * DAY))
    }

    /// The first key of the day, and the first of the next.
    pub(super) fn keys(self) -> (DeliveryId, DeliveryId) {
        (self.first(), self.next().first())
    }

    fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Creates missing partitions for the day of `now` and those to come. Each is made in its own transaction, so that none
/// holds one table while it waits for another.
pub(super) async fn provide(context: &NodeContext, now: Timestamp) -> Result<(), Error> {
    let today = Day::of(now);
    for day in (0..=AHEAD).map(|ahead| Day(today.0 + ahead)) {
        for (table, storage) in TABLES {
            let txn = ReadTxn::begin(context).await?;
            txn.session().run(LOCK).await?;
            if is_missing(&txn, table, day).await? {
                make(&txn, table, day, storage).await?;
            }
            txn.end().await?;
        }
    }
    Ok(())
}

async fn make(txn: &ReadTxn, table: &str, day: Day, storage: &str) -> Result<(), Error> {
    txn.session().run(BRIEFLY).await?;
    let (from, to) = day.keys();
    let name = partition(table, day);
    let sql = format!("CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{from}') TO ('{to}') {storage}");
    txn.session().run(&sql).await?;
    if table == "events" {
        txn.session().run(&format!("CREATE UNIQUE INDEX {name}_by_id ON {name} (project, id)")).await?;
    }
    Ok(())
}

fn partition(table: &str, day: Day) -> String {
    format!("{table}_day_{}", day.0)
}

/// True if a day's partition is to be created. If rows of the day are in the default partition, because the day began
/// without one, they stay there with those that follow.
async fn is_missing(txn: &ReadTxn, table: &str, day: Day) -> Result<bool, Error> {
    let key = key_of(table);
    let sql = format!(
        "SELECT to_regclass('{}') IS NULL
            AND NOT EXISTS (SELECT 1 FROM {table}_default WHERE {key} >= '{}' AND {key} < '{}')",
        partition(table, day),
        day.first(),
        day.next().first()
    );
    let rows = txn.session().query_text(&sql).await?;
    rows.first().map_or(Ok(false), |row| row::get(row, 0))
}

/// The column that a table is partitioned by.
fn key_of(table: &str) -> &'static str {
    match table {
        "events" => "key",
        "attempts" => "delivery",
        _ => "id",
    }
}

/// The oldest day that has a partition of `table`.
pub(super) async fn oldest(txn: &ReadTxn, table: &str) -> Result<Option<Day>, Error> {
    let sql = format!(
        "SELECT min(substr(c.relname, length('{table}_day_') + 1)::bigint)
         FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
         WHERE i.inhparent = '{table}'::regclass AND c.relname LIKE '{table}\\_day\\_%'"
    );
    let row = txn.session().query_text(&sql).await?;
    let day: Option<Option<i64>> = row.first().map(|row| row::get(row, 0)).transpose()?;
    Ok(day.flatten().map(Day))
}

/// Drops a day of a table except the rows with these keys, which move to the default partition. Returns approximately
/// how many rows there were.
pub(super) async fn drop_day(txn: &ReadTxn, table: &str, day: Day, kept: &[Uuid]) -> Result<u64, Error> {
    let (partition, key) = (partition(table, day), key_of(table));
    let sql = format!("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass('{partition}')");
    let rows = txn.session().query_text(&sql).await?;
    let size = rows.first().map_or(Ok(0), |row| row::get::<i64>(row, 0))?;
    txn.session().run(&format!("ALTER TABLE {table} DETACH PARTITION {partition}")).await?;
    let sql = format!("INSERT INTO {table} SELECT * FROM {partition} WHERE {key} = ANY($1)");
    txn.session().execute_text(&sql, &[&kept.to_vec()]).await?;
    txn.session().run(&format!("DROP TABLE {partition}")).await?;
    Ok(size.max(0).unsigned_abs())
}
