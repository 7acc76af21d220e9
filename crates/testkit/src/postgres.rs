//! A real PostgreSQL for tests: one for all of them, with a database for each, or one of a test's own.

mod asked_for;
mod database;
mod shared;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::spawn_blocking;

use self::database::Origin;
use crate::certificate::Identity;
use crate::supervisor::{Medium, Supervisor};

pub use self::asked_for::is_asked_for;
pub use self::database::Database;

/// The owner of everything. There is no password: the sockets are in a directory that is the user's alone.
const USER: &str = "posthaste";
/// Maximum connections: many tests run at once, each with pools of its own.
const MOST_CONNECTIONS: usize = 400;
/// Maximum size of the log, which may be in memory.
const MOST_WAL: &str = "128MB";
/// Maximum ports tried, when somebody took the free one before PostgreSQL did.
const PORT_TRIES: usize = 5;

const STOP: &str = "pg_ctl stop --silent --pgdata=data --mode=immediate";

/// Options of a test's own server.
#[derive(Default)]
pub struct Options {
    /// Commits wait for the disk. Without, everything is in memory where there is enough of it.
    pub fsync: bool,
    /// Listens on a free port of 127.0.0.1 and not on its Unix socket alone.
    pub tcp: bool,
    /// Listens there with TLS, and refuses connections without.
    pub tls: Option<Identity>,
    /// More lines for `postgresql.conf`.
    pub settings: Vec<(&'static str, String)>,
}

/// The way PostgreSQL is stopped.
#[derive(Clone, Copy, Debug)]
pub enum Shutdown {
    /// In order, ending all sessions, as an upgrade does.
    Fast,
    /// At once, as a crash does.
    Immediate,
}

/// A running PostgreSQL, stopped and removed when this is dropped or the process ends in whatever way.
pub struct Server {
    supervisor: Arc<Mutex<Supervisor>>,
    tcp: Option<Listening>,
}

struct Listening {
    address: SocketAddr,
    /// The certificate's first name, and the authority that signed it.
    tls: Option<(String, String)>,
}

impl Server {
    /// Starts a server that no other test uses.
    pub async fn start(options: Options) -> Self {
        spawn_blocking(move || Self::begin(&options)).await.expect("it starts")
    }

    fn begin(options: &Options) -> Self {
        let settings = settings(options);
        let hba = if options.tls.is_some() { "hostssl" } else { "host" };
        let hba = format!("local all all trust\n{hba} all all 127.0.0.1/32 trust\n");
        let pem = options.tls.as_ref().map_or("", Identity::pem);
        let files = [("settings.conf", settings.as_str()), ("hba.conf", &hba), ("server.pem", pem)];
        let medium = if options.fsync { Medium::Disk } else { Medium::Memory };
        let mut supervisor = Supervisor::start("postgres", medium, &files, STOP);
        supervisor.must("chmod 600 server.pem");
        // A collation as in production: code that needs the order of bytes has to ask for it.
        supervisor.must(&format!(
            "initdb --pgdata=data --no-sync --username={USER} --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
             --locale-provider=icu --icu-locale=en-US"
        ));
        supervisor.must("cat settings.conf >>data/postgresql.conf && cp hba.conf data/pg_hba.conf");
        supervisor.must("echo \"unix_socket_directories = '$dir'\" >>data/postgresql.conf");
        let tls = options.tls.as_ref().map(|identity| (identity.name().to_owned(), identity.ca_pem().to_owned()));
        let tcp = if options.tcp || tls.is_some() {
            Some(Listening { address: listen(&mut supervisor), tls })
        } else {
            supervisor.must(START);
            None
        };
        Self { supervisor: Arc::new(Mutex::new(supervisor)), tcp }
    }

    /// A database of its own for one test.
    pub async fn fresh(&self) -> Database {
        Database::create(&self.admin_url(), Origin::Ours(&self.url_of(""))).await
    }

    /// The authority that signed its certificate.
    pub fn ca_pem(&self) -> &str {
        let tls = self.tcp.as_ref().and_then(|tcp| tcp.tls.as_ref());
        &tls.expect("it was started with TLS").1
    }

    /// Stops it, with every session.
    pub async fn stop(&self, how: Shutdown) {
        let mode = match how {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        self.must(format!("pg_ctl stop --silent --pgdata=data --mode={mode}")).await;
    }

    /// Starts it again with the data it had, and waits until it takes connections.
    pub async fn start_again(&self) {
        self.must(START.to_owned()).await;
    }

    pub async fn restart(&self, how: Shutdown) {
        self.stop(how).await;
        self.start_again().await;
    }

    async fn must(&self, command: String) {
        let supervisor = self.supervisor.clone();
        // A gateway in the same test goes on meanwhile.
        spawn_blocking(move || lock(&supervisor).must(&command)).await.expect("the command succeeds");
    }

    fn admin_url(&self) -> String {
        socket_url(lock(&self.supervisor).dir(), self.port(), "postgres")
    }

    fn url_of(&self, database: &str) -> String {
        match &self.tcp {
            None => socket_url(lock(&self.supervisor).dir(), self.port(), database),
            Some(Listening { address, tls: None }) => format!("postgresql://{USER}@{address}/{database}"),
            Some(Listening { address, tls: Some((name, _)) }) => {
                format!("postgresql://{USER}@{name}:{}/{database}?sslmode=require", address.port())
            }
        }
    }

    fn port(&self) -> u16 {
        self.tcp.as_ref().map_or(database::PORT, |tcp| tcp.address.port())
    }
}

const START: &str = "pg_ctl start --silent --wait --pgdata=data --log=log";

fn lock(supervisor: &Mutex<Supervisor>) -> MutexGuard<'_, Supervisor> {
    supervisor.lock().unwrap_or_else(PoisonError::into_inner)
}

fn settings(options: &Options) -> String {
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    let tcp = options.tcp || options.tls.is_some();
    let ours = [
        ("fsync", switch(options.fsync)),
        ("full_page_writes", switch(options.fsync)),
        ("max_wal_size", MOST_WAL.to_owned()),
        ("max_connections", MOST_CONNECTIONS.to_string()),
        ("listen_addresses", if tcp { "'127.0.0.1'" } else { "''" }.to_owned()),
        ("ssl", switch(options.tls.is_some())),
        ("ssl_cert_file", "'../server.pem'".to_owned()),
        ("ssl_key_file", "'../server.pem'".to_owned()),
    ];
    let lines = ours.iter().chain(&options.settings).map(|(name, value)| format!("{name} = {value}\n"));
    lines.collect()
}

/// Starts it on a free port. PostgreSQL does not let the system choose: it is given a port that was free just now, and
/// another if it is not.
fn listen(supervisor: &mut Supervisor) -> SocketAddr {
    for _ in 0..PORT_TRIES {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let address = address.expect("a loopback port is free");
        supervisor.must(&format!("echo 'port = {}' >>data/postgresql.conf", address.port()));
        if supervisor.run(START) {
            return address;
        }
    }
    panic!("PostgreSQL does not start: {}", supervisor.log());
}

fn socket_url(dir: &Path, port: u16, database: &str) -> String {
    format!("postgresql:///{database}?host={}&port={port}&user={USER}", dir.display())
}
