//! Hostile texts in every text field of every route: judged at the door, alike on every database, and told in words of ours.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::gateway::Gateway;

/// What other people's libraries say, which nobody of ours is to read.
const FOREIGN: [&str; 25] = [
    "EOF while",
    "expected value",
    "expected ident",
    "expected `",
    "trailing characters",
    "trailing comma",
    "key must be a string",
    "invalid type:",
    "invalid value:",
    "invalid length",
    "unknown variant",
    "missing field",
    "duplicate field",
    "unknown field",
    "hex escape",
    "control character (",
    "mismatched input",
    "extraneous input",
    "no viable alternative",
    "token recognition",
    "TOML parse error",
    "unclosed",
    "db error",
    "Timeout occurred",
    "while creating a new object",
];

/// Members that are kept as they were written: any JSON is theirs to hold.
const KEPT: [&str; 6] = ["data", "brand", "workflow", "metadata", "schema", "example"];

/// Stands where a hostile text is put, written as it could not be written by a JSON library.
const MARK: &str = "@@hostile@@";

fn requests() -> Vec<(Method, &'static str, Value)> {
    let event = json!({ "type": "a.b", "data": "x", "tenant": "t", "summary": "s", "id": "ev", "occurred_at": "2026-01-01T00:00:00Z",
        "deliver_at": "2026-01-05T10:00:00Z", "expires_at": "2026-01-06T09:00:00Z" });
    let endpoint = json!({ "url": "https://example.com/a", "name": "n", "tenant": "t", "events": ["a.b"], "ordering": "none",
        "filter": "event.data == 1", "provider": "slack", "signing": "hmac-sha256", "template": "{}",
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "headers": { "x-a": "b" },
        "rate_limit": { "requests": 1, "per": "1s" }, "retry": { "schedule": ["1s"] },
        "auth": { "type": "basic", "username": "u", "password": "p" } });
    let dialect = json!({ "title": "T", "headers": { "X-A": "b" }, "endpoints": { "word": "w", "tenant": "t" },
        "event_types": [{ "name": "a.b", "group": "g", "description": "d" }] });
    vec![
        (Method::POST, "/v1/events", event.clone()),
        (Method::POST, "/v1/endpoints", endpoint),
        (Method::POST, "/v1/templates/preview", json!({ "template": "{}", "event": event })),
        (Method::POST, "/v1/keys", json!({ "name": "n", "scopes": ["read"] })),
        (
            Method::PATCH,
            "/v1/projects/hostile",
            json!({ "name": "n", "slug": "hostile", "dialect": "standard",
            "admins": ["a@example.com"], "tenants": "optional", "retention": { "contents": "30d" } }),
        ),
        (Method::PUT, "/v1/event-types/a.b", json!({ "group": "g", "description": "d" })),
        (Method::PUT, "/v1/dialects/own", dialect),
    ]
}

/// Each text of `value` with where it stands, but for those that are kept as they were written.
fn texts(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(pointer),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| texts(item, format!("{pointer}/{at}"), found));
        }
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| !KEPT.contains(&name.as_str())) {
                texts(member, format!("{pointer}/{name}"), found);
            }
        }
        _ => {}
    }
}

fn assert_in_our_words(what: &str, answer: &str) {
    let foreign: Vec<_> = FOREIGN.iter().filter(|phrase| answer.contains(**phrase)).collect();
    assert!(foreign.is_empty(), "{what}: {foreign:?} in {answer}");
}

