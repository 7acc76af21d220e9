//! Verbs about the nodes that work on this database, and whether they keep up.

use model::endpoint::{Endpoint, Status};
use model::id::EndpointId;

use crate::handle::Database;
use crate::nodes::{COUNTED, Counts, Kind, Lag, Node, Overview};
use crate::{Error, Store, shard};
use crate::{postgres, sqlite};

impl Store {
    pub async fn cluster(&self) -> Result<Overview, Error> {
        let (lag, endpoints) = (self.lag().await?, self.counts().await?);
        let overview = match self.database() {
            Database::Embedded(_) => self.alone(lag),
            Database::Cluster(db) => postgres::nodes::overview(&db.context, lag).await?,
        };
        Ok(Overview { endpoints, ..overview })
    }

    async fn counts(&self) -> Result<Counts, Error> {
        let failing = match self.database() {
            Database::Embedded(db) => db.read(sqlite::endpoints::failing).await?,
            Database::Cluster(db) => postgres::endpoints::failing(&db.context).await?,
        };
        let directory = self.directory();
        let mut counts = Counts::default();
        for endpoint in directory.endpoints() {
            counts.active += usize::from(endpoint.is_active());
            counts.disabled += usize::from(endpoint.status == Status::Disabled);
        }
        let is_active = |id: &&EndpointId| directory.endpoint(**id).is_some_and(|endpoint| endpoint.is_active());
        counts.failing = failing.iter().filter(is_active).count();
        Ok(counts)
    }

    /// True if this node has its lease; asked by `/readyz`. A node that does not deliver has none to lose.
    pub fn has_lease(&self) -> bool {
        match self.database() {
            Database::Embedded(_) => true,
            Database::Cluster(db) => db.has_lease(),
        }
    }

    fn alone(&self, lag: Lag) -> Overview {
        let (id, started_at) = self.began();
        let node = Node {
            id: id.to_string(),
            name: "posthaste".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            delivers: true,
            started_at,
            seen_at: self.now(),
            alive: true,
            shards: shard::COUNT,
        };
        let kind = Kind::Sqlite;
        let endpoints = Counts::default();
        Overview { kind, node: node.id.clone(), nodes: vec![node], unassigned: 0, clock_offset_ms: 0, lag, endpoints }
    }

    async fn lag(&self) -> Result<Lag, Error> {
        let active: Vec<EndpointId> = {
            let directory = self.directory();
            directory.endpoints().filter(|endpoint| Endpoint::is_active(endpoint)).map(|endpoint| endpoint.id).collect()
        };
        let (first, pending) = match self.database() {
            Database::Embedded(db) => {
                db.read(move |db| Ok((sqlite::due::earliest(db, &active)?, sqlite::due::count(db, COUNTED)?))).await?
            }
            Database::Cluster(db) => (
                postgres::due::earliest(&db.context, &active).await?,
                postgres::due::count(&db.context, COUNTED).await?,
            ),
        };
        let now = self.now();
        let oldest_due_at = first.into_iter().map(|(_, at)| at).min().filter(|at| *at <= now);
        let late = oldest_due_at.map_or(0, |at| now.as_millis() - at.as_millis());
        Ok(Lag { oldest_due_at, late_ms: late.unsigned_abs(), pending })
    }
}
