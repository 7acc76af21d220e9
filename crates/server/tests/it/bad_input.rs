//! What is wrong is refused with a problem that names the fault; nothing of it is stored, and the server stays well.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::http::{Answer, Http};
use testkit::patiently;
use testkit::receiver::Receiver;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gateway::{Gateway, list, text};
use crate::place::Place;
use crate::running::Running;

/// A request that must not be granted.
struct Wrong {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    /// Any of them.
    codes: &'static [&'static str],
    /// The field at fault; empty where there is none.
    pointer: &'static str,
}

impl Wrong {
    fn new(method: Method, path: impl Into<String>, body: impl Into<Bytes>, code: &'static [&'static str]) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: body.into(), codes: code, pointer: "" }
    }

    fn post(path: &str, body: impl Into<Bytes>, codes: &'static [&'static str]) -> Self {
        Self::new(Method::POST, path, body, codes)
    }

    /// A body whose field at `pointer` is wrong.
    fn field(path: &str, body: &Value, pointer: &'static str) -> Self {
        Self { pointer, ..Self::post(path, body.to_string(), &["invalid_request"]) }
    }

    fn query(path: &str, name: &'static str) -> Self {
        Self { pointer: name, ..Self::new(Method::GET, path, "", &["invalid_request"]) }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Asks for it, and says what is wrong with the answer.
    async fn complaint(&self, http: &Http) -> Option<String> {
        let client = self.headers.iter().fold(http.clone(), |http, (name, value)| http.header(name, value));
        let answer = client.send(self.method.clone(), &self.path, self.body.clone()).await;
        let complaint = self.fault_of(&answer)?;
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(200)]).into_owned();
        let told = answer.text().chars().take(400).collect::<String>();
        Some(format!("{} {} {body}\n  {complaint}: {} {told}", self.method, self.path, answer.status))
    }

    fn fault_of(&self, answer: &Answer) -> Option<String> {
        if answer.header("content-type") != Some("application/problem+json") {
            return Some("is no problem".to_owned());
        }
        let problem = answer.json();
        if problem["status"] != answer.status || !(400..500).contains(&answer.status) {
            return Some("has the wrong status".to_owned());
        }
        if !self.codes.iter().any(|code| problem["code"] == *code) {
            return Some(format!("should be {:?}", self.codes));
        }
        for field in ["type", "title", "detail", "request_id"] {
            if problem[field].as_str().is_none_or(str::is_empty) {
                return Some(format!("has no {field}"));
            }
        }
        let faults = problem["errors"].as_array()?;
        // Of a query or a header, the pointer's form is not laid down, only that it names the parameter.
        let at_fault = |fault: &Value| {
            let pointer = fault["pointer"].as_str().unwrap_or_default();
            let named =
                if self.pointer.starts_with('/') { pointer == self.pointer } else { pointer.contains(self.pointer) };
            named && fault["message"].as_str().is_some_and(|message| !message.is_empty())
        };
        let named = self.pointer.is_empty() || faults.iter().any(at_fault);
        (!named).then(|| format!("should point to {:?}", self.pointer))
    }
}

/// A request that is right in itself.
type Ask = (Method, String, Value);

/// All that is stored, as far as its owner can see.
async fn stored(http: &Http) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for path in ["/v1/events", "/v1/endpoints", "/v1/deliveries", "/v1/keys"] {
        all.push(list(http, &format!("{path}?limit=250")).await);
    }
    all
}

/// Tries them all. Each is refused, and afterwards all is as it was before.
async fn all_are_refused(http: &Http, wrongs: impl IntoIterator<Item = Wrong>) {
    let before = stored(http).await;
    let mut complaints = Vec::new();
    for wrong in wrongs {
        complaints.extend(wrong.complaint(http).await);
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    assert_eq!(stored(http).await, before, "something was stored");
    assert_eq!(http.get("/healthz").await.status, 200);
}

/// A gateway with a project that has something to lose, asked with the admin's key in its name.
async fn owner(gateway: &Gateway, receiver: &Receiver) -> Http {
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url() })).await;
    project.send("order.paid", json!({ "id": 7 })).await;
    gateway.at_rest().await;
    gateway.admin().header("posthaste-project", "acme")
}

async fn refused_here(wrongs: impl IntoIterator<Item = Wrong>) {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    all_are_refused(&owner(&gateway, &receiver).await, wrongs).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 1);
}

const POSTS: [&str; 4] = ["/v1/events", "/v1/endpoints", "/v1/projects", "/v1/keys"];

