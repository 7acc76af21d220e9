//! The system that a scenario measures: one server or several on one database, with a project of the scenario's own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::conditions::Conditions;
use crate::database::Database;
use crate::event::MEASURED;
use crate::held::Held;
use crate::load::{self, Accepted, Load, LoadModel, Plan, Until};
use crate::server::{LOG, Server, Start};
use crate::sizes::Sizes;
use crate::{BenchError, clock, control, output, proc};

/// Idle time of the processor after which work behind the last answer (records of attempts, a checkpoint) counts as
/// done.
const AT_REST: Duration = Duration::from_millis(250);

/// Maximum wait for a server to come to rest.
const REST_PATIENCE: Duration = Duration::from_secs(5);

/// Connections that pour events in. Few, so that what is under way does not show in the memory that is measured.
const POURING: u32 = 4;

/// Running servers. They are killed, and their data deleted, when this is dropped.
pub(crate) struct Gateway {
    nodes: Vec<Server>,
    database: Database,
    binary: PathBuf,
    home: TempDir,
    slug: String,
    key: String,
}

/// Processor time so far.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Processor time of all nodes.
    pub(crate) servers: Duration,
    /// Processor time of the database's own processes, if it has some and they are ours.
    pub(crate) database: Option<Duration>,
}

impl Gateway {
    /// Starts `nodes` servers on an empty database.
    pub(crate) fn open(conditions: &Conditions, nodes: u32) -> Result<Self, BenchError> {
        let slug = format!("bench-{}", clock::date().as_millisecond());
        let mut gateway = Self::prepare(conditions, slug)?;
        gateway.start_nodes(nodes)?;
        control::make_project(gateway.address(), &gateway.slug)?;
        gateway.key = control::make_sending_key(gateway.address(), &gateway.slug)?;
        Ok(gateway)
    }

    /// Starts one server on a copy of a directory that was saved, with the project of that name in it.
    pub(crate) fn reopen(conditions: &Conditions, saved: &Path, slug: &str) -> Result<Self, BenchError> {
        let mut gateway = Self::prepare(conditions, slug.to_owned())?;
        copy(saved, &gateway.node_home(0).join("data"))?;
        gateway.start_nodes(1)?;
        gateway.key = control::make_sending_key(gateway.address(), &gateway.slug)?;
        Ok(gateway)
    }

    fn prepare(conditions: &Conditions, slug: String) -> Result<Self, BenchError> {
        Ok(Self {
            nodes: Vec::new(),
            database: conditions.database.open(&conditions.work_dir)?,
            binary: conditions.binary.clone(),
            home: tempfile::Builder::new().prefix("data-").tempdir_in(&conditions.work_dir)?,
            slug,
            key: String::new(),
        })
    }

    fn node_home(&self, index: u32) -> PathBuf {
        self.home.path().join(format!("node-{index}"))
    }

    /// Starts them and waits until they listen.
    pub(crate) fn start_nodes(&mut self, count: u32) -> Result<(), BenchError> {
        for index in 0..count {
            let home = self.node_home(index);
            std::fs::create_dir_all(&home)?;
            let start = Start { binary: &self.binary, home: &home, database_url: self.database.url() };
            let node = Server::start(&start)?;
            output::tell(&format!("server {} at {}", node.pid(), node.address()));
            self.nodes.push(node);
        }
        Ok(())
    }

    /// Address of the first node.
    pub(crate) fn address(&self) -> SocketAddr {
        self.nodes[0].address()
    }

    /// A load for it: one kind of events, one a request, each connection sending as fast as it is answered.
    pub(crate) fn plan(&self, sizes: &Sizes, family: &'static str, until: Until) -> Plan {
        Plan {
            addresses: self.nodes.iter().map(Server::address).collect(),
            key: self.key.clone(),
            family,
            kinds: 1,
            pace: LoadModel::Closed,
            connections: sizes.connections,
            batch: None,
            event_bytes: sizes.event_bytes,
            until,
        }
    }

    /// Sends `events` events in batches, as fast as they are taken in. It fails unless all of them are accepted.
    pub(crate) fn pour(&self, sizes: &Sizes, family: &'static str, events: u64) -> Result<Load, BenchError> {
        let plan = self.plan(sizes, family, Until::Events(events));
        self.send(Plan { connections: POURING, batch: Some(sizes.batch), ..plan })
    }

    /// Sends one event.
    pub(crate) fn send_one(&self, sizes: &Sizes) -> Result<Accepted, BenchError> {
        let load = self.send(Plan { connections: 1, ..self.plan(sizes, MEASURED, Until::Events(1)) })?;
        load.accepted.first().copied().ok_or_else(|| self.complaint("accepted nothing"))
    }

