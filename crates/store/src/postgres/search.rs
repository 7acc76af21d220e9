//! The SQL of looking things up.

use model::delivery::Status;
use model::id::{DeliveryId, EndpointId, EventId, ProjectId};
use tokio_postgres::Row;

use super::attempts::{self, ATTEMPT, ATTEMPT_WIDTH};
use super::list::{List, Span};
use super::param::Uuid;
use super::rows::{self, Columns, EventKey};
use super::session::Session;
use super::{Cluster, row};
use crate::Error;
use crate::search::{
    Attempted, Cursor, Delivery, DeliveryFilter, EventFilter, FullDelivery, Page, Paging, StoredEvent,
};

pub(crate) async fn events(
    db: &Cluster,
    project: ProjectId,
    filter: &EventFilter,
    paging: Paging,
) -> Result<Page<StoredEvent>, Error> {
    let select = format!("SELECT {}, e.deliveries, e.key FROM events AS e", row::EVENT);
    let mut list = List::new(select, Vec::new(), &["e.key"]);
    list.add("e.project = ?", Uuid::from(project));
    list.add_if("e.type = ?", filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned()));
    list.add_if("e.tenant = ?", filter.tenant.clone());
    let span = Span::of(filter.since, filter.until, paging.after);
    let read = |row: &Row| {
        let (key, stored) = keyed(row)?;
        Ok((stored, Cursor(*key.as_bytes())))
    };
    list.page(db, span, paging, read).await
}

pub(crate) async fn event(db: &Cluster, project: ProjectId, id: &EventId) -> Result<Option<StoredEvent>, Error> {
    Ok(event_row(db, project, id).await?.map(|(_, stored)| stored))
}

/// An event with its key.
pub(super) async fn event_row(
    db: &Cluster,
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

const DELIVERY: &str = "d.id, d.endpoint, e.id, e.type, e.tenant, d.status, d.attempts, d.manual, d.status_code, \
     d.reason, d.next_attempt_at";
const DELIVERY_WIDTH: usize = 11;

pub(crate) async fn deliveries(
    db: &Cluster,
    project: ProjectId,
    filter: &DeliveryFilter,
    paging: Paging,
) -> Result<Page<Delivery>, Error> {
    let mut span = Span::of(filter.since, filter.until, paging.after);
    let mut list = match (&filter.event, filter.status) {
        (Some(event), _) => {
            let Some((key, _)) = event_row(db, project, event).await? else {
                return Ok(Page { items: Vec::new(), next: None });
            };
            span.since = span.since.max(rows::earliest_delivery(key));
            of_event(key)
        }
        // What waits is found among what waits, however much else there is.
        (None, Some(Status::Pending)) => {
            let from = "pending AS p JOIN deliveries AS d ON d.id = p.delivery";
            List::new(select_deliveries(from), Vec::new(), &["p.delivery", "d.id"])
        }
        (None, _) => List::new(select_deliveries("deliveries AS d"), Vec::new(), &["d.id"]),
    };
    match filter.endpoint {
        // Its own deliveries are fewer than its project's: no index is to be used for the latter.
        Some(endpoint) => {
            list.add("d.endpoint = ?", Uuid::from(endpoint));
            list.add("d.project IS NOT DISTINCT FROM ?", Uuid::from(project));
        }
        None => list.add("d.project = ?", Uuid::from(project)),
    }
    if filter.status == Some(Status::Failed) {
        // For the indexes of these alone.
        list.only("d.failed");
    }
    list.add_if("d.status = ?", filter.status.map(|status| row::position(&status, &Status::ALL)));
    list.add_if("d.status_code = ?", filter.status_code.map(i32::from));
    list.add_if("e.type = ?", filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned()));
    list.add_if("e.tenant = ?", filter.tenant.clone());
    list.page(db, span, paging, |row| {
        let delivery = delivery_row(row)?;
        let cursor = Cursor(*delivery.id.as_bytes());
        Ok((delivery, cursor))
    })
    .await
}

fn select_deliveries(from: &str) -> String {
    format!("SELECT {DELIVERY} FROM {from} JOIN events AS e ON e.key = d.event")
}