fn broken_json() -> Vec<Wrong> {
    let broken: [&[u8]; 14] = [
        b"{",
        b"}",
        b"{\"type\": \"a\", \"data\": {}",
        b"{\"type\": \"a\", \"data\": {},}",
        b"{\"type\": \"a\" \"data\": {}}",
        b"{'type': 'a', 'data': {}}",
        b"{type: \"a\", data: {}}",
        b"{\"type\": \"a\", \"data\": {}} and more",
        b"{\"type\": \"a\", \"data\": NaN}",
        b"{\"type\": \"a\", \"data\": 01}",
        b"{\"type\": \"a\", \"data\": \"\n\"}",
        b"{\"type\": \"a\", \"data\": \"\\q\"}",
        b"hello",
        b"<event/>",
    ];
    POSTS
        .iter()
        .flat_map(|path| broken.map(|body| Wrong::post(path, body.to_vec(), &["invalid_json"])))
        .chain(POSTS.map(|path| Wrong::post(path, "", &["invalid_json"]).header("content-type", "application/json")))
        .chain([Wrong::post("/v1/events/batch", "[{]", &["invalid_json"])])
        .collect()
}

fn invalid_utf8() -> Vec<Wrong> {
    let bodies: [&[u8]; 5] = [
        b"{\"type\": \"a\", \"data\": \"\xff\"}",
        b"{\"type\": \"a\xc3\", \"data\": {}}",
        b"{\"type\": \"a\", \"data\": {\"\xed\xa0\x80\": 1}}",
        b"{\"type\": \"a\", \"data\": \"\xc0\x80\"}",
        b"\xff\xfe{\0\"\0",
    ];
    let of_events = bodies.map(|body| Wrong::post("/v1/events", body.to_vec(), &["invalid_json"]));
    let of_endpoints = Wrong::post("/v1/endpoints", b"{\"url\": \"https://\xff/\"}".to_vec(), &["invalid_json"]);
    of_events.into_iter().chain([of_endpoints]).collect()
}

