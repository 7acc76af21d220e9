//! The verbs of lanes: an endpoint's pending deliveries.

use model::endpoint::Ordering;
use model::id::EndpointId;
use model::time::Timestamp;

use crate::due::Pending;
use crate::handle::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// At most `limit` pending deliveries of `endpoint`.
    pub async fn due(
        &self,
        endpoint: EndpointId,
        ordering: Ordering,
        now: Timestamp,
        limit: usize,
    ) -> Result<Pending, Error> {
        match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::due::pending(db, endpoint, ordering, now, limit)).await,
            Database::Cluster(db) => postgres::due::pending(&db.context, endpoint, ordering, now, limit).await,
        }
    }

    /// The next due time of each endpoint of this node that has pending work: the engine's knowledge at start.
    pub async fn pending_endpoints(&self) -> Result<Vec<(EndpointId, Timestamp)>, Error> {
        let endpoints: Vec<EndpointId> =
            self.directory().endpoints().map(|endpoint| endpoint.id).filter(|id| self.holds(*id)).collect();
        match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::due::earliest(db, &endpoints)).await,
            Database::Cluster(db) => postgres::due::earliest(&db.context, &endpoints).await,
        }
    }
}
