//! The verb that retries a delivery by hand.

use model::actor::Actor;
use model::id::{DeliveryId, ProjectId};

use crate::handle::Database;
use crate::retries::Retried;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Makes a delivery due now, for one attempt. One that had ended gets no schedule behind it; a pending one keeps
    /// its planned attempt where it is. `None` if the project has no such delivery.
    pub async fn retry(&self, by: &Actor, project: ProjectId, delivery: DeliveryId) -> Result<Option<Retried>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::retries::retry(txn, project, delivery)).await
            }
            Database::Cluster(db) => postgres::retries::retry(by, &db.context, project, delivery).await,
        }
    }
}
