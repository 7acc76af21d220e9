//! The verb that brings pending work forward when the wall clock went back.

use std::time::Duration;

use model::actor::Actor;
use model::id::DeliveryId;

use crate::handle::Database;
use crate::rules::order;
use crate::waits::Shift;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Brings pending work of this node's endpoints forward after the clock went back `by`: whatever was planned by the
    /// clock as it was comes earlier by that time. The `deliver_at` that an event asks for itself stays. What is
    /// recorded meanwhile by the clock as it is now may come too early, once.
    pub async fn bring_forward(&self, by: Duration) -> Result<(), Error> {
        let now = self.now();
        for (endpoint, _) in self.pending_endpoints().await? {
            let Some(ordering) = self.directory().endpoint(endpoint).map(|endpoint| endpoint.settings.ordering) else {
                continue;
            };
            let first = order::first_waiting_key(ordering, now);
            let mut after = Some((first, DeliveryId::from_bytes([0; 16])));
            while let Some(cursor) = after {
                let shift = Shift { endpoint, after: cursor, by, now, ordering };
                after = match self.database() {
                    Database::Embedded(db) => {
                        db.write(&Actor::System, None, move |txn| sqlite::waits::shift(txn, shift)).await?
                    }
                    Database::Cluster(db) => postgres::waits::shift(&db.context, shift).await?,
                };
            }
        }
        Ok(())
    }
}
