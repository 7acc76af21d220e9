//! A gateway for tests: the whole server in this process, wired as in production, on a clock that the test owns.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::resolve::{self, Lookup, Resolve};
use model::env::Env as _;
use model::time::{Span, Timestamp};
use serde_json::{Value, json};
use server::config::Config;
use server::wire::{self, Externals, Running};
use server::{mail, retention};
use testkit::clock::TestEnv;
use testkit::http::{Answer, Http};
use testkit::patiently;

use crate::place::Place;

/// How a gateway will be.
pub(crate) struct Builder {
    changes: Vec<Change>,
    resolver: Arc<dyn Resolve>,
    retry: Option<Vec<String>>,
    trusted: Option<String>,
}

/// What a test wants otherwise than usual.
type Change = Box<dyn FnOnce(&mut Config) + Send>;

/// A running gateway. Its database is gone when it is dropped.
pub(crate) struct Gateway {
    pub(crate) env: TestEnv,
    running: Running,
    retry: Option<Vec<String>>,
    _place: Place,
}

/// Nothing has a name in tests that do not say otherwise.
struct Nameless;

impl Resolve for Nameless {
    fn resolve<'a>(&'a self, _: &'a str) -> Lookup<'a> {
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
    #[expect(clippy::new_ret_no_self, reason = "a gateway is described, and then it starts")]
    pub(crate) fn new() -> Builder {
        let builder = Builder { changes: Vec::new(), resolver: Arc::new(Nameless), retry: None, trusted: None };
        builder.configured(|config| {
            config.listen = ([127, 0, 0, 1], 0).into();
            config.network.policy.allow_http = true;
            config.network.policy.allowed = vec!["127.0.0.0/8".parse().expect("a network")];
        })
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
        let key = text(&made["api_key"]);
        Project { gateway: self, http: Http::new(self.url()).key(&key) }
    }

    /// A new project that speaks this dialect.
    pub(crate) async fn project_speaking(&self, slug: &str, dialect: &str) -> Project<'_> {
        let asked = json!({ "name": slug, "slug": slug, "dialect": dialect });
        let made = self.admin().post("/v1/projects", &asked).await.expect(201);
        Project { gateway: self, http: Http::new(self.url()).key(&text(&made["api_key"])) }
    }

    /// Lets time pass: jumps from one moment at which something is due to the next, and lets what is due happen.
    pub(crate) async fn advance(&self, by: &str) {
        let target = self.now() + span(by);
        while let Some(next) = self.next_wake().await
            && next <= target
        {
            self.env.advance_to(next);
        }
        self.env.advance_to(target);
        self.at_rest().await;
    }

    /// Lets time pass at once, while attempts hang: those whose time is over are given up, and what follows happens.
    pub(crate) async fn lose_patience(&self, after: &str) {
        self.env.advance(span(after));
        self.at_rest().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// Waits until nothing is in hand; answers when there will be something again.
    pub(crate) async fn at_rest(&self) -> Option<Timestamp> {
        let due = self.engine_at_rest().await;
        // What is recorded may have brought mail about.
        let mail_due = self.worker_at_rest(mail::NAME).await;
        self.worker_at_rest(retention::NAME).await;
        due.into_iter().chain(mail_due).min()
    }

    /// As [`at_rest`](Self::at_rest), but answers when retention looks again if that is sooner.
    async fn next_wake(&self) -> Option<Timestamp> {
        let due = self.at_rest().await;
        due.into_iter().chain(self.worker_at_rest(retention::NAME).await).min()
    }

    /// As [`at_rest`](Self::at_rest), whatever mail is under way.
    pub(crate) async fn engine_at_rest(&self) -> Option<Timestamp> {
        self.worker_at_rest(wire::ENGINE).await
    }

    /// `None` also where there is no such worker.
    async fn worker_at_rest(&self, name: &str) -> Option<Timestamp> {
        let worker = self.running.worker(name)?;
        patiently(worker.at_rest(), || format!("{name} does not come to rest")).await
    }
}

pub(crate) fn span(text: &str) -> Duration {
    text.parse::<Span>().expect("a duration").0
}

impl Builder {
    pub(crate) fn configured(mut self, change: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        self.changes.push(Box::new(change));
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

    pub(crate) fn with_resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Every name leads to this machine.
    pub(crate) fn resolving_here(self) -> Self {
        self.resolving(|_| vec![[127, 0, 0, 1].into()])
    }

    /// Accepts certificates of this authority besides the system's.
    pub(crate) fn trusting(mut self, ca_pem: &str) -> Self {
        self.trusted = Some(ca_pem.to_owned());
        self
    }

    pub(crate) async fn start(self) -> Gateway {
        let place = Place::fresh().await;
        let mut config = place.config();
        for change in self.changes {
            change(&mut config);
        }
        if let Some(ca_pem) = self.trusted {
            let path = place.beside("ca.pem");
            std::fs::write(&path, ca_pem).expect("a temporary directory can be written");
            config.network.ca_file = Some(path);
        }
        let env = TestEnv::new();
        let world = Externals { env: Arc::new(env.clone()), resolver: self.resolver };
        let running = wire::start(&config, world).await.expect("the server starts");
        Gateway { env, running, retry: self.retry, _place: place }
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
        text(&self.send_event(json!({ "type": event_type, "data": data })).await["id"])
    }

    /// Sends an event and answers what was answered.
    pub(crate) async fn send_event(&self, event: Value) -> Value {
        self.http.post("/v1/events", &event).await.expect(202)
    }

    pub(crate) async fn deliveries(&self) -> Vec<Value> {
        self.list("/v1/deliveries?limit=250").await
    }

    /// The first page of a list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        list(&self.http, path).await
    }

    /// Does one of the things that are done to an endpoint: `pause`, `resume`, …
    pub(crate) async fn ask(&self, endpoint: &Value, verb: &str) -> Value {
        let path = format!("/v1/endpoints/{}/{verb}", text(&endpoint["id"]));
        self.http.send(hyper::Method::POST, &path, hyper::body::Bytes::new()).await.expect(200)
    }

    /// The delivery of an event to its one endpoint, with its attempts.
    pub(crate) async fn delivery_of(&self, event: &str) -> Value {
        let deliveries = self.list(&format!("/v1/deliveries?event={event}")).await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        self.delivery(&text(&deliveries[0]["id"])).await
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

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.http.send(hyper::Method::PUT, path, body.to_string().into()).await
    }

    pub(crate) async fn show(&self, endpoint: &Value) -> Value {
        self.http.get(&format!("/v1/endpoints/{}", text(&endpoint["id"]))).await.expect(200)
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

/// The first page of a list.
pub(crate) async fn list(http: &Http, path: &str) -> Vec<Value> {
    let page = http.get(path).await.expect(200);
    page["data"].as_array().unwrap_or_else(|| panic!("not a list: {page}")).clone()
}

/// The places that a problem names, and what it says of each.
pub(crate) fn faults(problem: &Value) -> Vec<(String, String)> {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no problem: {problem}"));
    errors.iter().map(|fault| (text(&fault["pointer"]), text(&fault["message"]))).collect()
}

/// A time in an answer: RFC 3339 in UTC, with milliseconds.
#[track_caller]
pub(crate) fn time(value: &Value) -> Timestamp {
    let text = text(value);
    assert!(text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.', "not a time of ours: {text}");
    text.parse().expect("a time")
}
