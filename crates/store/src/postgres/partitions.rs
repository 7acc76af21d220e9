//! Partitions by day: made before the day begins, dropped when what they hold has been kept long enough.

use model::id::DeliveryId;
use model::time::Timestamp;

use super::change::Scope;
use super::cluster::Shared;
use super::row;
use crate::Error;

/// The tables that are kept by day, each with what of its storage is for it alone: deliveries are written again in
/// place, and need room for that.
const TABLES: [(&str, &str); 3] = [("events", ""), ("deliveries", "WITH (fillfactor = 80)"), ("attempts", "")];

/// Days for which there are partitions before they begin.
const AHEAD: i64 = 1;

const DAY: i64 = 86_400_000;

/// Nodes make partitions one after the other.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8600003)";

/// Making a partition stops the road for a moment. It is given up where the moment would be long, and tried again.
const BRIEFLY: &str = "SET LOCAL lock_timeout = '2s'";

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

    fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Sees to it that there are partitions for the day of `now` and those to come.
pub(super) async fn provide(shared: &Shared, now: Timestamp) -> Result<(), Error> {
    let scope = Scope::begin(shared).await?;
    scope.session().run(BRIEFLY).await?;
    scope.session().run(LOCK).await?;
    let today = Day::of(now);
    for day in (0..=AHEAD).map(|ahead| Day(today.0 + ahead)) {
        for (table, storage) in TABLES {
            if is_missing(&scope, table, day).await? {
                let (from, to) = (day.first(), day.next().first());
                let name = partition(table, day);
                let sql = format!(
                    "CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{from}') TO ('{to}') {storage}"
                );
                scope.session().run(&sql).await?;
            }
        }
    }
    scope.end().await
}

fn partition(table: &str, day: Day) -> String {
    format!("{table}_day_{}", day.0)
}

/// Whether a day's partition is to be made. Where rows of the day are in the default partition, because the day began
/// without one, they stay there with those that follow.
async fn is_missing(scope: &Scope, table: &str, day: Day) -> Result<bool, Error> {
    let key = match table {
        "events" => "key",
        "attempts" => "delivery",
        _ => "id",
    };
    let sql = format!(
        "SELECT to_regclass('{}') IS NULL
            AND NOT EXISTS (SELECT 1 FROM {table}_default WHERE {key} >= '{}' AND {key} < '{}')",
        partition(table, day),
        day.first(),
        day.next().first()
    );
    let rows = scope.session().query_text(&sql).await?;
    rows.first().map_or(Ok(false), |row| row::get(row, 0))
}
