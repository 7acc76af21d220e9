//! Rows as the server writes them, made by the database itself: millions in a minute.
//!
//! Ten deliveries a millisecond, so that rare rows lie among many others. Of each filter some value is everywhere, one
//! is rare, one is only in the oldest rows, and one is nowhere.

use std::process::Command;

use rusqlite::Connection;

use crate::conditions::Conditions;
use crate::database::Choice;
use crate::gateway::Gateway;
use crate::{BenchError, clock};

/// Endpoints that every event goes to. The last but one fails, and the last answers something else.
pub(super) const ENDPOINTS: u64 = 10;

/// Age of the first of them in days: retention leaves them, and PostgreSQL has no partitions of that time yet.
const DAYS_AGO: u64 = 3;

const DAY: u64 = 86_400_000;

/// Number of the oldest events, which alone have the values of the far end.
const FAR: u64 = 60;

/// One event in this many is rare.
const RARE: u64 = 20_011;

/// Writes the rows. Returns the times by which a tenth of them was made, and a half.
pub(super) fn write(
    gateway: &Gateway,
    conditions: &Conditions,
    slug: &str,
    events: u64,
) -> Result<[String; 2], BenchError> {
    let first_at = first_at(u64::try_from(clock::date().as_millisecond())?);
    match &conditions.database {
        Choice::Sqlite => to_sqlite(gateway, slug, first_at, events)?,
        Choice::Own(programs) => {
            let url = gateway.database_url().ok_or("a PostgreSQL without an address")?;
            to_postgres(&programs.join("psql"), url, slug, first_at, events)?;
        }
        Choice::Given(url) => to_postgres("psql".as_ref(), url, slug, first_at, events)?,
    }
    let at = |event: u64| {
        let millis = i64::try_from(first_at + event).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(millis).map(|at| at.to_string())
    };
    Ok([at(events / 10)?, at(events / 2)?])
}

/// The time of the first event: the beginning of a day.
fn first_at(now: u64) -> u64 {
    (now / DAY - DAYS_AGO) * DAY
}

/// The kind of an event `n`, and the delivery of it to endpoint `k`: in SQL that both databases read.
fn kind() -> String {
    format!("CASE WHEN n < {FAR} THEN 'far' WHEN n % {RARE} = 7 THEN 'rare' ELSE 'everywhere' END")
}

const STATUS: &str = "CASE WHEN n % 50021 = 3 THEN 0 WHEN n < 40 AND k = 1 THEN 3 WHEN n < 50 AND k = 8 THEN 1
     WHEN k = 8 OR n % 30011 = 5 THEN 2 ELSE 1 END";
const CODE: &str = "CASE WHEN n % 50021 = 3 OR (n < 40 AND k = 1) THEN NULL WHEN n < 45 THEN 202 WHEN k = 8 THEN 500
     WHEN n % 30011 = 5 THEN 418 WHEN k = 9 THEN 204 ELSE 200 END";

fn to_sqlite(gateway: &Gateway, slug: &str, first_at: u64, events: u64) -> Result<(), BenchError> {
    let db = Connection::open(gateway.data_dir().join("posthaste.db"))?;
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA temp_store = MEMORY; BEGIN;")?;
    let project: Vec<u8> = db.query_row("SELECT id FROM projects WHERE slug = ?", [slug], |row| row.get(0))?;
    let indexes: Vec<(String, String)> = db
        .prepare(
            "SELECT name, sql FROM sqlite_master
             WHERE type = 'index' AND tbl_name IN ('events', 'deliveries') AND sql IS NOT NULL",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, _) in &indexes {
        db.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let kind = kind();
    let made = format!(
        "WITH RECURSIVE e (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM e WHERE n + 1 < {events})
         INSERT INTO events (seq, project, id, type, tenant, data, occurred_at, created_at, deliveries, test)
         SELECT n + 1, ?1, CASE n WHEN 5 THEN 'evt_far' ELSE printf('evt_%026d', n) END, {kind} || '.type',
                CASE WHEN n % 2 = 0 OR {kind} <> 'everywhere' THEN {kind} END, '{{\"n\":' || n || '}}',
                {first_at} + n, {first_at} + n, {ENDPOINTS}, 0 FROM e"
    );
    db.execute(&made, [&project])?;
    let made = format!(
        "INSERT INTO deliveries (id, project, endpoint, event, tenant, status, attempts, place, next_attempt_at, status_code)
         SELECT unhex(printf('%012x7000%016x', {first_at} + n, n * 16 + k)), ?1, endpoint, n + 1, tenant, {STATUS}, 1,
                {first_at} + n, {first_at} + n, {CODE}
         FROM (SELECT e.seq - 1 AS n, e.tenant, p.k, p.id AS endpoint FROM events AS e
               CROSS JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM endpoints WHERE project = ?1) AS p)"
    );
    db.execute(&made, [&project])?;
    for (_, sql) in indexes {
        db.execute_batch(&sql)?;
    }
    let occurring = format!(
        "INSERT INTO occurrences SELECT DISTINCT project, 0, type, seq >> 6 FROM events;
         INSERT INTO occurrences SELECT DISTINCT project, 1, tenant, seq >> 6 FROM events WHERE tenant IS NOT NULL;
         INSERT INTO occurrences SELECT DISTINCT project, 2, type, ({first_at} + seq - 1) >> 4 FROM events;
         COMMIT;"
    );
    db.execute_batch(&occurring)?;
    Ok(())
}

