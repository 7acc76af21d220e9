//! Retention on PostgreSQL: whole days are dropped, and in days that stay, events past their project's period are
//! deleted in slices. One node does it at a time.
//!
//! Pending deliveries outlive their day: before the day is dropped they move, with their event and attempts, to the
//! default partition.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::id::{DeliveryId, ProjectId};
use model::retention::{Period, Retention};
use model::time::Timestamp;
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::partitions::{self, BRIEFLY, Day};
use super::row;
use super::transaction::ReadTxn;
use crate::Error;
use crate::directory::Directory;
use crate::retention::Deleted;
use crate::slice::ROWS;

/// Pause after a retention pass that found nothing left. A pass costs a few seeks.
const ROUND: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Lock under which one node at a time does retention.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(8600004)";

/// Maximum ids and keys deleted in a step, before their events' day is dropped. No commit waits for such rows.
const FORGOTTEN: usize = 8192;

/// The position of a retention pass.
#[derive(Default)]
pub(crate) struct Cursor {
    /// For each project whose rows are deleted one by one: the last event that was checked.
    events: HashMap<Option<ProjectId>, DeliveryId>,
    /// For each period of keeping bodies: the start of the last attempt that was checked.
    bodies: HashMap<Period, i64>,
}

/// The result of a step.
pub(crate) enum Stepped {
    Went(Deleted),
    Rest(Timestamp),
}

pub(crate) async fn step(
    db: &Arc<NodeContext>,
    walk: &mut Cursor,
    directory: &Arc<Directory>,
    servers: Retention,
    now: Timestamp,
) -> Result<Stepped, Error> {
    let txn = ReadTxn::begin(db).await?;
    txn.session().run(BRIEFLY).await?;
    let ours: bool = row::get(&txn.session().query_one(LOCK, &[]).await?, 0)?;
    let swept = if ours { sweep(&txn, walk, directory, servers, now).await? } else { None };
    txn.end().await?;
    Ok(match swept {
        Some(swept) => Stepped::Went(swept),
        None => {
            *walk = Cursor::default();
            Stepped::Rest(now + ROUND)
        }
    })
}

/// Does one step of a pass. `None` if nothing is left.
async fn sweep(
    txn: &ReadTxn,
    walk: &mut Cursor,
    directory: &Directory,
    servers: Retention,
    now: Timestamp,
) -> Result<Option<Deleted>, Error> {
    let kept: HashMap<ProjectId, Retention> =
        directory.projects().map(|project| (project.id, project.retention.or(servers))).collect();
    let longest = kept.values().map(|kept| kept.contents).fold(servers.contents, Period::max);
    if let Some(before) = longest.over_before(now) {
        if let Some(swept) = drop_day(txn, before).await? {
            return Ok(Some(swept));
        }
        // Events of deleted projects, and those that outlived their day, are kept for the longest period.
        if let Some(swept) = delete_events(txn, walk, None, before).await? {
            return Ok(Some(swept));
        }
    }
    for (project, kept) in kept.iter().filter(|(_, kept)| kept.contents < longest) {
        let Some(before) = kept.contents.over_before(now) else { continue };
        if let Some(swept) = delete_events(txn, walk, Some(*project), before).await? {
            return Ok(Some(swept));
        }
    }
    if let Some(swept) = delete_jobs(txn, &kept, longest, now).await? {
        return Ok(Some(swept));
    }
    let periods: BTreeSet<Period> = kept.values().chain([&servers]).map(|kept| kept.attempt_bodies).collect();
    for period in periods {
        let Some(before) = period.over_before(now) else { continue };
        let others: Vec<Uuid> = kept
            .iter()
            .filter(|(_, kept)| kept.attempt_bodies != period)
            .map(|(project, _)| Uuid::from(*project))
            .collect();
        if let Some(swept) = drop_bodies(txn, walk, period, before, &others).await? {
            return Ok(Some(swept));
        }
    }
    Ok(None)
}

