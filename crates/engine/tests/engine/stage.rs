//! An engine on a thread of its own that can be made to stand still, and a database that can be made to fail.

use std::net::Ipv4Addr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use engine::Engine;
use engine::engine::Limits;
use engine::resolve::{Lookup, Resolve};
use engine::transport::{Settings as TransportSettings, Transport};
use model::delivery::Status;
use model::endpoint::{self, Endpoint, Settings};
use model::env::Env;
use model::event::Event;
use model::id::{EndpointId, EventId, ProjectId};
use model::json::Json;
use model::network::Policy;
use model::secret::{Secret, Secrets};
use model::subscription::Subscription;
use model::url::EndpointUrl;
use rusqlite::Connection;
use store::Store;
use store::ingest::Intake;
use store::seal::MasterKey;
use store::search::{DeliveryFilter, Paging};
use store::store::{Options, Place};
use tempfile::TempDir;
use testkit::clock::TestEnv;
use tokio::runtime;
use tokio::sync::{Notify, oneshot};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The name that stops whoever looks it up.
const STUCK: &str = "stuck.example";

pub(crate) struct Stage {
    store: Store,
    pub(crate) clock: TestEnv,
    project: ProjectId,
    names: Arc<Names>,
    wake: Sender<()>,
    /// Ends the engine's thread when it is dropped.
    end: Mutex<Option<oneshot::Sender<()>>>,
    dir: TempDir,
}

/// DNS that never answers for one name, and lets nothing else happen on its thread, until it is told to.
struct Names {
    waiting: Notify,
    go_on: Mutex<Receiver<()>>,
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        assert_eq!(name, STUCK);
        self.waiting.notify_one();
        // A test that ended without a word has let go of it.
        let _ = self.go_on.lock().unwrap().recv();
        Box::pin(std::future::ready(Ok(vec![Ipv4Addr::LOCALHOST.into()])))
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let (clock, dir) = (TestEnv::new(), tempfile::tempdir().unwrap());
        let (wake, go_on) = mpsc::channel();
        let names = Arc::new(Names { waiting: Notify::new(), go_on: Mutex::new(go_on) });
        let options = Options {
            place: Place::Embedded { data_dir: dir.path().to_owned() },
            master_key: MasterKey::generate(&clock),
            env: Arc::new(clock.clone()),
            mail: false,
            accept_journal_loss: false,
        };
        let store = Store::open(options).await.unwrap();
        let project = store.directory().project_called(&"default".parse().unwrap()).unwrap().id;
        Self { store, clock, project, names, wake, end: Mutex::default(), dir }
    }

    /// Starts the engine, on a thread of its own.
    pub(crate) fn engine(&self) -> Arc<Engine> {
        let (store, env, names) = (self.store.clone(), Arc::new(self.clock.clone()), self.names.clone());
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let policy = Policy { allow_http: true, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
            let settings = TransportSettings { policy, ..TransportSettings::default() };
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let transport = Transport::new(settings, names, env.clone()).unwrap();
                let engine = Engine::start(store, env, Arc::default(), transport, Limits::default()).unwrap();
                tell.send(Arc::new(engine)).unwrap();
                // Whoever ends it says nothing.
                let _ = ended.await;
            });
        });
        *self.end.lock().unwrap() = Some(end);
        told.recv().unwrap()
    }

    /// The URL of a receiver by the name that stops the engine.
    pub(crate) fn stuck(&self, receiver: &str) -> String {
        receiver.replace("127.0.0.1", STUCK)
    }

    pub(crate) async fn until_stuck(&self) {
        testkit::patiently(self.names.waiting.notified(), || "nobody looked the name up".to_owned()).await;
    }

    pub(crate) fn wake(&self) {
        self.wake.send(()).unwrap();
    }

    /// An endpoint that wants events of one type.
    pub(crate) async fn endpoint(&self, url: &str, event_type: &str) -> Arc<Endpoint> {
        let settings = Settings {
            secrets: Secrets::of(Secret::stored("whsec_c2VjcmV0".to_owned())),
            events: Subscription::new(vec![event_type.parse().unwrap()]).unwrap(),
            ..Settings::of(EndpointUrl::stored(url).unwrap())
        };
        let endpoint = Endpoint {
            id: EndpointId::new(&self.clock),
            project: self.project,
            settings,
            status: endpoint::Status::Active,
            disabled_reason: None,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        self.store.create_endpoint(endpoint).await.unwrap()
    }

    /// Changes nothing of it, in a commit.
    pub(crate) async fn change(&self, endpoint: &Endpoint) {
        let same = |before: &Endpoint| Ok::<_, std::convert::Infallible>(before.clone());
        drop(self.store.change_endpoint(endpoint.project, endpoint.id, same).await.unwrap());
    }

    pub(crate) async fn send(&self, event_type: &str) {
        self.send_later(event_type, Duration::ZERO).await;
    }

    pub(crate) async fn send_later(&self, event_type: &str, wait: Duration) {
        let (id, event_type) = (EventId::new(&self.clock), event_type.parse().unwrap());
        let mut event = Event::of(id, self.project, event_type, Json::trusted("{}"), self.clock.now());
        event.deliver_at = (!wait.is_zero()).then(|| self.clock.now() + wait);
        let intake = Intake { event, chose_id: false, idempotency_key: None, fingerprint: None };
        self.store.ingest(intake).await.unwrap();
    }

    /// What became of each delivery, and after how many attempts.
    pub(crate) async fn deliveries(&self) -> Vec<(Status, u32)> {
        let paging = Paging { limit: 250, after: None };
        let page = self.store.deliveries(self.project, DeliveryFilter::default(), paging).await.unwrap();
        page.items.iter().map(|delivery| (delivery.status, delivery.attempts)).collect()
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