#[tokio::test]
async fn hostile_texts_in_every_field_are_refused_where_they_stand_and_never_our_fault() {
    let gateway = Gateway::new().start().await;
    let http = gateway.project("hostile").await.http;
    let long = "x".repeat(5_000);
    for (method, path, body) in requests() {
        let mut pointers = Vec::new();
        texts(&body, String::new(), &mut pointers);
        assert!(!pointers.is_empty());
        for pointer in pointers {
            for hostile in ["a\\u0000b", "\\ud800", "\\uffff", "'; DROP TABLE events; --", "\\u202e\\u0007", &long] {
                let mut marked = body.clone();
                *marked.pointer_mut(&pointer).unwrap() = json!(MARK);
                let text = marked.to_string().replace(MARK, hostile);
                let answer = http.send(method.clone(), path, Bytes::from(text)).await;
                let shown: String = hostile.chars().take(20).collect();
                let what = format!("{method} {path} {pointer} {shown}");
                assert!(answer.status < 500, "{what}: {}", answer.text());
                assert_in_our_words(&what, answer.text());
                if hostile.contains("\\u0000") {
                    let problem = answer.expect(422);
                    let at: Vec<_> =
                        problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
                    let written = at
                        .iter()
                        .any(|at| at.as_str().is_some_and(|at| pointer.starts_with(at) || at.starts_with(&pointer)));
                    assert!(written, "{what}: {problem}");
                }
            }
        }
    }
    for path in [
        "events?tenant=%00",
        "events?type=%00",
        "deliveries?tenant=%00",
        "deliveries?event=%00",
        "endpoints?q=%00",
        "endpoints?metadata.x=%00",
        "deliveries?cursor=%00",
        "event-types?group=%00",
        "jobs?cursor=%00",
    ] {
        let answer = http.get(&format!("/v1/{path}")).await;
        assert_eq!(answer.status, 422, "{path}: {}", answer.text());
        assert_in_our_words(path, answer.text());
    }
    for path in
        ["events/%00", "endpoints/%00", "deliveries/%00", "jobs/%00", "keys/%00", "event-types/%00", "dialects/%00"]
    {
        http.get(&format!("/v1/{path}")).await.expect(404);
    }
    // What is kept as it was written may hold anything that is JSON.
    let event = r#"{"type": "a.b", "data": {"\u0000": "a\u0000b", "c": "\ud800"}}"#;
    http.send(Method::POST, "/v1/events", Bytes::from(event)).await.expect(202);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_in_words_of_ours() {
    let gateway = Gateway::new().start().await;
    let http = gateway.project("broken").await.http;
    let bodies = [
        "",
        "{",
        "[",
        "nope",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1} x",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":01}",
        "{\"a\":1e999}",
        "[1,2",
        "null",
        "5",
        "\"text\"",
        "{\"url\":5}",
        "{\"url\":[]}",
        "{\"url\":{}}",
        "{\"name\":true}",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "{\"headers\":5}",
        "{\"scopes\":{}}",
        "{\"retry\":{\"schedule\":5}}",
        "{\"timeout_ms\":1.5}",
        "{\"timeout_ms\":\"1\"}",
        "{\"active\":\"yes\"}",
        "{\"admins\":[5]}",
        "{\"nothing\":1}",
        "{\"events\":[{}]}",
    ];
    for (method, path, _) in requests() {
        for body in bodies {
            let answer = http.send(method.clone(), path, Bytes::from(body)).await;
            assert!(
                (400..500).contains(&answer.status) || answer.status < 300,
                "{method} {path} {body}: {}",
                answer.text()
            );
            assert_in_our_words(&format!("{method} {path} {body}"), answer.text());
        }
    }
    for filter in [
        "event.data ==",
        "event.data >> 1",
        "(",
        "event.type.matches('(')",
        "'a",
        "event.data = 1",
        "9999999999999999999999 == 1",
    ] {
        let body = json!({ "url": "https://example.com/a", "filter": filter });
        let answer = http.post("/v1/endpoints", &body).await;
        assert_eq!(answer.status, 422, "{filter}: {}", answer.text());
        assert_in_our_words(filter, answer.text());
    }
    for url in [
        "https://a:99999/",
        "https://[::g]/",
        "https://1.2.3.400/",
        "https://a b/",
        "https://\u{ad}/",
        "https://xn--a/",
        "http:",
        "/x",
    ] {
        let answer = http.post("/v1/endpoints", &json!({ "url": url })).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.text());
        assert_in_our_words(url, answer.text());
    }
    let toml = http.clone().header("content-type", "application/toml");
    for file in [
        "a b",
        "[",
        "= 1",
        "title =",
        "title = 5",
        "[retry]\njitter = 'x'",
        "[limits]\ntimeout = 5",
        "[signatures]\nx = 1",
        "[[signatures]]\nalgorithm = 'md5'",
        "[endpoints]\nsecret = 'maybe'",
        "[disable]\non_status = ['a', 99999]",
        "headers = 5",
        "title = 'a'\ntitle = 'b'",
        "[[event_types]]\nname = 'a'\nschema = '{'\nexample = 'x'",
        "[body]\ntemplate = '{\"a\": }'",
    ] {
        let answer = toml.send(Method::PUT, "/v1/dialects/own", Bytes::from(file)).await;
        assert_eq!(answer.status, 422, "{file}: {}", answer.text());
        assert_in_our_words(file, answer.text());
    }
    for (media, body) in [("", "{}"), ("text/plain", "{}"), ("application/x-www-form-urlencoded", "a=b")] {
        let answer =
            http.clone().header("content-type", media).send(Method::POST, "/v1/events", Bytes::from(body)).await;
        assert_eq!(answer.status, 415);
        assert!(!answer.text().contains("is ;"), "{}", answer.text());
    }
    let with_mark = "\u{feff}{\"type\":\"a.b\",\"data\":1}";
    http.send(Method::POST, "/v1/events", Bytes::from(with_mark)).await.expect(202);
    for media in ["application/x-ndjson", "application/ndjson", "application/jsonl"] {
        let lines = http.clone().header("content-type", media);
        lines.send(Method::POST, "/v1/events/batch", Bytes::from(with_mark)).await.expect(200);
    }
    let spaced = http.get("/v1/events?since=2026-01-01T00:00:00+02:00").await.expect(422);
    assert!(spaced.to_string().contains("%2B"), "{spaced}");
}
