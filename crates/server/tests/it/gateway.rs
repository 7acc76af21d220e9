//! A gateway for tests: the whole server in this process, wired as in production, on a clock that the test owns.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::resolve::{self, Lookup, Resolve};
use model::time::Span;
use serde_json::{Value, json};
use server::config::Config;
use server::lifecycle;
use server::wire::{self, Running, World};
use testkit::clock::TestEnv;
use testkit::http::Http;

/// How a gateway will be.
pub(crate) struct Builder {
    config: Config,
    resolver: Arc<dyn Resolve>,
    retry: Option<Vec<String>>,
}

/// A running gateway. Its database is gone when it is dropped.
pub(crate) struct Gateway {
    pub(crate) env: TestEnv,
    running: Running,
    retry: Option<Vec<String>>,
    _directory: tempfile::TempDir,
}

/// Nothing has a name in tests that do not say otherwise.
struct Nameless;

impl Resolve for Nameless {
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        let error = resolve::Error::NoSuchName;
        Box::pin(std::future::ready(Err(error)))
    }
}

/// A resolver that answers from a table, or differently each time.
pub(crate) struct Answers<F>(pub(crate) F);

impl<F> Resolve for Answers<F>
where
    F: Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static,
{
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        Box::pin(std::future::ready(Ok((self.0)(name))))
    }
}

impl Gateway {
    /// One that may send to receivers on this machine, without TLS.
    pub(crate) fn new() -> Builder {
        let mut config = Config::default();
        config.listen = ([127, 0, 0, 1], 0).into();
        config.network.policy.allow_http = true;
        config.network.policy.allowed = vec!["127.0.0.0/8".parse().expect("a network")];
        Builder { config, resolver: Arc::new(Nameless), retry: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// Asks with the admin key.
    pub(crate) fn admin(&self) -> Http {
        Http::new(self.url()).key(&self.running.admin_key.text)
    }

    /// A new project with a key of its own.
    pub(crate) async fn project(&self, slug: &str) -> Project<'_> {
        let made = self.admin().post("/v1/projects", &json!({ "name": slug, "slug": slug })).await.expect(201);
        let key = made["api_key"].as_str().expect("a new project shows its key");
        Project { gateway: self, http: Http::new(self.url()).key(key) }
    }

    /// Lets time pass: jumps from one moment at which something is due to the next, and lets what is due happen.
    pub(crate) async fn advance(&self, by: &str) {
        let target = model::env::Env::now(&self.env) + span(by);
        while let Some(next) = self.at_rest().await
            && next <= target
        {
            self.env.advance_to(next);
        }
        self.env.advance_to(target);
        self.at_rest().await;
    }

    /// Waits until nothing is in hand; answers when there will be something again.
    pub(crate) async fn at_rest(&self) -> Option<model::time::Timestamp> {
        self.running.engine.as_ref().expect("it delivers").at_rest().await
    }

    /// Stops as on SIGTERM. True if everything in flight was finished.
    pub(crate) async fn stop(self) -> bool {
        lifecycle::stop(self.running, Arc::new(self.env), Duration::from_secs(5)).await
    }
}

pub(crate) fn span(text: &str) -> Duration {
    text.parse::<Span>().expect("a duration").0
}

impl Builder {
    pub(crate) fn configured(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// The schedule of endpoints that do not name their own.
    pub(crate) fn retry<const N: usize>(mut self, schedule: [&str; N]) -> Self {
        self.retry = Some(schedule.map(str::to_owned).to_vec());
        self
    }

    pub(crate) fn resolving(mut self, answers: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        self.resolver = Arc::new(Answers(answers));
        self
    }

    pub(crate) async fn start(self) -> Gateway {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut config = self.config;
        config.data_dir = directory.path().to_owned();
        let env = TestEnv::new();
        let world = World { env: Arc::new(env.clone()), resolver: self.resolver };
        let running = wire::start(&config, world).await.expect("the server starts");
        Gateway { env, running, retry: self.retry, _directory: directory }
    }
}

/// A project as its engineers see it.
pub(crate) struct Project<'a> {
    gateway: &'a Gateway,
    pub(crate) http: Http,
}

impl Project<'_> {
    /// Registers an endpoint; builder style, for tests with one.
    pub(crate) async fn endpoint(self, url: &str) -> Self {
        self.register(json!({ "url": url })).await;
        self
    }

    /// Registers an endpoint and answers it, with its secret.
    pub(crate) async fn register(&self, mut endpoint: Value) -> Value {
        if let Some(schedule) = &self.gateway.retry
            && endpoint["retry"].is_null()
        {
            endpoint["retry"] = json!({ "schedule": schedule });
        }
        self.http.post("/v1/endpoints", &endpoint).await.expect(201)
    }

    /// Sends an event and answers its id.
    pub(crate) async fn send(&self, event_type: &str, data: Value) -> String {
        let event = json!({ "type": event_type, "data": data });
        text(&self.http.post("/v1/events", &event).await.expect(202)["id"])
    }

    pub(crate) async fn deliveries(&self) -> Vec<Value> {
        let page = self.http.get("/v1/deliveries?limit=250").await.expect(200);
        page["data"].as_array().expect("a list").clone()
    }

    /// The one delivery there is, with its attempts.
    pub(crate) async fn only_delivery(&self) -> Value {
        let deliveries = self.deliveries().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        self.delivery(&text(&deliveries[0]["id"])).await
    }

    pub(crate) async fn delivery(&self, id: &str) -> Value {
        self.http.get(&format!("/v1/deliveries/{id}")).await.expect(200)
    }

    pub(crate) async fn show(&self, endpoint: &Value) -> Value {
        self.http.get(&format!("/v1/endpoints/{}", text(&endpoint["id"]))).await.expect(200)
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}
