//! New rows, written many at a time: events, their deliveries, pending rows and fan-outs.

use std::sync::Arc;

use futures_util::future;
use model::delivery::Due;
use model::event::Event;
use model::id::{DeliveryId, ProjectId};
use model::json::Json;
use model::time::Timestamp;

use super::columns::{Columns, borrowed, column};
use super::event_key::EventKey;
use super::occurrences::{self, Fresh};
use super::param::Uuid;
use super::row;
use super::session::{Prepared, Session};
use crate::Error;
use crate::fan_outs;
use crate::filtering::Recipient;
use crate::occurrences::Noted;

const EVENTS: &str = "INSERT INTO events (key, project, id, type, tenant, data, brand, workflow, summary, occurred_at,
                     created_at, deliver_at, expires_at, deliveries, test)
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const DELIVERIES: &str = "INSERT INTO deliveries (id, project, endpoint, event, manual, next_attempt_at, note)
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)";
const LISTS: &str = "INSERT INTO fan_out_lists (id, recipients) SELECT * FROM unnest($1, $2)";
const FAN_OUTS: &str = "INSERT INTO fan_outs (project, event, list, position)
     SELECT f.project, f.event, f.list, 0 FROM unnest($1, $2, $3) AS f (project, event, list)";
const PENDING: &str = "INSERT INTO pending (delivery, endpoint, place, project, tenant)
     SELECT * FROM unnest($1, $2, $3, $4, $5)";

/// The rows that a commit adds.
#[derive(Default)]
pub(super) struct NewRows {
    events: Vec<NewEvent>,
    deliveries: Vec<NewDelivery>,
    /// Lists of recipients of fan-outs, each once.
    lists: Vec<(Uuid, Vec<Recipient>)>,
    fan_outs: Vec<NewFanOut>,
}

struct NewFanOut {
    project: ProjectId,
    event: EventKey,
    list: Uuid,
}

struct NewEvent {
    key: EventKey,
    event: Arc<Event>,
    deliveries: u32,
}

struct NewDelivery {
    due: Due,
    event: EventKey,
    note: Option<String>,
}

/// Statements with their values. Prepared before they are sent, because they are sent together.
#[derive(Default)]
pub(super) struct Statements(Vec<(Prepared, Columns)>);

impl NewRows {
    pub(super) fn event(&mut self, key: EventKey, event: Arc<Event>, deliveries: u32) {
        self.events.push(NewEvent { key, event, deliveries });
    }

    pub(super) fn delivery(&mut self, due: Due, event: EventKey, note: Option<String>) {
        self.deliveries.push(NewDelivery { due, event, note });
    }

    /// Adds a fan-out: the event's deliveries are made later. `id` is for a list that does not exist yet.
    pub(super) fn fan_out(&mut self, event: EventKey, project: ProjectId, recipients: Vec<Recipient>, id: DeliveryId) {
        let known = self.lists.iter().find(|(_, known)| *known == recipients).map(|(id, _)| *id);
        let list = known.unwrap_or_else(|| {
            self.lists.push((id.into(), recipients));
            id.into()
        });
        self.fan_outs.push(NewFanOut { project, event, list });
    }

    pub(super) fn len(&self) -> usize {
        self.events.len() + self.deliveries.len() + self.lists.len() + self.fan_outs.len()
    }

    /// True if there are fan-outs among the rows.
    pub(super) fn fans_out(&self) -> bool {
        !self.fan_outs.is_empty()
    }

    /// The key of an event that exists if and only if the commit succeeded.
    pub(super) fn proof(&self) -> Option<EventKey> {
        self.events.first().map(|new| new.key)
    }

    pub(super) async fn insert(&self, session: &Session) -> Result<(), Error> {
        self.ready(session, &mut Noted::default()).await?.send(session).await
    }

