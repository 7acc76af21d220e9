//! Where a store's data is: in files of its own, or in a PostgreSQL that many nodes share.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub enum Backend {
    /// An embedded database in `data_dir`, for one process alone.
    Embedded {
        data_dir: PathBuf,
    },
    Postgres(Postgres),
}

/// A PostgreSQL, and how this node takes part in the cluster around it.
#[derive(Clone)]
pub struct Postgres {
    /// `postgres://…`, as libpq reads it.
    pub url: String,
    /// The server itself, where `url` is of a pooler that hands out connections a transaction at a time: for
    /// `LISTEN`, migrations and the node's lease. Through a pooler no statement is prepared by name.
    pub direct_url: Option<String>,
    /// Certificates to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Connections for everything but the two that commit and the one that listens.
    pub connections: usize,
    /// How long what comes in waits while the database is away. Whoever sent it hears then that it was not taken.
    pub patience: Duration,
    /// What others see of this node in `GET /v1/cluster`.
    pub name: String,
    /// How long this node's shards stay its own when it is not heard of.
    pub lease: Duration,
    /// Whether this node delivers, so that it takes shards.
    pub delivers: bool,
}

impl Postgres {
    pub const CONNECTIONS: usize = 8;
    pub const PATIENCE: Duration = Duration::from_secs(5);
    pub const LEASE: Duration = Duration::from_secs(6);

    /// With what is usual for everything but its address.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            direct_url: None,
            ca_pem: None,
            connections: Self::CONNECTIONS,
            patience: Self::PATIENCE,
            name: "posthaste".to_owned(),
            lease: Self::LEASE,
            delivers: true,
        }
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The addresses hold passwords.
        f.debug_struct("Postgres").field("name", &self.name).finish_non_exhaustive()
    }
}
