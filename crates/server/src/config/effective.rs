//! The configuration as it holds: what `serve` runs with.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use model::network::Policy;
use model::retention::Retention;
use store::seal::MasterKey;

use crate::mail::SmtpUrl;

/// What `serve` runs with. Secrets in it are not printed.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// Where the world reaches us, without a slash at the end.
    pub public_url: Option<String>,
    pub roles: Roles,
    /// From the environment alone.
    pub admin_key: Option<Redacted>,
    /// From the environment alone. It wins over the file.
    pub master_key: Option<MasterKey>,
    pub master_key_file: Option<PathBuf>,
    pub network: Network,
    pub database: Database,
    pub cluster: Cluster,
    pub delivery: Delivery,
    pub api: Api,
    /// Of projects that have none of their own.
    pub retention: Retention,
    pub smtp: Smtp,
    pub log: Log,
}

/// What this node does. At least one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    pub api: bool,
    pub deliver: bool,
    pub receive: bool,
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = [("api", self.api), ("deliver", self.deliver), ("receive", self.receive)];
        let names: Vec<&str> = roles.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect();
        f.write_str(&names.join(","))
    }
}

/// How we reach endpoints.
#[derive(Clone, Debug, Default)]
pub struct Network {
    pub policy: Policy,
    /// An `http://` URL, which may hold a password.
    pub proxy: Option<Redacted>,
    /// The proxy resolves names itself.
    pub proxy_resolves: bool,
    /// Certificates in PEM, trusted besides the system's. It can be read.
    pub ca_file: Option<PathBuf>,
}

/// A PostgreSQL. Without its URL the database is the embedded one in the data directory.
#[derive(Clone, Debug, Default)]
pub struct Database {
    pub url: Option<Redacted>,
    /// The server itself, where `url` is of a pooler.
    pub direct_url: Option<Redacted>,
    pub connections: usize,
    /// Of the embedded database.
    pub accept_journal_loss: bool,
    /// How long a caller waits while the database is away.
    pub patience: Duration,
}

/// This node among those that share a PostgreSQL.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub node_name: Option<String>,
    pub lease: Duration,
}

#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Attempts in flight on this node.
    pub concurrency: usize,
    /// Attempts in flight to one endpoint. Never more than `concurrency`.
    pub per_endpoint: usize,
    /// Attempts in flight to one host, whatever endpoints and projects they are for.
    pub per_host: usize,
    /// How long SIGTERM waits for what is in flight.
    pub grace: Duration,
}

#[derive(Clone, Debug, Default)]
pub struct Api {
    pub max_batch_bytes: usize,
    /// Any number, if it is zero.
    pub connections_per_address: usize,
}

/// How admins are mailed. Without a server they are not.
#[derive(Clone, Debug, Default)]
pub struct Smtp {
    pub url: Option<SmtpUrl>,
    /// Given if there is a server.
    pub from: Option<Mailbox>,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    pub level: tracing::Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Text that is not printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted(pub(super) String);

impl Redacted {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Config {
    /// Before anything is set, the defaults of the table included.
    pub(super) fn unset() -> Self {
        Self {
            file: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: PathBuf::new(),
            public_url: None,
            roles: Roles::default(),
            admin_key: None,
            master_key: None,
            master_key_file: None,
            network: Network::default(),
            database: Database::default(),
            cluster: Cluster::default(),
            delivery: Delivery::default(),
            api: Api::default(),
            retention: Retention::default(),
            smtp: Smtp::default(),
            log: Log { format: LogFormat::Text, level: tracing::Level::INFO },
        }
    }
}
