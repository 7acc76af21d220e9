//! This node's part of the cluster's work: asked before every attempt, so it is answered from memory.

use model::id::EndpointId;
use model::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::Store;
use crate::handle::Database;
use crate::shard::Shards;

impl Store {
    /// True if this node delivers for an endpoint at this moment. An embedded database has one node, which always does.
    pub fn holds(&self, endpoint: EndpointId) -> bool {
        match self.database() {
            Database::Embedded(_) => true,
            Database::Cluster(db) => db.holds(endpoint),
        }
    }

    /// Cancelled when this node loses everything it holds from one moment to the next. `None` where that cannot be.
    pub fn lost(&self) -> Option<CancellationToken> {
        match self.database() {
            Database::Embedded(_) => None,
            Database::Cluster(db) => Some(db.lost()),
        }
    }

    /// Time at which this node took an endpoint over that another node delivered for before.
    pub fn taken_over_at(&self, endpoint: EndpointId) -> Option<Timestamp> {
        match self.database() {
            Database::Embedded(_) => None,
            Database::Cluster(db) => db.taken_over_at(endpoint),
        }
    }

    /// Gives back shards with nothing under way, so that other nodes take them.
    pub fn give_back(&self, shards: &Shards) {
        if let Database::Cluster(db) = self.database() {
            db.give_back(shards);
        }
    }
}