/// Drops the oldest day of a table that lies entirely before `before`: attempts first and events last, each in a
/// transaction of its own, so that there is no deadlock with readers of several tables.
async fn drop_day(txn: &ReadTxn, before: Timestamp) -> Result<Option<Deleted>, Error> {
    let mut oldest = Vec::new();
    for table in ["attempts", "deliveries", "events"] {
        if let Some(day) = partitions::oldest(txn, table).await?.filter(|day| *day < Day::of(before)) {
            oldest.push((day, table));
        }
    }
    // For the same day the tables are dropped in this order.
    let Some((day, table)) = oldest.into_iter().min_by_key(|(day, _)| *day) else { return Ok(None) };
    let (from, to) = day.keys();
    let (from, to) = (Uuid::from(from), Uuid::from(to));
    if table != "events" {
        let pending = "SELECT delivery FROM pending WHERE delivery >= $1 AND delivery < $2";
        let rows = partitions::drop_day(txn, table, day, &ids(&txn.query(pending, &[&from, &to]).await?)?).await?;
        let (deliveries, attempts) = if table == "deliveries" { (rows, 0) } else { (0, rows) };
        return Ok(Some(Deleted { deliveries, attempts, ..Deleted::default() }));
    }
    // The deliveries left are pending, or of a later day.
    let forgotten = "WITH held AS MATERIALIZED (
             SELECT event FROM deliveries WHERE event >= $1 AND event < $2
             UNION ALL SELECT event FROM fan_outs WHERE event >= $1 AND event < $2)
         DELETE FROM idempotency WHERE (project, kind, name) IN (
             SELECT project, kind, name FROM idempotency
             WHERE event >= $1 AND event < $2 AND event NOT IN (SELECT event FROM held)
             ORDER BY event LIMIT $3)";
    if txn.session().execute(forgotten, &[&from, &to, &row::limit(FORGOTTEN)]).await? > 0 {
        return Ok(Some(Deleted::default()));
    }
    let held = "SELECT event FROM deliveries WHERE event >= $1 AND event < $2
         UNION SELECT event FROM fan_outs WHERE event >= $1 AND event < $2";
    let events = partitions::drop_day(txn, table, day, &ids(&txn.query(held, &[&from, &to]).await?)?).await?;
    forget_occurrences(txn, day.keys().1).await?;
    Ok(Some(Deleted { events, ..Deleted::default() }))
}

/// Deletes occurrences before `until`, or before the oldest row that outlived its day.
async fn forget_occurrences(txn: &ReadTxn, until: DeliveryId) -> Result<(), Error> {
    let sql = "DELETE FROM occurrences WHERE slot < slot_of(least($1,
             (SELECT id FROM deliveries_default ORDER BY id LIMIT 1), (SELECT key FROM events_default ORDER BY key LIMIT 1)))";
    txn.session().execute(sql, &[&Uuid::from(until)]).await?;
    Ok(())
}

fn ids(rows: &[Row]) -> Result<Vec<Uuid>, Error> {
    rows.iter().map(|row| row::get(row, 0)).collect()
}

/// Deletes a slice of a project's events, with their deliveries and attempts; without a project, of the default
/// partition.
async fn delete_events(
    txn: &ReadTxn,
    walk: &mut Cursor,
    project: Option<ProjectId>,
    before: Timestamp,
) -> Result<Option<Deleted>, Error> {
    let after = walk.events.entry(project).or_insert_with(|| DeliveryId::from_bytes([0; 16]));
    let (from, to) = (Uuid::from(*after), Uuid::from(DeliveryId::first_at(before)));
    let found = match project {
        Some(project) => {
            let sql = format!("{} FROM events AS e WHERE e.project = $4 AND {OLD}", held_or_not());
            txn.query(&sql, &[&from, &to, &row::limit(ROWS), &Uuid::from(project)]).await?
        }
        None => {
            let sql = format!("{} FROM events_default AS e WHERE {OLD}", held_or_not());
            txn.query(&sql, &[&from, &to, &row::limit(ROWS)]).await?
        }
    };
    let Some(last) = found.last() else { return Ok(None) };
    *after = row::id(last, 0)?;
    let mut keys = Vec::<Uuid>::new();
    for row in &found {
        if !row::get::<bool>(row, 1)? {
            keys.push(row::get(row, 0)?);
        }
    }
    let attempts = "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event = ANY($1))";
    let attempts = txn.session().execute(attempts, &[&keys]).await?;
    let deliveries = txn.session().execute("DELETE FROM deliveries WHERE event = ANY($1)", &[&keys]).await?;
    txn.session().execute("DELETE FROM idempotency WHERE event = ANY($1)", &[&keys]).await?;
    let events = txn.session().execute("DELETE FROM events WHERE key = ANY($1)", &[&keys]).await?;
    Ok(Some(Deleted { events, deliveries, attempts, ..Deleted::default() }))
}

/// The condition for events old enough; `$1` is the last that was checked.
const OLD: &str = "e.key > $1 AND e.key < $2 ORDER BY e.key LIMIT $3";

/// Selects an event's key, and whether a delivery of it is pending, younger than the limit, or not made yet.
fn held_or_not() -> &'static str {
    "SELECT e.key, EXISTS (SELECT 1 FROM deliveries AS d LEFT JOIN pending AS p ON p.delivery = d.id
                           WHERE d.event = e.key AND (p.delivery IS NOT NULL OR d.id >= $2))
                   OR EXISTS (SELECT 1 FROM fan_outs AS f WHERE f.event = e.key)"
}

