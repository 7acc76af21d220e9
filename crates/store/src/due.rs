//! What an endpoint has to be sent next.

use model::delivery::Due;
use model::endpoint::Ordering;
use model::id::EndpointId;
use model::time::Timestamp;

use crate::store::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

/// The head of an endpoint's pending work.
#[derive(Debug, Default)]
pub struct Pending {
    /// Due now, in the order they are to be sent. With strict order the first may be due only later: it holds the rest
    /// back.
    pub due: Vec<Due>,
    /// When the next one that is not in `due` is due; now, if there are more than were asked for.
    pub next_at: Option<Timestamp>,
}

/// Up to which place an endpoint's work is looked at. With strict order a place is a turn, and the first in line holds back
/// the rest even when it is due only later.
pub(crate) fn last_place(ordering: Ordering, now: Timestamp) -> i64 {
    match ordering {
        Ordering::None => now.as_millis(),
        Ordering::Fifo => i64::MAX,
    }
}

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
            Database::Cluster(db) => postgres::due::pending(db, endpoint, ordering, now, limit).await,
        }
    }

    /// When each endpoint of this node has something to send next: what the engine knows at start.
    pub async fn pending_endpoints(&self) -> Result<Vec<(EndpointId, Timestamp)>, Error> {
        let endpoints: Vec<EndpointId> =
            self.directory().endpoints().map(|endpoint| endpoint.id).filter(|id| self.holds(*id)).collect();
        match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::due::earliest(db, &endpoints)).await,
            Database::Cluster(db) => postgres::due::earliest(db, &endpoints).await,
        }
    }
}
