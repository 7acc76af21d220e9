//! An engine that can be made to stand still: on a thread of its own, by a name that stops whoever looks it up.

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

    /// The URL of a receiver by the name that stops whoever looks it up, and lets nothing else happen on its thread.
    pub(crate) fn stuck(&self, receiver: &str) -> String {
        receiver.replace("127.0.0.1", STUCK)
    }

    pub(crate) async fn until_stuck(&self) {
        testkit::patiently(self.inner.reached.notified(), || "nobody looked the name up".to_owned()).await;
    }

    /// Lets whoever looked the name up go on. It stops nobody any more.
    pub(crate) fn wake(&self) {
        self.inner.wake.lock().unwrap().take();
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        assert_eq!(name, STUCK);
        self.inner.reached.notify_one();
        // Nothing is ever sent: it ends when nobody can any more.
        let _ = self.inner.go_on.lock().unwrap().recv();
        Box::pin(std::future::ready(Ok(vec![Ipv4Addr::LOCALHOST.into()])))
    }
}

/// Starts an engine where it is called.
pub(crate) fn start(customer: &Customer, names: Names) -> Arc<Engine> {
    let policy = Policy { allow_http: true, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
    let settings = Settings { policy, ..Settings::default() };
    let env = Arc::new(customer.clock.clone());
    let transport = Transport::new(settings, Arc::new(names), env.clone()).unwrap();
    let engine = Engine::start(customer.store.clone(), env, Arc::default(), transport, Limits::default());
    Arc::new(engine.unwrap())
}

/// Waits until the engine has nothing to do before a moment, which this answers.
pub(crate) async fn at_rest(engine: &Engine) -> Option<Timestamp> {
    testkit::patiently(engine.at_rest(), || "the engine does not come to rest".to_owned()).await
}

/// A thread with a runtime of its own. With this it ends.
pub(crate) struct Thread {
    _end: oneshot::Sender<()>,
}

impl Thread {
    /// What `begin` makes, on a thread of its own that goes on with it.
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
                // Whoever ends it says nothing.
                let _ = ended.await;
            });
        });
        (Self { _end: end }, told.await.unwrap())
    }
}
