//! Location of a store's data: files of its own, or a PostgreSQL database that many nodes share.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub enum Backend {
    /// An embedded database in `data_dir`, for one process only.
    Embedded {
        data_dir: PathBuf,
    },
    Postgres(Postgres),
}

/// A PostgreSQL database, and this node's part in the cluster around it.
#[derive(Clone)]
pub struct Postgres {
    /// `postgres://…`, as libpq reads it.
    pub url: String,
    /// URL of the server itself, if `url` is of a pooler that lends connections for one transaction each: used for
    /// `LISTEN`, migrations and the node's lease. Through a pooler no statement is prepared by name.
    pub direct_url: Option<String>,
    /// Certificates to trust in addition to the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Size of the connection pool. The two connections that commit and the one that listens are not in it.
    pub connections: usize,
    /// Maximum time that an incoming event waits while the database is away; its sender is then answered that it was
    /// not taken.
    pub patience: Duration,
    /// Name of this node in `GET /v1/cluster`.
    pub name: String,
    /// Time after which this node's shards are free if it is not heard from.
    pub lease: Duration,
    /// True if this node delivers and so takes shards.
    pub delivers: bool,
}

impl Postgres {
    pub const CONNECTIONS: usize = 8;
    pub const PATIENCE: Duration = Duration::from_secs(5);
    pub const LEASE: Duration = Duration::from_secs(6);

    /// The defaults for everything except the address.
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
        // The addresses contain passwords.
        f.debug_struct("Postgres").field("name", &self.name).finish_non_exhaustive()
    }
}
