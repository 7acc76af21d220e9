//! Endpoints: made, changed, deleted; and how each is doing.

use std::sync::Arc;

use model::delivery::Status;
use model::endpoint::Endpoint;
use model::health::Health;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;

use crate::store::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

/// How an endpoint is doing: read when somebody looks, never on the road.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    pub health: Health,
    pub last_delivery: Option<LastDelivery>,
}

#[derive(Clone, Debug)]
pub struct LastDelivery {
    pub id: DeliveryId,
    pub status: Status,
    pub status_code: Option<u16>,
    pub created_at: Timestamp,
}

impl Store {
    pub async fn create_endpoint(&self, endpoint: Endpoint) -> Result<Arc<Endpoint>, Error> {
        match self.database() {
            Database::Embedded(db) => db.write(move |batch| sqlite::endpoints::create(batch, &endpoint)).await,
            Database::Cluster(db) => postgres::endpoints::create(db, endpoint).await,
        }
    }

    /// Changes an endpoint in one step: nobody else's change comes in between. `change` is given what it is now and
    /// answers what it shall be, or refuses. An endpoint that is no longer disabled starts with no failures.
    /// `None` if the project has no such endpoint.
    pub async fn change_endpoint<F, E>(
        &self,
        project: ProjectId,
        id: EndpointId,
        mut change: F,
    ) -> Result<Option<Result<Arc<Endpoint>, E>>, Error>
    where
        F: FnMut(&Endpoint) -> Result<Endpoint, E> + Send + 'static,
        E: Send + 'static,
    {
        match self.database() {
            Database::Embedded(db) => {
                db.write(move |batch| sqlite::endpoints::change(batch, project, id, &mut change)).await
            }
            Database::Cluster(db) => postgres::endpoints::change(db, project, id, &mut change).await,
        }
    }

    /// Deletes an endpoint. Its pending deliveries are cancelled, all its deliveries stay listed. False if the project
    /// has no such endpoint.
    pub async fn delete_endpoint(&self, project: ProjectId, id: EndpointId) -> Result<bool, Error> {
        let deleted = match self.database() {
            Database::Embedded(db) => db.write(move |batch| sqlite::endpoints::delete(batch, project, id)).await?,
            Database::Cluster(db) => postgres::endpoints::delete(db, project, id).await?,
        };
        if deleted {
            // The engine finishes what this caller may not stay for.
            self.wake_jobs();
            self.cancel_pending(id).await?;
        }
        Ok(deleted)
    }

    /// Cancels what is pending for a deleted endpoint, a slice a commit, so that nobody waits behind a long one.
    pub(crate) async fn cancel_pending(&self, id: EndpointId) -> Result<(), Error> {
        loop {
            let more = match self.database() {
                Database::Embedded(db) => db.write(move |batch| sqlite::endpoints::cancel_slice(batch, id)).await?,
                Database::Cluster(db) => postgres::endpoints::cancel_slice(db, id).await?,
            };
            if !more {
                return Ok(());
            }
        }
    }

    /// The condition of each of `ids`, in their order.
    pub async fn conditions(&self, ids: Vec<EndpointId>) -> Result<Vec<Condition>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.read(move |db| ids.iter().map(|id| sqlite::endpoints::condition(db, *id)).collect()).await
            }
            Database::Cluster(db) => postgres::endpoints::conditions(db, &ids).await,
        }
    }
}
