//! Nodes on one PostgreSQL, by one clock, each with an engine of its own or with none.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use store::handle::{Backend, Postgres};
use store::seal::MasterKey;
use testkit::clock::TestEnv;
use testkit::patiently;
use testkit::postgres::Database;
use testkit::proxy::Proxy;

use crate::customer::Customer;
use crate::standstill::{self, Names, Thread};

/// A lease that neither runs out nor is renewed while a test lasts: nodes learn of shards by notices only.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A lease that a test can wait for.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

pub(crate) struct Cluster {
    clock: TestEnv,
    key: MasterKey,
    database: Database,
}

pub(crate) struct Node {
    customer: Customer,
    pub(crate) engine: Arc<Engine>,
    pub(crate) names: Names,
    /// Set if it has one of its own.
    _thread: Option<Thread>,
}

impl Deref for Node {
    type Target = Customer;

    fn deref(&self) -> &Customer {
        &self.customer
    }
}

impl Cluster {
    pub(crate) async fn new() -> Self {
        let clock = TestEnv::new();
        Self { key: MasterKey::generate(&clock), clock, database: Database::fresh().await }
    }

    /// A node.
    pub(crate) async fn node(&self, lease: Duration) -> Node {
        let (customer, names) = (self.without_engine(lease).await, Names::new());
        names.wake();
        Node { engine: standstill::start(&customer, names.clone()), customer, names, _thread: None }
    }

    /// A node that reaches the database only over `wire`.
    pub(crate) async fn node_over(&self, wire: &Proxy, lease: Duration) -> Node {
        let postgres = Postgres { lease, ..Postgres::at(self.database.url_at(wire.address())) };
        let (customer, names) = (self.customer(postgres).await, Names::new());
        Node { engine: standstill::start(&customer, names.clone()), customer, names, _thread: None }
    }

    /// A node whose engine can be made to stand still. Everything else of it goes on, and it listens over `wire`.
    pub(crate) async fn node_with_a_slow_engine(&self, wire: &Proxy, lease: Duration) -> Node {
        let direct_url = Some(self.database.url_at(wire.address()));
        let customer = self.customer(Postgres { direct_url, ..self.postgres(lease) }).await;
        let names = Names::new();
        let parts = (customer.clone(), names.clone());
        let (thread, engine) = Thread::with(move || async move { standstill::start(&parts.0, parts.1) }).await;
        Node { customer, engine, names, _thread: Some(thread) }
    }

    /// A node that can be made to stand still as a whole, like a process that is stopped.
    pub(crate) async fn slow_node(&self, lease: Duration) -> Node {
        let names = Names::new();
        let (postgres, key, clock, its_names) =
            (self.postgres(lease), self.key.clone(), self.clock.clone(), names.clone());
        let begin = move || async move {
            let customer = Customer::at(Backend::Postgres(postgres), key, clock).await;
            let engine = standstill::start(&customer, its_names);
            (customer, engine)
        };
        let (thread, (customer, engine)) = Thread::with(begin).await;
        Node { customer, engine, names, _thread: Some(thread) }
    }

    /// A node that delivers nothing though it holds shards.
    pub(crate) async fn without_engine(&self, lease: Duration) -> Customer {
        self.customer(self.postgres(lease)).await
    }

    async fn customer(&self, postgres: Postgres) -> Customer {
        Customer::at(Backend::Postgres(postgres), self.key.clone(), self.clock.clone()).await
    }

    fn postgres(&self, lease: Duration) -> Postgres {
        Postgres { lease, ..Postgres::at(self.database.url()) }
    }

    pub(crate) fn wire(&self) -> Proxy {
        Proxy::to(self.database.upstream())
    }

    /// As if no node had been heard from for one lease.
    pub(crate) async fn expire_all(&self) {
        self.database.run("UPDATE nodes SET expires_at = clock_timestamp()").await;
    }

    /// Has every node renew its lease and look for free shards.
    pub(crate) async fn tell_of_shards(&self) {
        self.database.run("NOTIFY posthaste, 'shards'").await;
    }
}

impl Node {
    /// Stops it as SIGTERM does.
    pub(crate) async fn leave(self) {
        self.engine.stop().await;
        self.store.close().await;
    }
}

/// Waits until `look` returns true.
pub(crate) async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let seen = async {
        while !look() {
            tokio::task::yield_now().await;
        }
    };
    patiently(seen, || format!("this has not come about: {what}")).await;
}
