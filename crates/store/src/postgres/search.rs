//! The SQL of searches: events here, deliveries and their attempts below.

mod deliveries;
mod full;

use std::sync::Arc;

use model::id::{EventId, ProjectId};
use tokio_postgres::Row;

use super::event_key::EventKey;
use super::list::{List, Occurring, Span};
use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use super::session::Session;
use crate::Error;
use crate::occurrences::Kind;
use crate::search::{Cursor, EventFilter, ListedEvent, Page, Paging, StoredEvent};
pub(crate) use deliveries::deliveries;
pub(crate) use full::{attempts_at, delivery, sent_body, weight};

/// The columns of an event in a list. Not its data, which lists do not show.
const LISTED: &str = "SELECT e.id, e.type, e.tenant, e.summary, e.occurred_at, e.created_at, e.deliver_at, e.expires_at, \
     e.test, e.deliveries, e.key FROM events AS e";

pub(crate) async fn events(
    db: &Arc<NodeContext>,
    project: ProjectId,
    filter: &EventFilter,
    paging: Paging,
) -> Result<Page<ListedEvent>, Error> {
    let mut list = List::new(LISTED.to_owned(), Vec::new(), &["e.key"]);
    list.add("e.project = ?", Uuid::from(project));
    list.add_if("e.type = ?", filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned()));
    list.add_if("e.tenant = ?", filter.tenant.clone());
    let span = Span::of(filter.since, filter.until, paging.after);
    let (search, most) = (db.search(project).await?, paging.limit + 1);
    let occurring = match (&filter.tenant, &filter.event_type) {
        (Some(tenant), _) => Some(Occurring::one(project, Kind::EventTenant, tenant)),
        (None, Some(event_type)) => Some(Occurring::one(project, Kind::EventType, event_type.as_str())),
        (None, None) => None,
    };
    let found = match occurring {
        Some(occurring) => list.newest_in(&search, &occurring, span, most, listed).await?,
        None => list.newest(&search, span, db.env.now(), most, listed).await?,
    };
    search.end().await?;
    Ok(Page::of(found, paging.limit))
}

fn listed(row: &Row) -> Result<(ListedEvent, Cursor), Error> {
    let key: EventKey = row::id(row, 10)?;
    let event = ListedEvent {
        id: row::text(row, 0)?,
        event_type: row::text(row, 1)?,
        tenant: row::get(row, 2)?,
        summary: row::get(row, 3)?,
        occurred_at: row::time(row, 4)?,
        created_at: row::time(row, 5)?,
        deliver_at: row::maybe_time(row, 6)?,
        expires_at: row::maybe_time(row, 7)?,
        test: row::get(row, 8)?,
        deliveries: row::count(row, 9)?,
    };
    Ok((event, Cursor(*key.as_bytes())))
}

pub(crate) async fn event(
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: &EventId,
) -> Result<Option<StoredEvent>, Error> {
    let search = db.search(project).await?;
    let found = event_in(search.session(), project, id).await.map_err(Error::of_search)?;
    search.end().await?;
    Ok(found.map(|(_, stored)| stored))
}

/// Bytes of an event beyond what lists show.
pub(crate) async fn event_weight(
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: &EventId,
) -> Result<Option<usize>, Error> {
    let sql =
        "SELECT (octet_length(data) + coalesce(octet_length(brand), 0) + coalesce(octet_length(workflow), 0))::bigint
         FROM events WHERE project = $1 AND id = $2";
    let search = db.search(project).await?;
    let found = search.query_opt(sql, &[&Uuid::from(project), &id.as_str()]).await?;
    search.end().await?;
    let weight: Option<i64> = found.map(|row| row::get(&row, 0)).transpose()?;
    Ok(weight.and_then(|bytes| usize::try_from(bytes).ok()))
}

/// An event with its key.
pub(super) async fn event_row(
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: &EventId,
) -> Result<Option<(EventKey, StoredEvent)>, Error> {
    event_in(&db.session().await?, project, id).await
}

pub(super) async fn event_in(
    session: &Session,
    project: ProjectId,
    id: &EventId,
) -> Result<Option<(EventKey, StoredEvent)>, Error> {
    let sql = format!("SELECT {}, e.deliveries, e.key FROM events AS e WHERE e.project = $1 AND e.id = $2", row::EVENT);
    let found = session.query_opt(&sql, &[&Uuid::from(project), &id.as_str()]).await?;
    found.as_ref().map(keyed).transpose()
}

fn keyed(row: &Row) -> Result<(EventKey, StoredEvent), Error> {
    const AT: usize = row::EVENT_WIDTH;
    let stored = StoredEvent { event: row::event(row, 0)?, deliveries: row::count(row, AT)? };
    Ok((row::id(row, AT + 1)?, stored))
}
