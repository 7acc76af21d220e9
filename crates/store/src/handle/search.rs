//! Verbs of lookups: lists, and one thing in full.

use bytes::Bytes;
use model::id::{DeliveryId, EndpointId, EventId, ProjectId};

use crate::handle::Database;
use crate::search::{
    Attempted, Bodies, Delivery, DeliveryFilter, EventFilter, FullDelivery, ListedEvent, Page, Paging, StoredAttempt,
    StoredEvent,
};
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl StoredAttempt {
    /// The stored part of the response's body, as text.
    pub fn response_text(&self) -> String {
        String::from_utf8_lossy(&self.response_body).into_owned()
    }
}

impl Store {
    pub async fn events(
        &self,
        project: ProjectId,
        filter: EventFilter,
        paging: Paging,
    ) -> Result<Page<ListedEvent>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.search(project, move |db| sqlite::search::events(db, project, &filter, paging)).await
            }
            Database::Cluster(db) => postgres::search::events(&db.context, project, &filter, paging).await,
        }
    }

    /// Bytes of an event's data, brand and workflow. Does not read them.
    pub async fn weight_of_event(&self, project: ProjectId, id: EventId) -> Result<Option<usize>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.search(project, move |db| sqlite::search::event_weight(db, project, &id)).await
            }
            Database::Cluster(db) => postgres::search::event_weight(&db.context, project, &id).await,
        }
    }

    pub async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<StoredEvent>, Error> {
        match self.database() {
            Database::Embedded(db) => db.search(project, move |db| sqlite::search::event(db, project, &id)).await,
            Database::Cluster(db) => postgres::search::event(&db.context, project, &id).await,
        }
    }

    pub async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        paging: Paging,
    ) -> Result<Page<Delivery>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.search(project, move |db| sqlite::search::deliveries(db, project, &filter, paging)).await
            }
            Database::Cluster(db) => postgres::search::deliveries(&db.context, project, &filter, paging).await,
        }
    }

    /// A delivery with its event and all its attempts, without the bodies that they sent.
    pub async fn delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
        bodies: Bodies,
    ) -> Result<Option<FullDelivery>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.search(project, move |db| sqlite::search::delivery(db, project, id, bodies)).await
            }
            Database::Cluster(db) => postgres::search::delivery(&db.context, project, id, bodies).await,
        }
    }

    /// Bytes of a delivery's bodies: its event's data, the responses', the largest that was sent. Reads none of them.
    pub async fn weight_of_delivery(&self, project: ProjectId, id: DeliveryId) -> Result<Option<usize>, Error> {
        match self.database() {
            Database::Embedded(db) => db.search(project, move |db| sqlite::search::weight(db, project, id)).await,
            Database::Cluster(db) => postgres::search::weight(&db.context, project, id).await,
        }
    }

    /// The body that an attempt sent, if it was stored.
    pub async fn sent_body(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
        attempt: u32,
    ) -> Result<Option<Bytes>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.search(project, move |db| sqlite::search::sent_body(db, project, delivery, attempt)).await
            }
            Database::Cluster(db) => postgres::search::sent_body(&db.context, project, delivery, attempt).await,
        }
    }

    /// The newest attempts at an endpoint, newest first, among those of its newest deliveries. An old delivery that was
    /// tried once more is not among them when too many came after it. Bodies of responses are cut to `longest_body`
    /// bytes.
    pub async fn attempts_at(
        &self,
        project: ProjectId,
        endpoint: EndpointId,
        limit: usize,
        longest_body: usize,
    ) -> Result<Vec<Attempted>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.search(project, move |db| sqlite::search::attempts_at(db, project, endpoint, limit, longest_body))
                    .await
            }
            Database::Cluster(db) => {
                postgres::search::attempts_at(&db.context, project, endpoint, limit, longest_body).await
            }
        }
    }
}