/// A JSON document of so many levels that is an event.
fn nested(levels: usize) -> String {
    let within = levels - 1;
    format!(r#"{{"type": "a", "data": {}{}}}"#, "[".repeat(within), "]".repeat(within))
}

fn deep_nesting() -> Vec<Wrong> {
    let deep = [129, 1_000, 100_000].map(nested);
    let objects = format!(r#"{{"type": "a", "data": {}1{}}}"#, r#"{"a":"#.repeat(200), "}".repeat(200));
    let endless = format!(r#"{{"type": "a", "data": {}"#, "[".repeat(200_000));
    let batch = format!("[{}]", nested(1_000));
    let mut wrongs: Vec<Wrong> = deep
        .into_iter()
        .chain([objects, endless])
        .map(|body| Wrong::post("/v1/events", body, &["invalid_json", "invalid_request"]))
        .collect();
    let metadata = format!(r#"{{"url": "https://example.com/", "metadata": {}{}}}"#, "[".repeat(500), "]".repeat(500));
    wrongs.push(Wrong::post("/v1/endpoints", metadata, &["invalid_json", "invalid_request"]));
    wrongs.push(Wrong::post("/v1/events/batch", batch + "x", &["invalid_json"]));
    wrongs
}

fn duplicate_fields() -> Vec<Wrong> {
    let codes = &["invalid_json", "invalid_request"];
    vec![
        Wrong::post("/v1/events", r#"{"type": "a", "type": "b", "data": {}}"#, codes),
        Wrong::post("/v1/events", r#"{"type": "a", "data": {}, "data": {}}"#, codes),
        Wrong::post("/v1/events", r#"{"type": "a", "data": {}, "id": "e1", "id": "e1"}"#, codes),
        Wrong::post("/v1/endpoints", r#"{"url": "https://example.com/", "url": "https://10.0.0.1/"}"#, codes),
        Wrong::post(
            "/v1/endpoints",
            r#"{"url": "https://example.com/", "rate_limit": {"requests": 1, "requests": 2, "per": "1s"}}"#,
            codes,
        ),
        Wrong::post("/v1/keys", r#"{"name": "k", "scopes": ["read"], "scopes": ["admin"]}"#, codes),
    ]
}

fn wrong_events() -> Vec<Wrong> {
    let mut wrongs: Vec<Wrong> = ["[]", "7", "null", "\"a\"", "true"]
        .map(|body| Wrong::post("/v1/events", body, &["invalid_request"]))
        .into_iter()
        .chain([Wrong::field("/v1/events", &json!({ "data": {} }), "/type")])
        .chain([Wrong::field("/v1/events", &json!({ "type": "a" }), "/data")])
        .collect();
    let types = ["", "a b", "a..b", ".a", "a.", "*", "a.*", "a-b", "ä", "a/b", "a\n"];
    for event_type in types.map(Value::from).into_iter().chain([json!(7), json!(null), json!(["a"]), json!({})]) {
        wrongs.push(Wrong::field("/v1/events", &json!({ "type": event_type, "data": {} }), "/type"));
    }
    for (field, value, pointer) in [
        ("id", json!(7), "/id"),
        ("id", json!("a b"), "/id"),
        ("id", json!("x".repeat(65)), "/id"),
        ("tenant", json!(7), "/tenant"),
        ("tenant", json!({}), "/tenant"),
        ("occurred_at", json!("yesterday"), "/occurred_at"),
        ("occurred_at", json!("2026-01-05"), "/occurred_at"),
        ("occurred_at", json!(1_767_603_600), "/occurred_at"),
        ("deliver_at", json!("2026-13-05T09:00:00Z"), "/deliver_at"),
        ("deliver_at", json!("1h"), "/deliver_at"),
        ("expires_at", json!("2020-01-01T00:00:00Z"), "/expires_at"),
        ("expires_at", json!(true), "/expires_at"),
        ("summary", json!(7), "/summary"),
        ("colour", json!("red"), "/colour"),
        ("Type", json!("a"), "/Type"),
        ("payload", json!({}), "/payload"),
    ] {
        let mut event = json!({ "type": "a", "data": {} });
        event[field] = value;
        wrongs.push(Wrong::field("/v1/events", &event, pointer));
    }
    wrongs
}

fn wrong_endpoints() -> Vec<Wrong> {
    let mut wrongs = vec![Wrong::field("/v1/endpoints", &json!({}), "/url")];
    for (field, value, pointer) in [
        ("url", json!(7), "/url"),
        ("url", json!(null), "/url"),
        ("url", json!(["https://example.com/"]), "/url"),
        ("events", json!("order.paid"), "/events"),
        ("events", json!([7]), "/events/0"),
        ("events", json!(["order.paid", ""]), "/events/1"),
        ("events", json!(["order.*.paid"]), "/events/0"),
        ("events", json!(["*", "a.b", "**"]), "/events/2"),
        ("events", json!(["order*"]), "/events/0"),
        ("events", json!([".*"]), "/events/0"),
        ("name", json!(7), "/name"),
        ("active", json!("yes"), "/active"),
        ("tenant", json!(7), "/tenant"),
        ("auth", json!("bearer"), "/auth"),
        ("auth", json!({ "type": "magic" }), "/auth/type"),
        ("auth", json!({ "type": "bearer" }), "/auth/token"),
        ("auth", json!({ "type": "bearer", "token": 7 }), "/auth/token"),
        ("auth", json!({ "type": "bearer", "token": "a\r\nX-Evil: 1" }), "/auth/token"),
        ("auth", json!({ "type": "basic", "username": "u" }), "/auth/password"),
        ("auth", json!({ "type": "api_key", "header": "X Key", "value": "v" }), "/auth/header"),
        ("auth", json!({ "type": "api_key", "header": "X-Key" }), "/auth/value"),
        ("headers", json!(["x"]), "/headers"),
        ("headers", json!({ "x-a": 7 }), "/headers/x-a"),
        ("headers", json!({ "x-a": "b\r\nx-evil: 1" }), "/headers/x-a"),
        ("headers", json!({ "bad name": "v" }), "/headers/bad name"),
        ("rate_limit", json!(5), "/rate_limit"),
        ("rate_limit", json!({ "requests": 5 }), "/rate_limit/per"),
        ("rate_limit", json!({ "requests": 5, "per": 1 }), "/rate_limit/per"),
        ("rate_limit", json!({ "requests": 5, "per": "soon" }), "/rate_limit/per"),
        ("rate_limit", json!({ "requests": 0, "per": "1s" }), "/rate_limit"),
        ("rate_limit", json!({ "requests": -1, "per": "1s" }), "/rate_limit"),
        ("rate_limit", json!({ "requests": 5, "per": "0s" }), "/rate_limit"),
        ("rate_limit", json!({ "requests": 5, "per": "1s", "burst": 9 }), "/rate_limit/burst"),
        ("ordering", json!("lifo"), "/ordering"),
        ("ordering", json!(true), "/ordering"),
        ("timeout_ms", json!("10s"), "/timeout_ms"),
        ("timeout_ms", json!(-5), "/timeout_ms"),
        ("timeout_ms", json!(1.5), "/timeout_ms"),
        ("timeout_ms", json!(0), "/timeout_ms"),
        ("retry", json!(["1s"]), "/retry"),
        ("retry", json!({ "schedule": "1s" }), "/retry/schedule"),
        ("retry", json!({ "schedule": ["1s", "soon"] }), "/retry/schedule/1"),
        ("retry", json!({ "schedule": [5] }), "/retry/schedule/0"),
        ("retry", json!({ "schedule": ["1s"], "times": 3 }), "/retry/times"),
        ("signing", json!("md5"), "/signing"),
        ("secret", json!(7), "/secret"),
        ("secret", json!("short"), "/secret"),
        ("secret", json!("whsec_"), "/secret"),
        ("secret", json!("whsec_!!!!"), "/secret"),
        // 23 and 65 bytes.
        ("secret", json!("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="), "/secret"),
        (
            "secret",
            json!("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ="),
            "/secret",
        ),
        ("colour", json!("red"), "/colour"),
        ("URL", json!("https://example.com/"), "/URL"),
        ("id", json!("ep_mine"), "/id"),
        ("status", json!("active"), "/status"),
    ] {
        let mut endpoint = json!({ "url": "https://example.com/" });
        endpoint[field] = value;
        wrongs.push(Wrong::field("/v1/endpoints", &endpoint, pointer));
    }
    wrongs
}

fn wrong_projects_and_keys() -> Vec<Wrong> {
    vec![
        Wrong::field("/v1/projects", &json!({}), "/name"),
        Wrong::field("/v1/projects", &json!({ "name": 7 }), "/name"),
        Wrong::field("/v1/projects", &json!({ "name": "n", "slug": "Not a slug" }), "/slug"),
        Wrong::field("/v1/projects", &json!({ "name": "n", "slug": "" }), "/slug"),
        Wrong::field("/v1/projects", &json!({ "name": "n", "dialect": "klingon" }), "/dialect"),
        Wrong::field("/v1/projects", &json!({ "name": "n", "colour": "red" }), "/colour"),
        Wrong::field("/v1/keys", &json!({ "scopes": ["read"] }), "/name"),
        Wrong::field("/v1/keys", &json!({ "name": "k" }), "/scopes"),
        Wrong::field("/v1/keys", &json!({ "name": "k", "scopes": "read" }), "/scopes"),
        Wrong::field("/v1/keys", &json!({ "name": "k", "scopes": ["read", "everything"] }), "/scopes/1"),
        Wrong::field("/v1/keys", &json!({ "name": "k", "scopes": ["read"], "api_key": "x" }), "/api_key"),
    ]
}

fn wrong_queries() -> Vec<Wrong> {
    let mut wrongs = Vec::new();
    for path in ["/v1/events", "/v1/endpoints", "/v1/deliveries", "/v1/keys"] {
        for limit in ["0", "251", "-1", "many", "1.5", "", "99999999999999999999"] {
            wrongs.push(Wrong::query(&format!("{path}?limit={limit}"), "limit"));
        }
        for cursor in ["garbage", "%00", "%FF%FE", "AAAAAAAA", "evt_1", &"x".repeat(5_000)] {
            wrongs.push(Wrong::query(&format!("{path}?cursor={cursor}"), "cursor"));
        }
        wrongs.push(Wrong::query(&format!("{path}?colour=red"), "colour"));
        wrongs.push(Wrong::query(&format!("{path}?limit=5&limit=6"), "limit"));
    }
    for (path, name) in [
        ("/v1/deliveries?status=lost", "status"),
        ("/v1/deliveries?status=PENDING", "status"),
        ("/v1/deliveries?status_code=abc", "status_code"),
        ("/v1/deliveries?since=yesterday", "since"),
        ("/v1/deliveries?until=5", "until"),
        ("/v1/events?since=2026-99-99T00:00:00Z", "since"),
        ("/v1/events?status=pending", "status"),
    ] {
        wrongs.push(Wrong::query(path, name));
    }
    wrongs
}

fn wrong_addresses() -> Vec<Wrong> {
    let nowhere =
        ["/", "/v1", "/v2/events", "/v1/event", "/v1/events/", "/v1/events/x/y", "/V1/events", "/%00", "/..%2f"];
    let unknown =
        ["/v1/events/evt_00000000000000000000000000", "/v1/endpoints/ep_x", "/v1/deliveries/x", "/v1/jobs/job_x"]
            .into_iter()
            .chain(["/v1/keys/key_x", "/v1/projects/prj_x", "/v1/deliveries/00000000-0000-7000-8000-000000000000"])
            .chain(["/v1/endpoints/..", "/v1/endpoints/%FF", "/v1/events/%20", "/v1/endpoints/ep_x/deliveries"]);
    let mut wrongs: Vec<Wrong> =
        nowhere.into_iter().chain(unknown).map(|path| Wrong::new(Method::GET, path, "", &["not_found"])).collect();
    for (method, path) in [
        (Method::PUT, "/v1/events"),
        (Method::DELETE, "/v1/events"),
        (Method::PATCH, "/v1/deliveries"),
        (Method::GET, "/v1/events/batch"),
        (Method::POST, "/healthz"),
        (Method::DELETE, "/v1/deliveries/x"),
        (Method::from_bytes(b"BREW").expect("a method"), "/v1/endpoints"),
    ] {
        wrongs.push(Wrong::new(method, path, "", &["method_not_allowed"]));
    }
    wrongs
}

fn wrong_content_types() -> Vec<Wrong> {
    let event = json!({ "type": "a", "data": {} }).to_string();
    let types =
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"];
    let posts = types.into_iter().map(|content_type| {
        Wrong::post("/v1/events", event.clone(), &["unsupported_media_type"]).header("content-type", content_type)
    });
    let lines = Wrong::post("/v1/events", event.clone(), &["unsupported_media_type"]);
    posts
        .chain([lines.header("content-type", "application/x-ndjson")])
        .chain([Wrong::post("/v1/events/batch", "[]", &["unsupported_media_type"]).header("content-type", "text/csv")])
        .collect()
}

fn wrong_keys() -> Vec<Wrong> {
    let mut wrongs = Vec::new();
    let headers =
        ["", "Bearer", "Bearer ", "Bearer x", "bearer", "Basic dXNlcjpwYXNz", "Token x", "Bearer a b", "Bearer ümläut"];
    for header in headers.into_iter().chain(["Bearer the-admin-key-of-a-tesu", "the-admin-key-of-a-test"]) {
        for (method, path, body) in [
            (Method::GET, "/v1/events", ""),
            (Method::GET, "/v1/projects", ""),
            (Method::POST, "/v1/events", r#"{"type": "a", "data": {}}"#),
            (Method::POST, "/v1/keys", r#"{"name": "k", "scopes": ["admin"]}"#),
            (Method::DELETE, "/v1/endpoints/ep_x", ""),
        ] {
            wrongs.push(Wrong::new(method, path, body, &["unauthorized"]).header("authorization", header));
        }
    }
    wrongs.push(
        Wrong::new(Method::GET, "/v1/events", "", &["not_found", "invalid_request", "forbidden"])
            .header("posthaste-project", "no-such-project"),
    );
    wrongs
}

#[tokio::test]
async fn broken_json_is_refused() {
    refused_here(broken_json()).await;
}

#[tokio::test]
async fn invalid_utf8_is_refused() {
    refused_here(invalid_utf8()).await;
}

#[tokio::test]
async fn json_deeper_than_128_levels_is_refused() {
    refused_here(deep_nesting()).await;
}

#[tokio::test]
async fn json_of_128_levels_is_taken_and_delivered_as_it_is() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    project.http.send(Method::POST, "/v1/events", nested(128).into()).await.expect(202);
    gateway.at_rest().await;
    assert!(receiver.requests()[0].text().contains(&"[".repeat(127)));
}

#[tokio::test]
async fn duplicate_fields_of_ours_are_refused() {
    refused_here(duplicate_fields()).await;
}

#[tokio::test]
async fn wrong_events_are_refused_by_the_field_at_fault() {
    refused_here(wrong_events()).await;
}

#[tokio::test]
async fn wrong_endpoints_are_refused_by_the_field_at_fault() {
    refused_here(wrong_endpoints()).await;
}

#[tokio::test]
async fn wrong_projects_and_keys_are_refused_by_the_field_at_fault() {
    refused_here(wrong_projects_and_keys()).await;
}

#[tokio::test]
async fn wrong_query_parameters_are_refused_by_name() {
    refused_here(wrong_queries()).await;
}

#[tokio::test]
async fn unknown_routes_ids_and_methods_are_told_apart() {
    refused_here(wrong_addresses()).await;
}

#[tokio::test]
async fn other_content_types_are_refused() {
    refused_here(wrong_content_types()).await;
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_answered() {
    refused_here(wrong_keys()).await;
    let gateway = Gateway::new().start().await;
    let stranger = Http::new(gateway.url());
    for path in ["/v1/events", "/v1/endpoints", "/v1/deliveries", "/v1/keys", "/v1/projects", "/v1/jobs/job_x"] {
        assert_eq!(stranger.get(path).await.expect(401)["code"], "unauthorized");
    }
}

#[tokio::test]
async fn wrong_words_to_an_endpoint_are_refused_and_change_nothing() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let http = owner(&gateway, &receiver).await;
    let id = text(&list(&http, "/v1/endpoints").await[0]["id"]);
    let path = |verb: &str| format!("/v1/endpoints/{id}{verb}");
    let since = "2026-01-05T09:00:00Z";
    let mut wrongs = vec![
        Wrong::field(&path("/rotate-secret"), &json!({ "overlap": "soon" }), "/overlap"),
        Wrong::field(&path("/rotate-secret"), &json!({ "overlap": 5 }), "/overlap"),
        Wrong::field(&path("/rotate-secret"), &json!({ "colour": "red" }), "/colour"),
        Wrong::field(&path("/recover"), &json!({}), "/since"),
        Wrong::field(&path("/recover"), &json!({ "since": "monday" }), "/since"),
        Wrong::field(&path("/recover"), &json!({ "since": since, "until": 5 }), "/until"),
        Wrong::field(&path("/recover"), &json!({ "since": since, "only": "some" }), "/only"),
        Wrong::field(&path("/recover"), &json!({ "since": since, "colour": "red" }), "/colour"),
    ];
    for (body, pointer) in [
        (json!({ "url": null }), "/url"),
        (json!({ "colour": "red" }), "/colour"),
        (json!({ "timeout_ms": "x", "name": "changed" }), "/timeout_ms"),
        (json!({ "events": ["a b"], "name": "changed" }), "/events/0"),
        (json!({ "active": 1 }), "/active"),
    ] {
        wrongs.push(Wrong { method: Method::PATCH, ..Wrong::field(&path(""), &body, pointer) });
    }
    all_are_refused(&http, wrongs).await;
}

#[tokio::test]
async fn every_fault_is_named_at_once() {
    let gateway = Gateway::new().start().await;
    let wrong = json!({ "url": "https://example.com/", "ordering": "lifo", "timeout_ms": "x", "retry": { "schedule": ["soon"] } });
    let answer = gateway.admin().post("/v1/endpoints", &wrong).await;
    let problem = answer.expect(422);
    assert!(!problem["errors"].as_array().expect("a list").is_empty(), "{problem}");
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say_and_nothing_else() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let http = owner(&gateway, &receiver).await;
    let endpoint = text(&list(&http, "/v1/endpoints").await[0]["id"]);
    let delivery = text(&list(&http, "/v1/deliveries").await[0]["id"]);
    let event = text(&list(&http, "/v1/events").await[0]["id"]);
    let before = stored(&http).await;

    let ask = |method: Method, path: String, body: Value| -> Ask { (method, path, body) };
    let writes_events = [
        ask(Method::POST, "/v1/events".into(), json!({ "type": "a", "data": {} })),
        ask(Method::POST, "/v1/events/batch".into(), json!([{ "type": "a", "data": {} }])),
    ];
    let writes_endpoints = [
        ask(Method::POST, "/v1/endpoints".into(), json!({ "url": receiver.url() })),
        ask(Method::PATCH, format!("/v1/endpoints/{endpoint}"), json!({ "name": "n" })),
        ask(Method::DELETE, format!("/v1/endpoints/{endpoint}"), json!({})),
        ask(Method::POST, format!("/v1/endpoints/{endpoint}/pause"), json!({})),
        ask(Method::POST, format!("/v1/endpoints/{endpoint}/rotate-secret"), json!({})),
    ];
    let administers = [
        ask(Method::POST, "/v1/projects".into(), json!({ "name": "n" })),
        ask(Method::POST, "/v1/keys".into(), json!({ "name": "k", "scopes": ["admin"] })),
    ];
    let reads =
        ["/v1/events", "/v1/endpoints", "/v1/deliveries"].map(|path| ask(Method::GET, path.into(), Value::Null));
    let sends_again = [
        ask(Method::POST, format!("/v1/deliveries/{delivery}/retry"), json!({})),
        ask(Method::POST, format!("/v1/events/{event}/replay"), json!({})),
    ];
    let forbidden: [(&str, Vec<&Ask>); 5] = [
        ("read", writes_events.iter().chain(&writes_endpoints).chain(&administers).chain(&sends_again).collect()),
        ("events:write", writes_endpoints.iter().chain(&administers).chain(&reads).collect()),
        ("endpoints:write", writes_events.iter().chain(&administers).chain([&reads[0], &reads[2]]).collect()),
        ("sources:write", writes_events.iter().chain(&writes_endpoints).chain(&administers).chain(&reads).collect()),
        ("portal", writes_events.iter().chain(&writes_endpoints).chain(&administers).chain(&sends_again).collect()),
    ];
    let mut keys = 0;
    for (scope, requests) in forbidden {
        let made = http.post("/v1/keys", &json!({ "name": scope, "scopes": [scope] })).await.expect(201);
        keys += 1;
        let limited = Http::new(gateway.url()).key(&text(&made["api_key"]));
        for (method, path, body) in requests {
            let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
            let answer = limited.send(method.clone(), path, bytes).await;
            assert_eq!(answer.status, 403, "{scope}: {method} {path}: {}", answer.text());
            assert_eq!(answer.json()["code"], "forbidden");
        }
    }
    let after = stored(&http).await;
    assert_eq!(after[..3], before[..3]);
    assert_eq!(after[3].len(), before[3].len() + keys);

    let allowed = [
        ("events:write", &writes_events[..]),
        ("read", &reads[..]),
        ("endpoints:write", &writes_endpoints[..2]),
        ("endpoints:write", &reads[1..2]),
    ];
    for (scope, requests) in allowed {
        let made = http.post("/v1/keys", &json!({ "name": scope, "scopes": [scope] })).await.expect(201);
        let limited = Http::new(gateway.url()).key(&text(&made["api_key"]));
        for (method, path, body) in requests {
            let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
            let answer = limited.send(method.clone(), path, bytes).await;
            assert!((200..300).contains(&answer.status), "{scope}: {method} {path}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn another_projects_ids_are_not_found_on_any_route() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let (victim, thief) = (gateway.project("victim").await, gateway.project("thief").await);
    let endpoint = victim.register(json!({ "url": receiver.url() })).await;
    let endpoint = text(&endpoint["id"]);
    let event = victim.send("order.paid", json!({ "card": "secret" })).await;
    gateway.at_rest().await;
    let delivery = text(&victim.deliveries().await[0]["id"]);
    let made = victim.http.post("/v1/keys", &json!({ "name": "k", "scopes": ["read"] })).await.expect(201);
    let key = text(&made["id"]);
    let since = json!({ "since": "2026-01-05T00:00:00Z" });
    let job = victim.http.post(&format!("/v1/endpoints/{endpoint}/recover"), &since).await.expect(202);
    let job = text(&job["id"]);
    gateway.at_rest().await;
    let before = (stored(&victim.http).await, receiver.count());

    let nothing = Value::Null;
    let rename = json!({ "name": "stolen" });
    let routes = [
        (Method::GET, format!("/v1/events/{event}"), &nothing),
        (Method::POST, format!("/v1/events/{event}/replay"), &nothing),
        (Method::GET, format!("/v1/endpoints/{endpoint}"), &nothing),
        (Method::PATCH, format!("/v1/endpoints/{endpoint}"), &rename),
        (Method::POST, format!("/v1/endpoints/{endpoint}/pause"), &nothing),
        (Method::POST, format!("/v1/endpoints/{endpoint}/resume"), &nothing),
        (Method::POST, format!("/v1/endpoints/{endpoint}/test"), &nothing),
        (Method::POST, format!("/v1/endpoints/{endpoint}/rotate-secret"), &nothing),
        (Method::POST, format!("/v1/endpoints/{endpoint}/recover"), &since),
        (Method::GET, format!("/v1/endpoints/{endpoint}/deliveries"), &nothing),
        (Method::GET, format!("/v1/deliveries/{delivery}"), &nothing),
        (Method::POST, format!("/v1/deliveries/{delivery}/retry"), &nothing),
        (Method::GET, format!("/v1/jobs/{job}"), &nothing),
        (Method::DELETE, format!("/v1/jobs/{job}"), &nothing),
        (Method::GET, format!("/v1/keys/{key}"), &nothing),
        (Method::DELETE, format!("/v1/keys/{key}"), &nothing),
        (Method::DELETE, format!("/v1/endpoints/{endpoint}"), &nothing),
    ];
    for (method, path, body) in routes {
        let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let answer = thief.http.send(method.clone(), &path, bytes).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        assert_eq!(answer.json()["code"], "not_found");
    }
    for path in ["/v1/deliveries?event=", "/v1/deliveries?endpoint="] {
        let id = if path.ends_with("event=") { &event } else { &endpoint };
        let answer = thief.http.get(&format!("{path}{id}")).await;
        assert!(answer.status == 404 || answer.json()["data"] == json!([]), "{path}: {}", answer.text());
    }
    gateway.at_rest().await;
    assert_eq!((stored(&victim.http).await, receiver.count()), before);

    // The header that the admin names a project with opens nothing for who has a key of a project.
    let disguised = thief.http.clone().header("posthaste-project", "victim");
    for path in ["/v1/events", "/v1/endpoints", "/v1/deliveries"] {
        let answer = disguised.get(path).await;
        assert!(matches!(answer.status, 403 | 404), "{path}: {} {}", answer.status, answer.text());
    }
    // Nor do projects themselves.
    let projects = list(&gateway.admin(), "/v1/projects").await;
    let victims = projects.iter().find(|project| project["slug"] == "victim").expect("it is listed");
    let path = format!("/v1/projects/{}", text(&victims["id"]));
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let answer = thief.http.send(method.clone(), &path, rename.to_string().into()).await;
        assert!(matches!(answer.status, 403 | 404), "{method} {path}: {}", answer.text());
    }
}

/// Speaks to a server without a client in between, and answers all that it said until it hung up or `enough` was said.
async fn say(base: &str, words: impl AsRef<[u8]>) -> String {
    let address = base.trim_start_matches("http://");
    let (mut reading, mut writing) = TcpStream::connect(address).await.expect("the server listens").into_split();
    let speaking = async {
        // It may hang up before it has heard us out.
        _ = writing.write_all(words.as_ref()).await;
        std::future::pending::<()>().await;
    };
    let hearing = async {
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match reading.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => heard.extend_from_slice(&buffer[..count]),
            }
            if heard.windows(4).any(|four| four == b"\r\n\r\n") {
                break;
            }
        }
        String::from_utf8_lossy(&heard).into_owned()
    };
    let conversation = async {
        tokio::select! {
            heard = hearing => heard,
            () = speaking => unreachable!("it speaks for ever"),
        }
    };
    patiently(conversation, || "the server neither answers nor hangs up".to_owned()).await
}

/// Requests that are refused by whoever reads HTTP. Whoever sends them hears why.
async fn header_bombs_are_refused(http: &Http) {
    let before = stored(http).await;
    let head = "GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the-admin-key-of-a-test\r\n";
    let many: String = (0..101).map(|number| format!("x-{number}: y\r\n")).collect();
    let bombs = [
        format!("{head}{many}\r\n"),
        format!("{head}x-long: {}\r\n\r\n", "y".repeat(1 << 20)),
        format!("{head}{}: y\r\n\r\n", "x".repeat(1 << 20)),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(1 << 20)),
        "hello\r\n\r\n".to_owned(),
        "GET /v1/events HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(),
        format!("{head}no colon here\r\n\r\n"),
        format!("{head}x-null: a\0b\r\n\r\n"),
        format!("{head}content-length: -1\r\n\r\n"),
        format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".repeat(10),
    ];
    for bomb in bombs {
        let heard = say(http.base(), &bomb).await;
        let status = heard.split(' ').nth(1).unwrap_or_default();
        let told = ["400", "414", "431", "505"].contains(&status);
        assert!(told, "{:?}… was answered {heard:?}", bomb.chars().take(120).collect::<String>());
    }
    assert_eq!(stored(http).await, before);
}

#[tokio::test]
async fn header_bombs_and_what_is_not_http_are_refused() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    header_bombs_are_refused(&owner(&gateway, &receiver).await).await;
}

const HUGE: usize = 100_000_000;

/// Bodies of 100 MB, in one piece and in chunks. Whoever sends them reads the answer.
async fn huge_bodies_are_refused(http: &Http, key: &str) {
    let before = stored(http).await;
    let huge: Bytes = format!(r#"{{"type": "a", "data": "{}"}}"#, "x".repeat(HUGE)).into();
    for path in ["/v1/events", "/v1/events/batch", "/v1/endpoints"] {
        let problem = http.send(Method::POST, path, huge.clone()).await.expect(413);
        assert_eq!(problem["code"], "payload_too_large", "{path}");
    }
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let heard = say(http.base(), head + &chunk.repeat(HUGE / 0x10000) + "0\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard:?}");
    assert_eq!(stored(http).await, before);
}

#[tokio::test]
async fn a_body_of_100_megabytes_is_refused_and_the_client_reads_so() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let http = owner(&gateway, &receiver).await;
    let made = http.post("/v1/keys", &json!({ "name": "k", "scopes": ["events:write"] })).await.expect(201);
    huge_bodies_are_refused(&http, &text(&made["api_key"])).await;
}

#[tokio::test]
async fn an_event_may_have_a_megabyte_and_not_much_more() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.send("a.large", json!("x".repeat(1_048_576 - 1_000))).await;
    let larger = json!({ "type": "a.larger", "data": "x".repeat(1_100_000) });
    let problem = project.http.post("/v1/events", &larger).await.expect(413);
    assert_eq!(problem["code"], "payload_too_large");
    assert_eq!(project.list("/v1/events").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_all_this_makes_the_program_panic() {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().start().await;
    let mut server = Running::start(&place, &[]).await;
    server.register(json!({ "url": receiver.url() })).await;
    server.http.post("/v1/events", &json!({ "type": "a", "data": {} })).await.expect(202);
    receiver.received(1).await;
    server.settle().await;

    let wrongs = [
        broken_json(),
        invalid_utf8(),
        deep_nesting(),
        duplicate_fields(),
        wrong_events(),
        wrong_endpoints(),
        wrong_projects_and_keys(),
        wrong_queries(),
        wrong_addresses(),
        wrong_content_types(),
        wrong_keys(),
    ];
    for wrong in wrongs.into_iter().flatten() {
        // Whether it is refused as it should be is asked above, one by one.
        let client = wrong.headers.iter().fold(server.http.clone(), |http, (name, value)| http.header(name, value));
        let answer = client.send(wrong.method.clone(), &wrong.path, wrong.body.clone()).await;
        assert!(answer.status < 500, "{} {}: {}", wrong.method, wrong.path, answer.text());
    }
    header_bombs_are_refused(&server.http).await;
    huge_bodies_are_refused(&server.http, crate::running::KEY).await;

    assert_eq!(server.http.get("/healthz").await.status, 200);
    assert_eq!(server.http.get("/readyz").await.status, 200);
    server.process.signal("TERM").await;
    assert_eq!(server.process.ended().await.code(), Some(0));
    let log = server.process.errors();
    for word in ["panic", "ERROR"] {
        assert!(!log.contains(word), "{word} in the log:\n{log}");
    }
}