/// All of an event's deliveries, which are few, before anything else is asked of them.
fn of_event(key: EventKey) -> List {
    let from = "(SELECT * FROM deliveries WHERE event = $1 AND id >= $2 OFFSET 0) AS d";
    let values: Columns = vec![Box::new(Uuid::from(key)), Box::new(Uuid::from(rows::earliest_delivery(key)))];
    List::new(select_deliveries(from), values, &["d.id"])
}

pub(crate) async fn delivery(db: &Cluster, project: ProjectId, id: DeliveryId) -> Result<Option<FullDelivery>, Error> {
    let sql = format!(
        "SELECT {DELIVERY}, {}, d.note FROM deliveries AS d JOIN events AS e ON e.key = d.event
         WHERE d.id = $1 AND d.project = $2",
        row::EVENT
    );
    let snapshot = db.snapshot().await?;
    let found = snapshot.query_opt(&sql, &[&Uuid::from(id), &Uuid::from(project)]).await?;
    let attempts = match found {
        Some(_) => attempts::of(&snapshot, id).await?,
        None => Vec::new(),
    };
    snapshot.end().await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(FullDelivery {
        delivery: delivery_row(&row)?,
        event: row::event(&row, DELIVERY_WIDTH)?,
        note: row::get(&row, DELIVERY_WIDTH + row::EVENT_WIDTH)?,
        attempts,
    }))
}

fn delivery_row(row: &Row) -> Result<Delivery, Error> {
    let id: DeliveryId = row::id(row, 0)?;
    let status = row::member(row::get(row, 5)?, &Status::ALL)?;
    let reason: Option<i16> = row::get(row, 9)?;
    let next_attempt_at = row::time(row, 10)?;
    Ok(Delivery {
        id,
        endpoint: row::id(row, 1)?,
        event: row::text(row, 2)?,
        event_type: row::text(row, 3)?,
        tenant: row::get(row, 4)?,
        status,
        attempts: row::count(row, 6)?,
        manual: row::get(row, 7)?,
        status_code: row::status_code(row, 8)?,
        reason: reason.map(|number| row::member(number, &row::REASONS)).transpose()?,
        next_attempt_at: (status == Status::Pending).then_some(next_attempt_at),
        created_at: id.created_at(),
    })
}

/// Deliveries of an endpoint that are looked through for attempts. Newer ones than these may all be waiting.
const LOOKED_THROUGH: usize = 2_500;

pub(crate) async fn attempts_at(
    db: &Cluster,
    project: ProjectId,
    endpoint: EndpointId,
    limit: usize,
) -> Result<Vec<Attempted>, Error> {
    // The newest are chosen by their keys alone, before what was answered is read.
    let sql = format!(
        "WITH recent AS MATERIALIZED (SELECT id, event, project, attempts FROM deliveries
                                      WHERE endpoint = $1 ORDER BY id DESC LIMIT {LOOKED_THROUGH}),
              tried AS MATERIALIZED (SELECT id, event FROM recent WHERE attempts > 0 AND project = $2
                                     ORDER BY id DESC LIMIT $3),
              newest AS MATERIALIZED (SELECT a.delivery, a.number, a.started_at AS at, t.event
                                      FROM tried AS t JOIN attempts AS a ON a.delivery = t.id
                                      ORDER BY a.started_at DESC, a.delivery DESC, a.number DESC LIMIT $3)
         SELECT {ATTEMPT}, a.delivery, e.id, e.type
         FROM newest AS n JOIN attempts AS a ON a.delivery = n.delivery AND a.number = n.number
              JOIN events AS e ON e.key = n.event
         ORDER BY n.at DESC, a.delivery DESC, a.number DESC"
    );
    let snapshot = db.snapshot().await?;
    snapshot.session().in_order().await?;
    let rows = snapshot.query(&sql, &[&Uuid::from(endpoint), &Uuid::from(project), &row::limit(limit)]).await?;
    snapshot.end().await?;
    let attempted = rows.iter().map(|row| {
        Ok(Attempted {
            delivery: row::id(row, ATTEMPT_WIDTH)?,
            event: row::text(row, ATTEMPT_WIDTH + 1)?,
            event_type: row::text(row, ATTEMPT_WIDTH + 2)?,
            attempt: attempts::attempt(row)?,
        })
    });
    attempted.collect()
}
