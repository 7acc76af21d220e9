//! The SQL of deliveries in full: their attempts, and the bodies of these one at a time.

use bytes::Bytes;
use model::attempt::{Failure, FailureKind};
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::row;
use super::deliveries::newest_of;
use crate::Error;
use crate::rules::attempt::sent_body_of;
use crate::search::{Attempted, Bodies, DELIVERY, DELIVERY_WIDTH, FullDelivery, SentBody, StoredAttempt};

pub(crate) fn delivery(
    db: &Connection,
    project: ProjectId,
    id: DeliveryId,
    bodies: Bodies,
) -> Result<Option<FullDelivery>, Error> {
    let sql = format!(
        "SELECT {DELIVERY}, {}, d.note FROM deliveries AS d JOIN events AS e ON e.seq = d.event
         WHERE d.id = ? AND d.project = ?",
        row::EVENT
    );
    let found = db
        .prepare_cached(&sql)?
        .query_row(params![id.as_bytes(), project.as_bytes()], |row| {
            let note = row.get(DELIVERY_WIDTH + row::EVENT_WIDTH)?;
            Ok((row::delivery(row)?, row::event(row, DELIVERY_WIDTH)?, note))
        })
        .optional()?;
    let Some((delivery, event, note)) = found else { return Ok(None) };
    Ok(Some(FullDelivery { delivery, event, note, attempts: attempts(db, id, bodies)? }))
}

/// Bytes of bodies in a delivery in full: its event's data, all responses, the largest body sent.
pub(crate) fn weight(db: &Connection, project: ProjectId, id: DeliveryId) -> Result<Option<usize>, Error> {
    let weight: Option<i64> = db
        .prepare_cached(
            "SELECT octet_length(e.data)
                 + (SELECT coalesce(sum(length(response_body)), 0) + coalesce(max(length(request_body)), 0)
                    FROM attempts WHERE delivery = d.id)
             FROM deliveries AS d JOIN events AS e ON e.seq = d.event WHERE d.id = ? AND d.project = ?",
        )?
        .query_row(params![id.as_bytes(), project.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(weight.and_then(|bytes| usize::try_from(bytes).ok()))
}

/// The body that an attempt sent, if it was stored: with the attempt, or with another one that sent the same.
pub(crate) fn sent_body(
    db: &Connection,
    project: ProjectId,
    id: DeliveryId,
    number: u32,
) -> Result<Option<Bytes>, Error> {
    let body: Option<Option<Vec<u8>>> = db
        .prepare_cached(
            "SELECT k.request_body FROM attempts AS a
             JOIN attempts AS k ON k.delivery = a.delivery AND k.number = coalesce(a.same_as, a.number)
             WHERE a.delivery = ?1 AND a.number = ?2
               AND EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND project = ?3)",
        )?
        .query_row(params![id.as_bytes(), number, project.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(body.flatten().map(Bytes::from))
}

/// Maximum deliveries of an endpoint that are searched for attempts. The newest of them may all be waiting.
const LOOKED_THROUGH: usize = 2_500;

pub(crate) fn attempts_at(
    db: &Connection,
    project: ProjectId,
    endpoint: EndpointId,
    limit: usize,
    longest_body: usize,
) -> Result<Vec<Attempted>, Error> {
    let newest = newest_attempts(db, project, endpoint, limit)?;
    let sql = format!(
        "SELECT {}, e.id, e.type FROM attempts AS a JOIN deliveries AS d ON d.id = a.delivery
         JOIN events AS e ON e.seq = d.event WHERE a.rowid = ?",
        columns(longest_body)
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut attempted = Vec::with_capacity(newest.len());
    for (_, delivery, _, attempt) in newest {
        attempted.push(statement.query_row([attempt], |row| {
            Ok(Attempted {
                delivery,
                event: row::text(row, ATTEMPT_WIDTH)?,
                event_type: row::text(row, ATTEMPT_WIDTH + 1)?,
                attempt: attempt_row(row)?,
            })
        })?);
    }
    Ok(attempted)
}

/// Start of an attempt, its delivery, its number there, and its row id.
type Newest = (i64, DeliveryId, u32, i64);

/// The newest attempts, chosen by their keys alone, before any response is read.
fn newest_attempts(
    db: &Connection,
    project: ProjectId,
    endpoint: EndpointId,
    limit: usize,
) -> Result<Vec<Newest>, Error> {
    let mut tried = db.prepare_cached("SELECT 1 FROM deliveries WHERE id = ? AND project = ? AND attempts > 0")?;
    let mut attempts = db.prepare_cached("SELECT started_at, number, rowid FROM attempts WHERE delivery = ?")?;
    let (mut newest, mut deliveries) = (Vec::new(), 0);
    for id in newest_of(db, endpoint, LOOKED_THROUGH)? {
        if !tried.exists(params![id.as_bytes(), project.as_bytes()])? {
            continue;
        }
        let rows = attempts.query_map([id.as_bytes()], |row| Ok((row.get(0)?, id, row.get(1)?, row.get(2)?)))?;
        newest.extend(rows.collect::<rusqlite::Result<Vec<Newest>>>()?);
        deliveries += 1;
        if deliveries == limit {
            break;
        }
    }
    newest.sort_unstable_by(|one, other| other.cmp(one));
    newest.truncate(limit);
    Ok(newest)
}

/// The columns that [`attempt_row`] reads, of `attempts AS a`. Their test for a body does not read it.
fn columns(longest_body: usize) -> String {
    let response = match longest_body {
        0 => "NULL".to_owned(),
        longest => format!("substr(a.response_body, 1, {longest})"),
    };
    format!(
        "a.number, a.started_at, a.duration_ms, a.status_code, a.error_kind, a.error, a.request_headers,
         a.response_headers, {response}, a.truncated, a.next_attempt_at,
         typeof(a.request_body) = 'blob' OR a.same_as IS NOT NULL, a.dialect, a.notes, a.dropped"
    )
}
const ATTEMPT_WIDTH: usize = 15;

fn attempts(db: &Connection, delivery: DeliveryId, bodies: Bodies) -> Result<Vec<StoredAttempt>, Error> {
    let sql = format!("SELECT {} FROM attempts AS a WHERE a.delivery = ? ORDER BY a.number", columns(bodies.longest()));
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([delivery.as_bytes()], attempt_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn attempt_row(row: &Row<'_>) -> rusqlite::Result<StoredAttempt> {
    let kind = row::failure_kind(row, 4)?;
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

fn body(row: &Row<'_>, failure: Option<FailureKind>) -> rusqlite::Result<SentBody> {
    let dialect: Option<String> = row.get(12)?;
    Ok(sent_body_of(row.get(11)?, row::dropped(row, 14)?.request, failure, dialect.as_deref()))
}