fn to_postgres(psql: &std::path::Path, url: &str, slug: &str, first_at: u64, events: u64) -> Result<(), BenchError> {
    let kind = kind();
    let uuid = |number: &str| {
        format!("(lpad(to_hex({first_at} + n), 12, '0') || '7000' || lpad(to_hex({number}), 16, '0'))::uuid")
    };
    let (key, id) = (uuid("n * 16"), uuid("n * 16 + k"));
    let days = events.div_ceil(DAY);
    let first_day = first_at / DAY;
    let mut sql =
        "SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET work_mem = '256MB';\n".to_owned();
    for day in first_day..first_day + days {
        for (table, fill) in [("events", ""), ("deliveries", "WITH (fillfactor = 80)")] {
            let bound = |day: u64| format!("{:012x}00000000000000000000", day * DAY);
            sql += &format!(
                "CREATE TABLE {table}_day_{day} PARTITION OF {table} FOR VALUES FROM ('{}') TO ('{}') {fill};\n",
                bound(day),
                bound(day + 1)
            );
        }
        sql += &format!("CREATE UNIQUE INDEX events_day_{day}_by_id ON events_day_{day} (project, id);\n");
    }
    sql += &format!(
        "INSERT INTO events (key, project, id, type, tenant, data, occurred_at, created_at, deliveries, test)
         SELECT {key}, p.id, CASE n WHEN 5 THEN 'evt_far' ELSE 'evt_' || lpad(n::text, 26, '0') END, {kind} || '.type',
                CASE WHEN n % 2 = 0 OR {kind} <> 'everywhere' THEN {kind} END, '{{\"n\":' || n || '}}',
                {first_at} + n, {first_at} + n, {ENDPOINTS}, false
         FROM projects AS p, generate_series(0::bigint, {events} - 1) AS n WHERE p.slug = '{slug}';
         INSERT INTO deliveries (id, project, endpoint, event, status, attempts, manual, next_attempt_at, status_code, failed)
         SELECT {id}, project, endpoint, {key}, {STATUS}, 1, false, {first_at} + n, {CODE}, ({STATUS}) = 2
         FROM generate_series(0::bigint, {events} - 1) AS n, (
             SELECT e.id AS endpoint, e.project, row_number() OVER (ORDER BY e.id) - 1 AS k
             FROM endpoints AS e JOIN projects AS p ON p.id = e.project WHERE p.slug = '{slug}') AS k;
         INSERT INTO pending (delivery, endpoint, place, project, tenant)
         SELECT d.id, d.endpoint, d.next_attempt_at, d.project, e.tenant
         FROM deliveries AS d JOIN events AS e ON e.key = d.event WHERE d.status = 0;
         DROP INDEX occurrences_by_name;
         INSERT INTO occurrences SELECT DISTINCT project, 0, type, slot_of(key) FROM events;
         INSERT INTO occurrences SELECT DISTINCT project, 1, tenant, slot_of(key) FROM events WHERE tenant IS NOT NULL;
         INSERT INTO occurrences SELECT DISTINCT project, 2, type, slot_of(key) FROM events;
         INSERT INTO occurrences SELECT DISTINCT project, 5, tenant, slot_of(key) FROM events WHERE tenant IS NOT NULL;
         INSERT INTO occurrences
             SELECT DISTINCT o.* FROM deliveries AS d JOIN events AS e ON e.key = d.event
             CROSS JOIN LATERAL (SELECT d.status || ':' || lpad(coalesce(d.status_code, 0)::text, 3, '0') AS outcome) AS x
             CROSS JOIN LATERAL (VALUES (d.project, 3, x.outcome, slot_of(d.id)), (d.endpoint, 3, x.outcome, slot_of(d.id)),
                 (d.project, 4, e.tenant || E'\\x01' || x.outcome, slot_of(d.id))) AS o (scope, kind, name, slot)
             WHERE o.name IS NOT NULL AND d.status <> 0;
         CREATE INDEX occurrences_by_name ON occurrences (scope, kind, name, slot);\n"
    );
    sql += "VACUUM (ANALYZE) events, deliveries, pending, occurrences; CHECKPOINT;\n";
    let statements = sql.split(";\n").filter(|statement| !statement.trim().is_empty());
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url]);
    for statement in statements {
        for one in statement.split("; ") {
            command.args(["--command", one]);
        }
    }
    let output = command.output().map_err(|error| format!("{}: {error}", psql.display()))?;
    if !output.status.success() {
        return Err(format!("psql: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_younger_than_what_retention_deletes_and_of_days_that_are_over() {
        let now = 20_000 * DAY + 12_345;
        let (first, last) = (first_at(now), first_at(now) + 10_000_000);
        assert_eq!(first % DAY, 0);
        assert!(now - first < 30 * DAY && last < 20_000 * DAY);
    }
}
