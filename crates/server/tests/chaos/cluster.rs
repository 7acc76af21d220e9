//! Three nodes on one PostgreSQL, and what can be done to them.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use testkit::http::Http;
use testkit::postgres::{Database, Options, Server, Shutdown};
use testkit::process::Process;
use testkit::proxy::{Cut, Proxy};

use crate::wait;

const ADMIN_KEY: &str = "admin-key-of-the-cluster-under-test";
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Debian's library that tells programs another time.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// How soon a node is started again after it was killed.
const AWAY: Duration = Duration::from_secs(1);

pub(crate) struct Cluster {
    server: Server,
    database: Database,
    nodes: Vec<Node>,
    /// Where the nodes are now: one that is started again has another port.
    pub(crate) doors: Arc<RwLock<Vec<Http>>>,
    lease: &'static str,
}

pub(crate) struct Node {
    pub(crate) process: Process,
    /// Its way to the database, if nothing else was asked for.
    wire: Proxy,
    _data: TempDir,
}

impl Node {
    /// Variables under which a program's clock is wrong by so much, and its stopwatch is not.
    pub(crate) fn with_clock(wrong: &'static str) -> [(&'static str, &'static str); 3] {
        [("LD_PRELOAD", FAKETIME), ("FAKETIME", wrong), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Harm {
    /// A node is killed, and another is started in its place.
    Kill,
    /// A node is stopped for longer than its lease, and goes on.
    Stop,
    /// The database is restarted.
    Restart,
    /// A node hears nothing of the database any more, nor that of it, for several leases.
    Cut,
}

impl Harm {
    pub(crate) fn all_in_random_order() -> Vec<Self> {
        let mut harms = vec![Self::Kill, Self::Stop, Self::Restart, Self::Cut];
        for last in (1..harms.len()).rev() {
            harms.swap(last, chance(last + 1));
        }
        harms
    }
}

/// A number below `bound`.
pub(crate) fn chance(bound: usize) -> usize {
    let number = RandomState::new().build_hasher().finish();
    usize::try_from(number % bound as u64).unwrap()
}

impl Cluster {
    /// A database, and no node yet.
    pub(crate) async fn new(lease: &'static str) -> Self {
        let server = Server::start(Options { tcp: true, ..Options::default() }).await;
        let database = server.fresh().await;
        Self { server, database, nodes: Vec::new(), doors: Arc::default(), lease }
    }

    pub(crate) async fn of_three(lease: &'static str) -> Self {
        let mut cluster = Self::new(lease).await;
        for _ in 0..3 {
            cluster.join(&[]).await;
        }
        cluster
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Starts another node, with these variables in the place of what they usually are.
    pub(crate) async fn join(&mut self, variables: &[(&str, &str)]) -> Http {
        let (node, door) = self.start(variables).await;
        self.nodes.push(node);
        self.doors.write().unwrap().push(door.clone());
        door
    }

    /// The node that joined last.
    pub(crate) fn take_last(&mut self) -> Node {
        self.doors.write().unwrap().pop();
        self.nodes.pop().unwrap()
    }

    async fn start(&self, others: &[(&str, &str)]) -> (Node, Http) {
        let data = tempfile::tempdir().unwrap();
        let directory = data.path().to_str().unwrap();
        let words = ["serve", "--listen", "127.0.0.1:0", "--data-dir", directory, "--allow-http"];
        let words = [&words[..], &["--allow-network", "127.0.0.0/8"]].concat();
        let wire = Proxy::to(self.database.upstream());
        let url = self.database.url_at(wire.address());
        let variables = [
            ("POSTHASTE_DATABASE_URL", url.as_str()),
            ("POSTHASTE_MASTER_KEY", MASTER_KEY),
            ("POSTHASTE_ADMIN_KEY", ADMIN_KEY),
            ("POSTHASTE_LEASE", self.lease),
        ];
        let usual = variables.iter().filter(|(name, _)| !others.iter().any(|(other, _)| name == other));
        let variables: Vec<_> = usual.chain(others).copied().collect();
        let mut process = Process::start(env!("CARGO_BIN_EXE_posthaste"), &words, &variables);
        let line = process.prints("listening on ").await;
        let address = line.strip_prefix("listening on ").unwrap();
        (Node { process, wire, _data: data }, Http::new(address).key(ADMIN_KEY))
    }

    pub(crate) fn door(&self) -> Http {
        self.doors.read().unwrap()[0].clone()
    }

    pub(crate) async fn suffer(&mut self, harm: Harm, stopped: Duration) {
        let victim = chance(self.nodes.len());
        match harm {
            Harm::Kill => {
                let node = self.nodes.remove(victim);
                node.process.kill().await;
                wait(AWAY).await;
                let (node, door) = self.start(&[]).await;
                self.nodes.insert(victim, node);
                self.doors.write().unwrap()[victim] = door;
            }
            Harm::Stop => {
                self.nodes[victim].process.signal("STOP").await;
                wait(stopped).await;
                self.nodes[victim].process.signal("CONT").await;
            }
            Harm::Cut => {
                self.nodes[victim].wire.cut(Cut::Silent).await;
                wait(stopped / 3).await;
                self.nodes[victim].wire.heal().await;
            }
            Harm::Restart => self.server.restart(Shutdown::Fast).await,
        }
    }

    /// Deliveries that are still to be made.
    pub(crate) async fn pending(&self) -> usize {
        let door = self.door();
        let page = door.get("/v1/deliveries?status=pending&limit=250").await.expect(200);
        page["data"].as_array().map_or(0, |data: &Vec<Value>| data.len())
    }
}
