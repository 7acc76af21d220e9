//! The SQL of looking things up.

use model::attempt::{Body, Failure, FailureKind};
use model::delivery::Status;
use model::id::{DeliveryId, EndpointId, EventId, ProjectId};
use model::time::Timestamp;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter};

use super::row;
use crate::Error;
use crate::recovery::Key;
use crate::search::{
    Attempted, Cursor, Delivery, DeliveryFilter, EventFilter, FullDelivery, Page, Paging, StoredAttempt, StoredEvent,
};

pub(crate) fn events(
    db: &Connection,
    project: ProjectId,
    filter: &EventFilter,
    paging: Paging,
) -> Result<Page<StoredEvent>, Error> {
    let mut query = Conditions::new("e.project = ?", project.as_bytes());
    if let Some(cursor) = paging.after {
        query.add("e.seq < ?", i64::from_bytes(cursor.0));
    }
    if let Some(since) = filter.since {
        query.add("e.seq >= ?", first_event_at(db, since)?);
    }
    if let Some(until) = filter.until {
        query.add("e.seq < ?", first_event_at(db, until)?);
    }
    query.add_if("e.type = ?", filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned()));
    query.add_if("e.tenant = ?", filter.tenant.clone());
    let sql = format!(
        "SELECT {}, e.deliveries, e.seq FROM events AS e INDEXED BY events_by_age WHERE {} ORDER BY e.seq DESC LIMIT {}",
        row::EVENT,
        query.sql,
        paging.limit + 1
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(query.values), |row| {
        let stored = StoredEvent { event: row::event(row, 0)?, deliveries: row.get(row::EVENT_WIDTH)? };
        Ok((stored, Cursor(row.get::<_, i64>(row::EVENT_WIDTH + 1)?.to_bytes())))
    })?;
    Ok(Page::of(rows.collect::<rusqlite::Result<_>>()?, paging.limit))
}

pub(crate) fn event(db: &Connection, project: ProjectId, id: &EventId) -> Result<Option<StoredEvent>, Error> {
    Ok(event_row(db, project, id)?.map(|(_, stored)| stored))
}

/// An event with its number.
pub(super) fn event_row(
    db: &Connection,
    project: ProjectId,
    id: &EventId,
) -> Result<Option<(i64, StoredEvent)>, Error> {
    let sql = format!("SELECT {}, e.deliveries, e.seq FROM events AS e WHERE e.project = ? AND e.id = ?", row::EVENT);
    let found = db
        .prepare_cached(&sql)?
        .query_row(params![project.as_bytes(), id.as_str()], |row| {
            let stored = StoredEvent { event: row::event(row, 0)?, deliveries: row.get(row::EVENT_WIDTH)? };
            Ok((row.get(row::EVENT_WIDTH + 1)?, stored))
        })
        .optional()?;
    Ok(found)
}