    /// Prepares the statements, with the occurrences that are not `noted`.
    pub(super) async fn ready(&self, session: &Session, noted: &mut Noted) -> Result<Statements, Error> {
        let mut ready = Statements::default();
        if !self.events.is_empty() {
            ready.add(session, EVENTS, self.event_columns()).await?;
        }
        if !self.deliveries.is_empty() {
            ready.add(session, DELIVERIES, self.delivery_columns()).await?;
            ready.add(session, PENDING, self.pending_columns()).await?;
        }
        if !self.fan_outs.is_empty() {
            ready.add(session, LISTS, self.list_columns()).await?;
            ready.add(session, FAN_OUTS, self.fan_out_columns()).await?;
        }
        let mut fresh = Fresh::beside(noted);
        self.events.iter().for_each(|new| fresh.event(new.key, &new.event));
        self.deliveries.iter().for_each(|new| fresh.delivery(new.due.id, &new.due.event));
        if let Some(columns) = fresh.columns() {
            ready.add(session, occurrences::INSERT, columns).await?;
        }
        Ok(ready)
    }

    fn event_columns(&self) -> Columns {
        let json = |value: &Option<Json>| value.as_ref().map(|json| json.as_str().to_owned());
        let new = &self.events;
        vec![
            column(new, |new| Uuid::from(new.key)),
            column(new, |new| Uuid::from(new.event.project)),
            column(new, |new| new.event.id.as_str().to_owned()),
            column(new, |new| new.event.event_type.as_str().to_owned()),
            column(new, |new| new.event.tenant.clone()),
            column(new, |new| new.event.data.as_str().to_owned()),
            column(new, |new| json(&new.event.brand)),
            column(new, |new| json(&new.event.workflow)),
            column(new, |new| new.event.summary.clone()),
            column(new, |new| new.event.occurred_at.as_millis()),
            column(new, |new| new.event.created_at.as_millis()),
            column(new, |new| new.event.deliver_at.map(Timestamp::as_millis)),
            column(new, |new| new.event.expires_at.map(Timestamp::as_millis)),
            column(new, |new| row::number(new.deliveries)),
            column(new, |new| new.event.test),
        ]
    }

    fn delivery_columns(&self) -> Columns {
        let new = &self.deliveries;
        vec![
            column(new, |new| Uuid::from(new.due.id)),
            column(new, |new| Uuid::from(new.due.event.project)),
            column(new, |new| Uuid::from(new.due.endpoint)),
            column(new, |new| Uuid::from(new.event)),
            column(new, |new| new.due.manual),
            column(new, |new| new.due.next_attempt_at.as_millis()),
            column(new, |new| new.note.clone()),
        ]
    }

    fn list_columns(&self) -> Columns {
        vec![column(&self.lists, |(id, _)| *id), column(&self.lists, |(_, recipients)| fan_outs::encode(recipients))]
    }

    fn fan_out_columns(&self) -> Columns {
        let new = &self.fan_outs;
        vec![
            column(new, |new| Uuid::from(new.project)),
            column(new, |new| Uuid::from(new.event)),
            column(new, |new| new.list),
        ]
    }

    fn pending_columns(&self) -> Columns {
        let new = &self.deliveries;
        vec![
            column(new, |new| Uuid::from(new.due.id)),
            column(new, |new| Uuid::from(new.due.endpoint)),
            column(new, |new| new.due.order_key.as_millis()),
            column(new, |new| Uuid::from(new.due.event.project)),
            column(new, |new| new.due.event.tenant.clone()),
        ]
    }
}

impl Statements {
    pub(super) async fn add(&mut self, session: &Session, sql: &'static str, columns: Columns) -> Result<(), Error> {
        self.0.push((session.prepare(sql, &borrowed(&columns)).await?, columns));
        Ok(())
    }

    /// Sends all statements at once, in order.
    pub(super) async fn send(&self, session: &Session) -> Result<(), Error> {
        let sent: Vec<_> = self.0.iter().map(|(statement, columns)| (statement, borrowed(columns))).collect();
        let answers = future::join_all(sent.iter().map(|(statement, columns)| session.send(statement, columns))).await;
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }
}