async fn delete_jobs(
    txn: &ReadTxn,
    kept: &HashMap<ProjectId, Retention>,
    longest: Period,
    now: Timestamp,
) -> Result<Option<Deleted>, Error> {
    let finite = |(project, period): (Option<ProjectId>, Period)| Some((project, period.over_before(now)?));
    let all = kept.iter().map(|(project, kept)| (Some(*project), kept.contents)).chain([(None, longest)]);
    for (project, before) in all.filter_map(finite) {
        let sql = "DELETE FROM jobs WHERE id IN (
                       SELECT id FROM jobs WHERE status <> 0 AND created_at < $1 AND ($2::uuid IS NULL OR project = $2)
                       ORDER BY created_at LIMIT $3)";
        let project = project.map(Uuid::from);
        let jobs = txn.session().execute(sql, &[&before.as_millis(), &project, &row::limit(ROWS)]).await?;
        if jobs > 0 {
            return Ok(Some(Deleted { jobs, ..Deleted::default() }));
        }
    }
    Ok(None)
}

/// Moves bodies that are about to be dropped to the youngest of the attempts that sent the same, which is kept longer.
const HAND_ON: &str = "WITH old AS (SELECT * FROM unnest($1, $2) AS old (delivery, number)),
     heirs AS MATERIALIZED (
         SELECT o.delivery, o.number AS owner, max(y.number) AS heir
         FROM old AS o JOIN attempts AS y ON y.delivery = o.delivery AND y.same_as = o.number AND y.number > o.number
         WHERE NOT EXISTS (SELECT 1 FROM old WHERE old.delivery = y.delivery AND old.number = y.number)
         GROUP BY o.delivery, o.number),
     handed_on AS (
         UPDATE attempts AS h SET same_as = NULL, request_body = o.request_body
         FROM heirs JOIN attempts AS o ON o.delivery = heirs.delivery AND o.number = heirs.owner
         WHERE h.delivery = heirs.delivery AND h.number = heirs.heir)
     UPDATE attempts AS a SET same_as = heirs.heir FROM heirs
     WHERE a.delivery = heirs.delivery AND a.same_as = heirs.owner AND a.number <> heirs.heir";

/// The remaining attempts that sent the same are older, and lose the body as well.
const GONE: &str = "UPDATE attempts AS a SET same_as = NULL, dropped = coalesce(a.dropped, 0) | 2
     FROM unnest($1, $2) AS old (delivery, number) WHERE a.delivery = old.delivery AND a.same_as = old.number";

/// Drops the bodies of a slice of attempts, except those of `others`, projects with another period.
async fn drop_bodies(
    txn: &ReadTxn,
    walk: &mut Cursor,
    period: Period,
    before: Timestamp,
    others: &[Uuid],
) -> Result<Option<Deleted>, Error> {
    let after = walk.bodies.entry(period).or_insert(i64::MIN);
    let sql = "SELECT a.delivery, a.number, a.started_at, d.project = ANY($4)
         FROM attempts AS a LEFT JOIN deliveries AS d ON d.id = a.delivery
         WHERE (a.response_body IS NOT NULL OR a.request_body IS NOT NULL) AND a.started_at >= $1 AND a.started_at < $2
         ORDER BY a.started_at LIMIT $3";
    let others = others.to_vec();
    let rows = txn.query(sql, &[after, &before.as_millis(), &row::limit(ROWS), &others]).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let newest: i64 = row::get(last, 2)?;
    let (mut deliveries, mut numbers) = (Vec::<Uuid>::new(), Vec::<i32>::new());
    for row in &rows {
        if !row::get::<Option<bool>>(row, 3)?.unwrap_or(false) {
            deliveries.push(row::get(row, 0)?);
            numbers.push(row::get(row, 1)?);
        }
    }
    if deliveries.is_empty() && newest == *after {
        // All attempts of one millisecond are of other projects.
        *after = newest + 1;
        return Ok(Some(Deleted::default()));
    }
    *after = newest;
    for sql in [HAND_ON, GONE] {
        txn.session().execute(sql, &[&deliveries, &numbers]).await?;
    }
    let sql = "UPDATE attempts AS a
         SET dropped = coalesce(a.dropped, 0) | (a.response_body IS NOT NULL)::int
                 | (2 * (a.request_body IS NOT NULL OR a.same_as IS NOT NULL)::int),
             response_body = NULL, request_body = NULL, same_as = NULL
         FROM unnest($1, $2) AS old (delivery, number) WHERE a.delivery = old.delivery AND a.number = old.number";
    let bodies = txn.session().execute(sql, &[&deliveries, &numbers]).await?;
    Ok(Some(Deleted { bodies, ..Deleted::default() }))
}
