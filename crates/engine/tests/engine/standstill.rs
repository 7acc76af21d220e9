//! An engine that can be made to stand still: on a thread of its own, by a name whose lookup blocks the thread.

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use engine::Engine;
use engine::context::Limits;
use engine::resolve::{Lookup, Resolve};
use engine::transport::{Settings, Transport};
use model::network::Policy;
use model::time::Timestamp;
use tokio::runtime;
use tokio::sync::{Notify, oneshot};

use crate::customer::Customer;

const STUCK: &str = "stuck.example";

/// Names that all lead to this machine.
#[derive(Clone)]
pub(crate) struct Names {
    inner: Arc<Stop>,
}

struct Stop {
    reached: Notify,
    wake: Mutex<Option<Sender<()>>>,
    go_on: Mutex<Receiver<()>>,
}

impl Names {
    pub(crate) fn new() -> Self {
        let (wake, go_on) = mpsc::channel();
        let (wake, go_on) = (Mutex::new(Some(wake)), Mutex::new(go_on));
        Self { inner: Arc::new(Stop { reached: Notify::new(), wake, go_on }) }
    }

    /// The URL of a receiver by the name whose lookup blocks, so that nothing else happens on its thread.
    pub(crate) fn stuck(&self, receiver: &str) -> String {
        receiver.replace("127.0.0.1", STUCK)
    }

    pub(crate) async fn until_stuck(&self) {
        testkit::patiently(self.inner.reached.notified(), || "nobody looked the name up".to_owned()).await;
    }

    /// Lets blocked lookups of the name go on. Later ones do not block.
    pub(crate) fn wake(&self) {
        self.inner.wake.lock().unwrap().take();
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        assert_eq!(name, STUCK);
        self.inner.reached.notify_one();
        // Nothing is ever sent: it ends once the sender is dropped.
        let _ = self.inner.go_on.lock().unwrap().recv();
        Box::pin(std::future::ready(Ok(vec![Ipv4Addr::LOCALHOST.into()])))
    }
}

/// Starts an engine on the runtime of the caller.
pub(crate) fn start(customer: &Customer, names: Names) -> Arc<Engine> {
    let policy = Policy { allow_http: true, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
    let settings = Settings { policy, ..Settings::default() };
    let env = Arc::new(customer.clock.clone());
    let transport = Transport::new(settings, Arc::new(names), env.clone()).unwrap();
    let engine = Engine::start(customer.store.clone(), env, Arc::default(), transport, Limits::default());
    Arc::new(engine.unwrap())
}

/// Waits until the engine has nothing to do before a moment, which is returned.
pub(crate) async fn at_rest(engine: &Engine) -> Option<Timestamp> {
    testkit::patiently(engine.at_rest(), || "the engine does not come to rest".to_owned()).await
}

/// A thread with a runtime of its own. It ends when this is dropped.
pub(crate) struct Thread {
    _end: oneshot::Sender<()>,
}

impl Thread {
    /// Runs `begin` on a thread of its own that goes on, and returns what it makes.
    pub(crate) async fn with<T, F>(begin: impl FnOnce() -> F + Send + 'static) -> (Self, T)
    where
        T: Send + 'static,
        F: Future<Output = T>,
    {
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                assert!(tell.send(begin().await).is_ok(), "the test waits for it");
                // The sender is dropped without a message.
                let _ = ended.await;
            });
        });
        (Self { _end: end }, told.await.unwrap())
    }
}
