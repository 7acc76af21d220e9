//! PgBouncer in transaction mode, as many production databases have it in front of them.

use tokio::task::spawn_blocking;

use crate::postgres::Database;
use crate::supervisor::{Medium, Supervisor};

/// Server connections: few enough that clients do get each other's.
const SERVER_CONNECTIONS: usize = 8;
const CLIENT_CONNECTIONS: usize = 400;

/// Starts it. It says so once it takes connections.
const START: &str = "pgbouncer --quiet pgbouncer.ini & echo $! >pid; touch pgbouncer.log; \
     until grep -q 'process up' pgbouncer.log; do kill -0 $(cat pid) || exit 1; sleep 0.01; done";

/// A running PgBouncer in front of one database, on a Unix socket. It ends with this.
///
/// Each transaction is on whatever connection is free: a session's settings, locks, prepared statements and `LISTEN`
/// are lost in between.
pub struct PgBouncer {
    url: String,
    _supervisor: Supervisor,
}

impl PgBouncer {
    pub async fn before(database: &Database) -> Self {
        let server = database.parameters();
        let name = database.name().to_owned();
        spawn_blocking(move || Self::start(&name, &server)).await.expect("it starts")
    }

    fn start(name: &str, server: &str) -> Self {
        let settings = format!(
            "[databases]\n{name} = {server}\n\
             [pgbouncer]\npool_mode = transaction\nauth_type = any\nlogfile = pgbouncer.log\n\
             max_client_conn = {CLIENT_CONNECTIONS}\ndefault_pool_size = {SERVER_CONNECTIONS}\n"
        );
        let mut supervisor =
            Supervisor::start("pgbouncer", Medium::Disk, &[("pgbouncer.ini", &settings)], "kill $(cat pid)");
        supervisor.must("echo unix_socket_dir = $dir >>pgbouncer.ini");
        supervisor.must(START);
        let url = format!("postgresql:///{name}?host={}&port=6432&user=any", supervisor.dir().display());
        Self { url, _supervisor: supervisor }
    }

    /// URL of the database through it.
    pub fn url(&self) -> &str {
        &self.url
    }
}
