//! An engine that can be made to stand still, and a database that can be made to fail.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::Engine;
use rusqlite::Connection;
use store::handle::Backend;
use store::seal::MasterKey;
use tempfile::TempDir;
use testkit::clock::TestEnv;

use crate::customer::Customer;
use crate::standstill::{self, Names, Thread};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct Stage {
    customer: Customer,
    pub(crate) names: Names,
    thread: Mutex<Option<Thread>>,
    dir: TempDir,
}

impl Deref for Stage {
    type Target = Customer;

    fn deref(&self) -> &Customer {
        &self.customer
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let (clock, dir) = (TestEnv::new(), tempfile::tempdir().unwrap());
        let place = Backend::Embedded { data_dir: dir.path().to_owned() };
        let customer = Customer::at(place, MasterKey::generate(&clock), clock).await;
        Self { customer, names: Names::new(), thread: Mutex::default(), dir }
    }

    /// Starts the engine, on a thread of its own.
    pub(crate) async fn engine(&self) -> Arc<Engine> {
        let (customer, names) = (self.customer.clone(), self.names.clone());
        let (thread, engine) = Thread::with(move || async move { standstill::start(&customer, names) }).await;
        *self.thread.lock().unwrap() = Some(thread);
        engine
    }

    /// From now on no statement about deliveries succeeds.
    pub(crate) fn database_fails(&self) {
        self.alter("ALTER TABLE deliveries RENAME TO deliveries_elsewhere");
    }

    pub(crate) fn database_works(&self) {
        self.alter("ALTER TABLE deliveries_elsewhere RENAME TO deliveries");
    }

    fn alter(&self, sql: &str) {
        let database = Connection::open(self.dir.path().join("posthaste.db")).unwrap();
        database.busy_timeout(10 * SECOND).unwrap();
        database.execute_batch(sql).unwrap();
    }
}
