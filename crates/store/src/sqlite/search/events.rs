//! The SQL of looking up events.

use model::id::{EventId, ProjectId};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::conditions::Conditions;
use crate::Error;
use crate::occurrences::Kind;
use crate::recovery::Key;
use crate::search::{Cursor, EventFilter, ListedEvent, Page, Paging, StoredEvent};
use crate::sqlite::{occurrences, row};

/// The columns of an event in lists, of `events AS e`. Not its data: lists do not show it.
const LISTED: &str = "e.id, e.type, e.tenant, e.summary, e.occurred_at, e.created_at, e.deliver_at, e.expires_at, e.test, \
     e.deliveries, e.seq";

pub(crate) fn events(
    db: &Connection,
    project: ProjectId,
    filter: &EventFilter,
    paging: Paging,
) -> Result<Page<ListedEvent>, Error> {
    let since = filter.since.map_or(Ok(0), |at| first_event_at(db, at))?;
    let ends = [
        paging.after.map(|cursor| i64::from_bytes(cursor.0)),
        filter.until.map(|at| first_event_at(db, at)).transpose()?,
    ];
    let until = ends.into_iter().flatten().min().unwrap_or(i64::MAX);
    let (tenant, event_type) = (filter.tenant.as_deref(), filter.event_type.as_ref().map(|wanted| wanted.as_str()));
    let tenant_wanted = tenant.map(|tenant| (Kind::EventTenant, tenant));
    let wanted: Vec<_> = event_type.map(|name| (Kind::EventType, name)).into_iter().chain(tenant_wanted).collect();
    let mut found = Vec::new();
    if wanted.is_empty() {
        between(db, project, filter, (since, until), paging.limit + 1, &mut found)?;
        return Ok(Page::of(found, paging.limit));
    }
    let mut block = occurrences::block_of(until.saturating_sub(1));
    while found.len() <= paging.limit
        && let Some(next) = occurrences::newest(db, project, &wanted, block)?
    {
        let (first, end) = occurrences::events_of(next);
        if end <= since {
            break;
        }
        let span = (first.max(since), end.min(until));
        between(db, project, filter, span, paging.limit + 1 - found.len(), &mut found)?;
        block = next - 1;
    }
    Ok(Page::of(found, paging.limit))
}

/// The newest of the events with numbers from the first on and before the second.
fn between(
    db: &Connection,
    project: ProjectId,
    filter: &EventFilter,
    span: (i64, i64),
    most: usize,
    found: &mut Vec<(ListedEvent, Cursor)>,
) -> Result<(), Error> {
    let mut query = Conditions::new("e.project = ?", project.as_bytes().to_vec());
    query.add("e.seq >= ?", span.0);
    query.add("e.seq < ?", span.1);
    query.add_if("e.type = ?", filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned()));
    query.add_if("e.tenant = ?", filter.tenant.clone());
    let condition = query.sql();
    query.value(row::limit(most));
    let sql = format!(
        "SELECT {LISTED} FROM events AS e INDEXED BY events_by_age WHERE {condition} ORDER BY e.seq DESC LIMIT ?"
    );
    let mut statement = db.prepare_cached(&sql)?;
    for one in statement.query_map(params_from_iter(query.into_values()), listed)? {
        found.push(one?);
    }
    Ok(())
}

fn listed(row: &Row<'_>) -> rusqlite::Result<(ListedEvent, Cursor)> {
    let maybe_time = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_millis));
    let event = ListedEvent {
        id: row::text(row, 0)?,
        event_type: row::text(row, 1)?,
        tenant: row.get(2)?,
        summary: row.get(3)?,
        occurred_at: row::time(row, 4)?,
        created_at: row::time(row, 5)?,
        deliver_at: maybe_time(6)?,
        expires_at: maybe_time(7)?,
        test: row.get(8)?,
        deliveries: row.get(9)?,
    };
    Ok((event, Cursor(row.get::<_, i64>(10)?.to_bytes())))
}

pub(crate) fn event(db: &Connection, project: ProjectId, id: &EventId) -> Result<Option<StoredEvent>, Error> {
    Ok(event_row(db, project, id)?.map(|(_, stored)| stored))
}

/// Bytes of an event besides what lists show.
pub(crate) fn event_weight(db: &Connection, project: ProjectId, id: &EventId) -> Result<Option<usize>, Error> {
    let weight: Option<i64> = db
        .prepare_cached(
            "SELECT octet_length(data) + coalesce(octet_length(brand), 0) + coalesce(octet_length(workflow), 0)
             FROM events WHERE project = ? AND id = ?",
        )?
        .query_row(params![project.as_bytes(), id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(weight.and_then(|bytes| usize::try_from(bytes).ok()))
}

pub(super) fn event_number(db: &Connection, project: ProjectId, id: &EventId) -> Result<Option<i64>, Error> {
    let found = db
        .prepare_cached("SELECT seq FROM events WHERE project = ? AND id = ?")?
        .query_row(params![project.as_bytes(), id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// An event with its number.
pub(crate) fn event_row(
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

/// The number of the first event accepted at or after `at`, found by bisection: events are numbered in order of time.
pub(crate) fn first_event_at(db: &Connection, at: Timestamp) -> Result<i64, Error> {
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