    /// Runs a load. It fails unless all events are accepted.
    fn send(&self, plan: Plan) -> Result<Load, BenchError> {
        let load = load::run(plan).map_err(|error| self.complaint(&format!("failed under load: {error}")))?;
        match &load.first_refusal {
            None => Ok(load),
            Some(refusal) => Err(self.complaint(&format!("refused events: {refusal}"))),
        }
    }

    /// Directory of an embedded database.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.node_home(0).join("data")
    }

    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database.url()
    }

    pub(crate) fn slug(&self) -> &str {
        &self.slug
    }

    pub(crate) fn register(&self, endpoints: Vec<Value>) -> Result<(), BenchError> {
        let registered = control::register(self.address(), &self.slug, endpoints);
        registered.map_err(|error| self.complaint(&format!("did not take an endpoint: {error}")))
    }

    pub(crate) fn spent(&self) -> Result<Spent, BenchError> {
        let servers = self.nodes.iter().map(Server::processor_time).sum::<std::io::Result<_>>()?;
        Ok(Spent { servers, database: self.database.processor_time()? })
    }

    /// Waits until it does nothing any more, and returns its processor time.
    pub(crate) fn at_rest(&self) -> Result<Spent, BenchError> {
        let deadline = clock::now() + REST_PATIENCE;
        let mut spent = self.spent()?;
        loop {
            clock::wait(AT_REST);
            let later = self.spent()?;
            if later == spent || clock::now() > deadline {
                return Ok(later);
            }
            spent = later;
        }
    }

    /// Peak memory of the node that had most.
    pub(crate) fn peak_rss_bytes(&self) -> Result<u64, BenchError> {
        let peaks: Result<Vec<_>, _> = self.nodes.iter().map(Server::peak_rss_bytes).collect();
        Ok(peaks?.into_iter().max().unwrap_or_default())
    }

    /// Bytes that its data takes up on the disk.
    pub(crate) fn bytes_on_disk(&self) -> Result<u64, BenchError> {
        Ok(proc::size_of(self.home.path())? + self.database.bytes_on_disk()?)
    }

    /// Bytes that the servers, and the database where it is ours, have caused to be written so far.
    pub(crate) fn written_bytes(&self) -> Result<(u64, Option<u64>), BenchError> {
        let servers = self.nodes.iter().map(|node| proc::written_bytes(node.pid())).sum::<Result<_, _>>()?;
        Ok((servers, self.database.written_bytes()?))
    }

    /// Stops the servers as an operator would. The database stays.
    pub(crate) fn stop(&mut self) -> Result<(), BenchError> {
        self.nodes.iter_mut().try_for_each(Server::stop)?;
        self.nodes.clear();
        Ok(())
    }

    /// Stops the servers as an operator would, and starts as many on the data that is there.
    pub(crate) fn restart(&mut self) -> Result<(), BenchError> {
        let count = self.nodes.len() as u32;
        self.stop()?;
        self.start_nodes(count)?;
        self.nodes.iter().try_for_each(|node| control::wait_until_ready(node.address()))
    }

    /// The times for which commits of the last stopped servers held others, of the worst of them, if they are logged.
    pub(crate) fn held(&self) -> Result<Option<Held>, BenchError> {
        let mut worst: Option<Held> = None;
        for index in 0.. {
            let home = self.node_home(index);
            if !home.exists() {
                break;
            }
            let held = Held::told_in(&std::fs::read_to_string(home.join(LOG))?);
            worst = worst.map_or(held, |worst| held.map(|held| worst.or_worse(held)).or(Some(worst)));
        }
        Ok(worst)
    }

    /// Kills the servers. The database stays.
    pub(crate) fn kill(&mut self) -> Result<(), BenchError> {
        self.nodes.iter_mut().try_for_each(Server::kill)?;
        self.nodes.clear();
        Ok(())
    }

    /// Copies the first node's data elsewhere. It must have been stopped.
    pub(crate) fn save(&self, to: &Path) -> Result<(), BenchError> {
        copy(&self.node_home(0).join("data"), to)
    }

    /// An error about it, with the end of the first node's log.
    pub(crate) fn complaint(&self, what: &str) -> BenchError {
        self.nodes.first().map_or_else(|| what.into(), |node| node.complaint(what))
    }
}

/// Copies files and directories alone: a database of ours has nothing else.
fn copy(from: &Path, to: &Path) -> Result<(), BenchError> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

impl Spent {
    pub(crate) fn since(self, before: Self) -> Self {
        let database = self.database.zip(before.database).map(|(after, before)| after.saturating_sub(before));
        Self { servers: self.servers.saturating_sub(before.servers), database }
    }

    pub(crate) fn all(self) -> Duration {
        self.servers + self.database.unwrap_or_default()
    }
}
