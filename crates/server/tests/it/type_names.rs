//! Event types that are no words between full stops, where a dialect says so: everywhere that a type can be named.

use hyper::Method;
use serde_json::{Value, json};
use testkit::process::Process;
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, Project, faults, text};
use crate::peers::python;

const NAMES: [&str; 4] = ["invoice-paid", "orders/create", "a:b", r#""<&>"?#[x]"#];

/// Each answered with whether `openapi-spec-validator` takes it.
const VALIDATE: &str = "
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
for line in sys.stdin:
    print(json.dumps([str(error) for error in OpenAPIV31SpecValidator(json.loads(line)).iter_errors()]))
";

/// A project whose dialect has `[catalogue]` with this in it.
async fn speaking<'a>(gateway: &'a Gateway, catalogue: &str) -> Project<'a> {
    let project = gateway.project("shop").await;
    speak(gateway, &project, catalogue).await;
    project
}

async fn speak(gateway: &Gateway, project: &Project<'_>, catalogue: &str) {
    let file = format!("name = \"acme\"\n[headers]\nX-Type = \"{{{{event.type}}}}\"\n[catalogue]\n{catalogue}\n");
    let http = project.http.clone().header("content-type", "application/toml");
    let put = http.send(Method::PUT, "/v1/dialects/acme", file.into()).await;
    assert!([200, 201].contains(&put.status), "{}", put.text());
    gateway.admin().patch("/v1/projects/shop", &json!({ "dialect": "acme" })).await.expect(200);
}

/// A type's address.
fn path(name: &str) -> String {
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/v1/event-types/{encoded}")
}

fn names(events: &[Value], member: &str) -> Vec<String> {
    events.iter().map(|event| text(&event[member])).collect()
}

#[tokio::test]
async fn a_type_has_any_name_wherever_it_is_named() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = speaking(&gateway, "open = false\nnames = \"any\"").await;
    for name in NAMES {
        let asked = json!({ "schema": { "type": "object" }, "example": { "test": name } });
        let put = project.put(&path(name), &asked).await.expect(201);
        assert_eq!(put["name"], name);
        assert_eq!(project.http.get(&path(name)).await.expect(200)["name"], name);
    }
    let first = project.http.get("/v1/event-types?limit=2").await.expect(200);
    let rest = project.list(&format!("/v1/event-types?cursor={}", text(&first["next_cursor"]))).await;
    assert_eq!(rest.len(), 2);

    let endpoint = project.register(json!({ "url": receiver.url(), "events": NAMES })).await;
    assert_eq!(endpoint["events"], json!(NAMES));
    for name in NAMES {
        project.send(name, json!({ "n": 1 })).await;
        gateway.at_rest().await;
        let request = receiver.requests().pop().expect("it arrived");
        assert_eq!((request.header("x-type"), &request.json()["type"]), (Some(name), &json!(name)));
        let query: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let events = project.list(&format!("/v1/events?type={query}")).await;
        assert_eq!(names(&events, "type"), [name]);
        let deliveries = project.list(&format!("/v1/deliveries?event_type={query}")).await;
        assert_eq!(names(&deliveries, "event_type"), [name]);
        let asked = json!({ "event_type": name });
        let test = format!("/v1/endpoints/{}/test", text(&endpoint["id"]));
        project.http.post(&test, &asked).await.expect(200);
        assert_eq!(receiver.requests().pop().expect("it arrived").json()["data"], json!({ "test": name }));
        let batch = json!([{ "type": name, "data": {} }, { "type": "a b", "data": {} }]);
        let results = project.http.post("/v1/events/batch", &batch).await.expect(200);
        assert_eq!(results["results"][1]["error"]["code"], "invalid_request", "{results}");
        gateway.at_rest().await;
    }
    let document = project.http.get("/openapi.json").await.expect(200);
    assert_eq!(document["webhooks"].as_object().expect("an object").len(), NAMES.len());
    assert_eq!(python(VALIDATE, &[document]).await, [json!([])]);

    for name in NAMES {
        assert_eq!(project.http.delete(&path(name)).await.status, 204);
    }
}

#[tokio::test]
async fn a_prefix_ends_at_a_full_stop_with_any_names_too() {
    let (all, below) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = speaking(&gateway, "names = \"any\"").await;
    project.register(json!({ "url": all.url() })).await;
    project.register(json!({ "url": below.url(), "events": ["orders/v2.*"] })).await;
    for name in ["orders/v2.create", "orders/create", "orders/v2", "orders/v2/x"] {
        project.send(name, json!({})).await;
    }
    gateway.at_rest().await;
    assert_eq!((all.count(), below.count()), (4, 1));
    assert_eq!(below.requests()[0].header("x-type"), Some("orders/v2.create"));
}

