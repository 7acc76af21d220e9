//! A person asks for one more attempt.

use model::id::{DeliveryId, ProjectId};

use crate::store::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

/// Whether a delivery can be tried once more by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Due,
    /// Its endpoint is deleted: there is nowhere to send it.
    NoEndpoint,
}

impl Store {
    /// Makes a delivery due now, for one attempt without a schedule behind it if it had ended; a pending one keeps its
    /// schedule and is only brought forward. `None` if the project has no such delivery.
    pub async fn retry(&self, project: ProjectId, delivery: DeliveryId) -> Result<Option<Retried>, Error> {
        match self.database() {
            Database::Embedded(db) => db.write(move |batch| sqlite::retries::retry(batch, project, delivery)).await,
            Database::Cluster(db) => postgres::retries::retry(db, project, delivery).await,
        }
    }
}
