//! A gateway to ask: front and store on a temporary directory, and somebody who makes attempts when told to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::Api;
use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use faultdisk::Watch;
use http_body_util::BodyExt;
use model::attempt::{Answer as Answered, Attempt, Outcome};
use model::delivery::Due;
use model::env::Env;
use model::headers::Headers;
use model::health::DisableRule;
use model::network::Policy;
use model::retry::Next;
use model::time::Timestamp;
use serde_json::{Value, json};
use store::Store;
use store::feed::{CommitNotice, Feed, FeedItem};
use store::handle::{Backend, Options};
use store::record::Record;
use store::seal::MasterKey;
use tempfile::TempDir;
use testkit::clock::TestEnv;
use web::context::Context;
use web::front::Front;

pub(crate) const ADMIN_KEY: &str = "the admin key of a test";

/// What a batch may have, as a server has it that was told nothing.
const BATCH_BYTES: usize = 32 * 1024 * 1024;

pub(crate) struct Gateway {
    pub(crate) env: TestEnv,
    pub(crate) store: Store,
    pub(crate) front: Front,
    directory: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of an answer that was to be expected.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The code of a problem, which must be whole.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        let problem = self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().unwrap());
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("/docs#{code}"));
        for field in ["title", "detail"] {
            assert!(!problem[field].as_str().unwrap().is_empty(), "{problem}");
        }
        code
    }

    /// Where the faults of a problem are.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, code: &str, pointers: &[&str]) {
        assert_eq!(
            (self.problem(status).as_str(), self.pointers()),
            (code, pointers.iter().map(|p| (*p).to_owned()).collect()),
            "{}",
            self.text
        );
    }
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::with_policy(Policy::default()).await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let directory = TempDir::new().unwrap();
        let env = TestEnv::new();
        let shared: Arc<dyn Env> = Arc::new(env.clone());
        let options = Options {
            backend: Backend::Embedded { data_dir: directory.path().to_owned() },
            master_key: MasterKey::generate(&env),
            env: shared.clone(),
            mail: false,
            accept_journal_loss: false,
        };
        let store = Store::open(options).await.unwrap();
        let context = Context::new(store.clone(), shared, sha256(ADMIN_KEY), BATCH_BYTES);
        let api = Api::new(context, Arc::default(), Arc::new(policy), BATCH_BYTES, None);
        Self { env, store, front: api::front(api), directory }
    }

    /// The disk of the store, which can be made to fail.
    pub(crate) fn disk(&self) -> Watch {
        assert!(faultdisk::are_found(), "file calls of this program are looked up in it first");
        Watch::on(self.directory.path())
    }

    /// Asks with the admin key, and JSON if there is a body.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask_as(ADMIN_KEY, method, path, body).await
    }

    pub(crate) async fn ask_as(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    /// Asks with the admin key and these very bytes as JSON.
    pub(crate) async fn ask_raw(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {ADMIN_KEY}"))
            .header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.front.answer(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(parts.headers.contains_key("x-request-id"), "every answer has its request's id");
        let length = parts.headers.get("content-length").map(|length| length.to_str().unwrap().parse().unwrap());
        assert_eq!(length.unwrap_or(text.len()), text.len(), "a body has the length that is said");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn endpoint(&self, fields: Value) -> Value {
        let mut endpoint = json!({ "url": "https://example.com/hooks" });
        endpoint.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.ask("POST", "/v1/endpoints", Some(endpoint)).await.expect(201)
    }

    pub(crate) async fn event(&self, event_type: &str) -> Value {
        self.ask("POST", "/v1/events", Some(json!({ "type": event_type, "data": {} }))).await.expect(202)
    }

    /// A project with a key of its own for each of `scopes`.
    pub(crate) async fn project(&self, name: &str) -> (String, String) {
        let project = self.ask("POST", "/v1/projects", Some(json!({ "name": name }))).await.expect(201);
        (project["id"].as_str().unwrap().to_owned(), project["api_key"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn key(&self, scopes: &[&str]) -> String {
        let key = self.ask("POST", "/v1/keys", Some(json!({ "name": "a key", "scopes": scopes }))).await.expect(201);
        key["api_key"].as_str().unwrap().to_owned()
    }

    /// Everything that is stored and could have come from a request, counted.
    pub(crate) async fn inventory(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for list in ["events", "endpoints", "deliveries", "keys", "projects"] {
            let listed = self.ask("GET", &format!("/v1/{list}?limit=250"), None).await.expect(200);
            counts.insert(list, listed["data"].as_array().unwrap().len());
        }
        counts
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine {
            feed: self.store.feed().expect("there is one engine"),
            store: self.store.clone(),
            env: self.env.clone(),
        }
    }
}

pub(crate) fn sha256(text: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().try_into().unwrap()
}

/// Makes attempts: each is answered as its test says.
pub(crate) struct Engine {
    feed: Feed,
    store: Store,
    env: TestEnv,
}

impl Engine {
    /// Makes one attempt of the next delivery that is due.
    pub(crate) async fn attempt(&mut self, status: u16) {
        let due = self.next_due().await;
        let answer = Answered { status, headers: Headers::from([("server", "a test")]), ..Answered::default() };
        let outcome = Outcome::Answered(answer);
        let now = self.env.now();
        let next = match outcome.is_success() {
            true => Next::Delivered,
            false if due.manual => Next::GiveUp { exhausted: false },
            false => Next::Again(now + Duration::from_secs(5)),
        };
        let attempt = attempt(due.attempt(), now, outcome, next);
        let record = Record {
            due,
            attempt,
            next,
            gone: false,
            rule: Arc::new(DisableRule { on_status: vec![410], ..DisableRule::default() }),
            notify: true,
        };
        let (reply, recorded) = tokio::sync::oneshot::channel();
        self.store.record_then(record, |result| reply.send(result).unwrap()).await;
        recorded.await.unwrap().unwrap();
    }

    async fn next_due(&mut self) -> Due {
        loop {
            let FeedItem::Notices(facts) = self.feed.next().await.unwrap() else { panic!("a test makes few facts") };
            for fact in facts {
                if let CommitNotice::Due(due) = fact {
                    return due;
                }
            }
        }
    }
}

fn attempt(number: u32, now: Timestamp, outcome: Outcome, next: Next) -> Attempt {
    Attempt {
        number,
        started_at: now,
        duration: Duration::from_millis(42),
        request_headers: Headers::from([("webhook-id", "evt_1")]),
        body: model::attempt::Body::Of("standard".into()),
        notes: Vec::new(),
        outcome,
        next_attempt_at: match next {
            Next::Again(at) => Some(at),
            _ => None,
        },
    }
}