#[tokio::test]
async fn what_no_dialect_can_have_is_refused_with_what_would_be_right() {
    let gateway = Gateway::new().start().await;
    let project = speaking(&gateway, "names = \"any\"").await;
    for name in ["", "a b", "a,b", "a*", "*", "ä", "a\tb", "a\u{0}b", &"a".repeat(129)] {
        let problem = project.http.post("/v1/events", &json!({ "type": name, "data": 1 })).await.expect(422);
        let (pointer, message) = faults(&problem).remove(0);
        assert_eq!((&problem["code"], pointer.as_str()), (&json!("invalid_request"), "/type"), "{name}: {problem}");
        let expected = if name.contains('\0') { "U+0000" } else { "visible ASCII characters" };
        assert!(message.contains(expected), "{message}");
    }
    for pattern in ["a b", "a*", "orders/*", "*.x", ".*", "a,b"] {
        let asked = json!({ "url": "https://example.com/", "events": [pattern] });
        let problem = project.http.post("/v1/endpoints", &asked).await.expect(422);
        assert_eq!(faults(&problem)[0].0, "/events/0", "{pattern}: {problem}");
    }
    let problem = project.http.send(Method::PUT, &path("posthaste.x"), "{}".into()).await.expect(422);
    assert!(problem.to_string().contains("Posthaste's own"), "{problem}");

    // Where names are dotted, as they are unless the dialect says otherwise.
    speak(&gateway, &project, "open = true").await;
    for name in NAMES {
        let problem = project.http.post("/v1/events", &json!({ "type": name, "data": 1 })).await.expect(422);
        assert!(faults(&problem)[0].1.contains("names = \"any\""), "{problem}");
        let asked = json!({ "url": "https://example.com/", "events": [name] });
        let problem = project.http.post("/v1/endpoints", &asked).await.expect(422);
        assert_eq!((&problem["code"], faults(&problem)[0].0.as_str()), (&json!("invalid_request"), "/events/0"));
        project.http.send(Method::PUT, &path(name), "{}".into()).await.expect(422);
    }
}

#[tokio::test]
async fn what_was_sent_is_found_when_the_dialect_has_such_names_no_more_and_endpoints_are_warned_of() {
    let gateway = Gateway::new().start().await;
    let project = speaking(&gateway, "names = \"any\"").await;
    project.put(&path("orders/create"), &json!({})).await.expect(201);
    project.register(json!({ "url": "https://example.com/", "events": ["orders/create"], "active": false })).await;
    project.send("orders/create", json!({})).await;
    let file = "name = \"acme\"\n";
    let http = project.http.clone().header("content-type", "application/toml");
    let put = http.send(Method::PUT, "/v1/dialects/acme", file.into()).await.expect(200);
    assert!(put["warnings"].to_string().contains("no such names as orders/create"), "{put}");
    assert_eq!(project.list("/v1/events?type=orders%2Fcreate").await.len(), 1);
    assert_eq!(project.http.delete(&path("orders/create")).await.status, 204);
}

#[tokio::test]
async fn the_command_line_takes_any_name() {
    let gateway = Gateway::new().start().await;
    let project = speaking(&gateway, "names = \"any\"").await;
    project.put(&path("orders/create"), &json!({ "example": {} })).await.expect(201);
    let asked = json!({ "name": "cli", "scopes": ["admin", "read", "events:write", "endpoints:write"] });
    let key = project.http.post("/v1/keys", &asked).await.expect(201);
    let (key, url) = (text(&key["api_key"]), gateway.url());
    let variables = [("POSTHASTE_SERVER", url.as_str()), ("POSTHASTE_API_KEY", key.as_str())];
    let commands: [(&[&str], &str); 4] = [
        (&["webhooks", "register", "--name", "x", "--on", "orders/create,a:b", "--url", "https://example.com/"], "ep_"),
        (&["events", "send", "orders/create", "--data", "{}"], "evt_"),
        (&["events", "types", "show", "orders/create"], "orders/create"),
        (&["events", "list", "--type", "orders/create"], "orders/create"),
    ];
    for (words, said) in commands {
        let mut process = Process::start(env!("CARGO_BIN_EXE_posthaste"), words, &variables);
        let ended = process.ended().await;
        assert!(
            ended.success() && process.output().contains(said),
            "{words:?}: {} {}",
            process.output(),
            process.errors()
        );
    }
}