/// The number of the first event accepted at or after `at`, found by halving: events are numbered in order of time.
pub(super) fn first_event_at(db: &Connection, at: Timestamp) -> Result<i64, Error> {
    let newest: Option<i64> = db.prepare_cached("SELECT max(seq) FROM events")?.query_row([], |row| row.get(0))?;
    let mut probe = db.prepare_cached("SELECT seq, created_at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1")?;
    let (mut low, mut high) = (0, newest.unwrap_or(0) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = probe.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((seq, created_at)) if created_at < at.as_millis() => low = seq + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

const DELIVERY: &str = "d.id, d.endpoint, e.id, e.type, e.tenant, d.status, d.attempts, d.manual, d.status_code, \
     d.reason, d.next_attempt_at";
const DELIVERY_WIDTH: usize = 11;

pub(crate) fn deliveries(
    db: &Connection,
    project: ProjectId,
    filter: &DeliveryFilter,
    paging: Paging,
) -> Result<Page<Delivery>, Error> {
    let mut query = Conditions::new("d.project = ?", project.as_bytes());
    let mut index = "deliveries_by_project";
    if filter.status == Some(Status::Failed) {
        index = "deliveries_failed";
    }
    if let Some(endpoint) = filter.endpoint {
        query.add("d.endpoint = ?", endpoint.as_bytes().to_vec());
        index = match filter.status {
            Some(Status::Failed) => "deliveries_failed_by_endpoint",
            _ => "deliveries_by_endpoint",
        };
    }
    if let Some(event) = &filter.event {
        let Some((seq, _)) = event_row(db, project, event)? else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        query.add("d.event = ?", seq);
        index = "deliveries_by_event";
    }
    if let Some(status) = filter.status {
        // Written out, not bound: a partial index is only used where the query names its condition.
        query.sql += &format!(" AND d.status = {}", row::status_number(status));
    }
    query.add_if("d.status_code = ?", filter.status_code.map(i64::from));
    query.add_if("e.type = ?", filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned()));
    query.add_if("e.tenant = ?", filter.tenant.clone());
    query.add_if("d.id >= ?", filter.since.map(|at| DeliveryId::first_at(at).as_bytes().to_vec()));
    query.add_if("d.id < ?", filter.until.map(|at| DeliveryId::first_at(at).as_bytes().to_vec()));
    query.add_if("d.id < ?", paging.after.map(|cursor| cursor.0.to_vec()));
    let sql = format!(
        "SELECT {DELIVERY} FROM deliveries AS d INDEXED BY {index} JOIN events AS e ON e.seq = d.event
         WHERE {} ORDER BY d.id DESC LIMIT {}",
        query.sql,
        paging.limit + 1
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(query.values), |row| {
        let delivery = delivery_row(row)?;
        let cursor = Cursor(*delivery.id.as_bytes());
        Ok((delivery, cursor))
    })?;
    Ok(Page::of(rows.collect::<rusqlite::Result<_>>()?, paging.limit))
}

pub(crate) fn delivery(db: &Connection, project: ProjectId, id: DeliveryId) -> Result<Option<FullDelivery>, Error> {
    let sql = format!(
        "SELECT {DELIVERY}, {}, d.note FROM deliveries AS d JOIN events AS e ON e.seq = d.event
         WHERE d.id = ? AND d.project = ?",
        row::EVENT
    );
    let found = db
        .prepare_cached(&sql)?
        .query_row(params![id.as_bytes(), project.as_bytes()], |row| {
            let note = row.get(DELIVERY_WIDTH + row::EVENT_WIDTH)?;
            Ok((delivery_row(row)?, row::event(row, DELIVERY_WIDTH)?, note))
        })
        .optional()?;
    let Some((delivery, event, note)) = found else { return Ok(None) };
    Ok(Some(FullDelivery { delivery, event, note, attempts: attempts(db, id)? }))
}

fn delivery_row(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let id = DeliveryId::from_bytes(row.get(0)?);
    let status = row::status(row, 5)?;
    let next_attempt_at = row::time(row, 10)?;
    Ok(Delivery {
        id,
        endpoint: row::id(row, 1)?,
        event: row::text(row, 2)?,
        event_type: row::text(row, 3)?,
        tenant: row.get(4)?,
        status,
        attempts: row.get(6)?,
        manual: row.get(7)?,
        status_code: row.get(8)?,
        reason: row::reason(row, 9)?,
        next_attempt_at: (status == Status::Pending).then_some(next_attempt_at),
        created_at: id.created_at(),
    })
}

/// Deliveries of an endpoint that are looked through for attempts. Newer ones than these may all be waiting.
const LOOKED_THROUGH: usize = 2_500;

pub(crate) fn attempts_at(
    db: &Connection,
    project: ProjectId,
    endpoint: EndpointId,
    limit: usize,
) -> Result<Vec<Attempted>, Error> {
    // The newest are chosen by their keys alone, before what was answered is read.
    let sql = format!(
        "WITH recent AS (SELECT id, event, project, attempts FROM deliveries INDEXED BY deliveries_by_endpoint
                         WHERE endpoint = ?1 ORDER BY id DESC LIMIT {LOOKED_THROUGH}),
              tried AS (SELECT id, event FROM recent WHERE attempts > 0 AND project = ?2
                        ORDER BY id DESC LIMIT ?3),
              newest AS (SELECT a.rowid AS attempt, a.started_at AS at, t.event
                         FROM tried AS t JOIN attempts AS a ON a.delivery = t.id
                         ORDER BY a.started_at DESC, a.delivery DESC, a.number DESC LIMIT ?3)
         SELECT {ATTEMPT}, a.delivery, e.id, e.type
         FROM newest AS n JOIN attempts AS a ON a.rowid = n.attempt JOIN events AS e ON e.seq = n.event
         ORDER BY n.at DESC, a.delivery DESC, a.number DESC"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let chosen = params![endpoint.as_bytes(), project.as_bytes(), row::limit(limit)];
    let rows = statement.query_map(chosen, |row| {
        Ok(Attempted {
            delivery: DeliveryId::from_bytes(row.get(ATTEMPT_WIDTH)?),
            event: row::text(row, ATTEMPT_WIDTH + 1)?,
            event_type: row::text(row, ATTEMPT_WIDTH + 2)?,
            attempt: attempt_row(row)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The columns that [`attempt_row`] reads, of `attempts AS a`.
const ATTEMPT: &str = "a.number, a.started_at, a.duration_ms, a.status_code, a.error_kind, a.error, \
     a.request_headers, a.response_headers, a.response_body, a.truncated, a.next_attempt_at, a.request_body, \
     a.dialect, a.notes, a.dropped";
const ATTEMPT_WIDTH: usize = 15;

fn attempts(db: &Connection, delivery: DeliveryId) -> Result<Vec<StoredAttempt>, Error> {
    let sql = format!("SELECT {ATTEMPT} FROM attempts AS a WHERE a.delivery = ? ORDER BY a.number");
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([delivery.as_bytes()], attempt_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn attempt_row(row: &Row<'_>) -> rusqlite::Result<StoredAttempt> {
    let kind = row.get::<_, Option<String>>(4)?.and_then(|name| FailureKind::named(&name));
    let message: Option<String> = row.get(5)?;
    Ok(StoredAttempt {
        number: row.get(0)?,
        started_at: row::time(row, 1)?,
        duration_ms: row.get::<_, i64>(2)?.unsigned_abs(),
        status_code: row.get(3)?,
        failure: kind.map(|kind| Failure::new(kind, message.unwrap_or_default())),
        request_headers: row::headers(row, 6)?,
        response_headers: row::headers(row, 7)?,
        response_body: row.get::<_, Option<Vec<u8>>>(8)?.unwrap_or_default(),
        response_truncated: row.get(9)?,
        next_attempt_at: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_millis),
        response_dropped: row::dropped(row, 14)?.response,
        body: body(row, kind)?,
        notes: match row.get_ref(13)? {
            ValueRef::Null => Vec::new(),
            _ => row::json(row, 13)?,
        },
    })
}

fn body(row: &Row<'_>, failure: Option<FailureKind>) -> rusqlite::Result<Body> {
    let dialect: Option<String> = row.get(12)?;
    Ok(match row.get::<_, Option<Vec<u8>>>(11)? {
        Some(kept) => Body::Kept(kept.into()),
        None if row::dropped(row, 14)?.request => Body::Dropped,
        None if failure == Some(FailureKind::Render) => Body::None,
        None => Body::Of(dialect.as_deref().unwrap_or(row::STANDARD).into()),
    })
}

/// A `WHERE` clause that grows with what is asked for.
struct Conditions {
    sql: String,
    values: Vec<Bound>,
}

impl Conditions {
    fn new(condition: &str, value: &[u8]) -> Self {
        Self { sql: condition.to_owned(), values: vec![Bound(value.to_vec().into())] }
    }

    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.sql += " AND ";
        self.sql += condition;
        self.values.push(Bound(value.into()));
    }

    fn add_if(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(condition, value);
        }
    }
}

struct Bound(Value);

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}
