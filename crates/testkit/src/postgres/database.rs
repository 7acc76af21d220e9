//! A database of one test's own.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;

use tokio::task::JoinSet;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

use crate::proxy::Upstream;

/// PostgreSQL's default port.
pub(super) const PORT: u16 = 5432;

/// A database with nothing in it, dropped with this.
pub struct Database {
    url: String,
    name: String,
    admin: Box<Config>,
    /// True if the server is not removed after us, so the database has to be gone before the process may be.
    left_behind: bool,
}

/// The server that a database is on.
pub(super) enum Origin<'a> {
    /// One that we started, which its users reach at this URL.
    Ours(&'a str),
    Given,
}

impl Database {
    pub(super) async fn create(admin: &str, origin: Origin<'_>) -> Self {
        let name = format!("posthaste_test_{:016x}", RandomState::new().hash_one(0));
        // Copying files is several times faster than writing the copy to the log, where a checkpoint costs nothing.
        let (url, how, left_behind) = match origin {
            Origin::Ours(url) => (naming(url, &name), "STRATEGY file_copy", false),
            Origin::Given => (naming(admin, &name), "", true),
        };
        let admin: Config = admin.parse().unwrap_or_else(|error| panic!("no PostgreSQL URL: {admin}: {error}"));
        let made = execute(&admin, &format!("CREATE DATABASE {name} {how}")).await;
        made.unwrap_or_else(|error| panic!("a database for a test: {error:?}"));
        Self { url, name, admin: Box::new(admin), left_behind }
    }

    /// Its URL, as the server's `--database-url` wants it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything in its tables: rows as text, with the bytes that are written there in digits as bytes too.
    pub async fn contents(&self) -> Vec<u8> {
        let (client, _driver) = connect(&self.config()).await.expect("a database of a test can be read");
        let tables = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN \
            ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)";
        let mut contents = Vec::new();
        for table in client.query(tables, &[]).await.expect("a database knows its tables") {
            let rows = format!("SELECT one::text FROM {} one", table.get::<_, &str>(0));
            for row in client.query(&rows, &[]).await.expect("a table can be read") {
                let text: &str = row.get(0);
                contents.extend_from_slice(text.as_bytes());
                text.split("\\x").skip(1).for_each(|digits| contents.extend(bytes(digits)));
            }
        }
        contents
    }

    /// Runs statements in it, as an operator does.
    pub async fn run(&self, statements: &str) {
        let done = execute(&self.config(), statements).await;
        done.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Address of its server, for a [`Proxy`](crate::proxy::Proxy).
    pub fn upstream(&self) -> Upstream {
        match self.host() {
            (Host::Tcp(name), port) => Upstream::Tcp(format!("{name}:{port}")),
            (Host::Unix(directory), port) => Upstream::Unix(directory.join(format!(".s.PGSQL.{port}"))),
        }
    }

    /// Its URL through a proxy at `address`.
    pub fn url_at(&self, address: SocketAddr) -> String {
        let config = self.config();
        let user = config.get_user().map(encoded).unwrap_or_default();
        let password = config.get_password().map(|password| format!(":{}", encoded(password))).unwrap_or_default();
        let at = if user.is_empty() { "" } else { "@" };
        let tls = if config.get_ssl_mode() == SslMode::Require { "?sslmode=require" } else { "" };
        format!("postgresql://{user}{password}{at}{address}/{}{tls}", self.name)
    }

    /// Address of its server, in the form of PostgreSQL's own clients.
    pub(crate) fn parameters(&self) -> String {
        let config = self.config();
        let mut words = match self.host() {
            (Host::Tcp(name), port) => vec![format!("host={name} port={port}")],
            (Host::Unix(directory), port) => vec![format!("host={} port={port}", directory.display())],
        };
        words.extend(config.get_user().map(|user| format!("user={user}")));
        words.extend(config.get_password().map(|password| format!("password={}", String::from_utf8_lossy(password))));
        words.join(" ")
    }

    fn config(&self) -> Config {
        self.url.parse().expect("it has been connected to")
    }

    fn host(&self) -> (Host, u16) {
        let config = self.config();
        let host = config.get_hosts().first().cloned().expect("a PostgreSQL URL names a host");
        (host, config.get_ports().first().copied().unwrap_or(PORT))
    }
}

fn encoded(text: impl AsRef<[u8]>) -> String {
    text.as_ref().iter().map(|byte| format!("%{byte:02X}")).collect()
}

impl Drop for Database {
    fn drop(&mut self) {
        let (done, end) = mpsc::channel();
        let order = Removal { admin: self.admin.clone(), name: std::mem::take(&mut self.name), _done: done };
        _ = janitor().send(order);
        if self.left_behind {
            _ = end.recv();
        }
    }
}

/// A database to be dropped.
struct Removal {
    admin: Box<Config>,
    name: String,
    /// Dropped when it is done: the receiver that waits for the end learns of it.
    _done: Sender<()>,
}

/// Drops databases one after the other, so that no test waits for the end of another.
fn janitor() -> &'static Sender<Removal> {
    static JANITOR: OnceLock<Sender<Removal>> = OnceLock::new();
    JANITOR.get_or_init(|| {
        let (orders, removals) = mpsc::channel::<Removal>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a thread can have a runtime");
            for removal in removals {
                // Errors are ignored: the server may be gone, and then so is the database.
                let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", removal.name);
                _ = runtime.block_on(execute(&removal.admin, &drop));
            }
        });
        orders
    })
}

/// The task that drives a connection, for as long as it is held.
type Driver = JoinSet<Result<(), tokio_postgres::Error>>;

async fn connect(server: &Config) -> Result<(Client, Driver), tokio_postgres::Error> {
    let (client, connection) = server.connect(NoTls).await?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    Ok((client, driver))
}

async fn execute(server: &Config, statement: &str) -> Result<(), tokio_postgres::Error> {
    let (client, _driver) = connect(server).await?;
    client.batch_execute(statement).await
}

/// The bytes that a text begins with, two digits each.
fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map_while(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

/// The same URL with another database in its path.
fn naming(url: &str, database: &str) -> String {
    let (rest, parameters) = url.split_once('?').map_or((url, None), |(rest, parameters)| (rest, Some(parameters)));
    let (scheme, place) = rest.split_once("://").unwrap_or_else(|| panic!("no PostgreSQL URL: {url}"));
    let server = place.split_once('/').map_or(place, |(server, _)| server);
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    format!("{scheme}://{server}/{database}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::naming;

    #[test]
    fn a_url_names_another_database_wherever_it_names_one() {
        for (url, expected) in [
            (
                "postgres://me:pw@db.example:5433/app?sslmode=require",
                "postgres://me:pw@db.example:5433/t?sslmode=require",
            ),
            ("postgresql://localhost/", "postgresql://localhost/t"),
            ("postgresql://localhost", "postgresql://localhost/t"),
            ("postgresql:///app?host=/run/postgresql", "postgresql:///t?host=/run/postgresql"),
            ("postgresql://localhost?user=me", "postgresql://localhost/t?user=me"),
        ] {
            assert_eq!(naming(url, "t"), expected);
        }
    }
}
