//! Tracktile's page on webhooks, statement by statement.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::http::Http;
use testkit::process::Process;
use testkit::receiver::{Received, Receiver};

use super::{forged, is_refused_at, members, only_request, post};
use crate::gateway::{Gateway, Project, text, time};
use crate::peers::python;
use crate::place::Place;
use crate::running::Running;

async fn tracktile(gateway: &Gateway) -> Project<'_> {
    gateway.project_speaking("stock", "tracktile").await
}

/// A hook as the page registers one.
fn hook(url: &str) -> Value {
    json!({ "name": "My Webhook", "url": url, "on": "order.status.changed" })
}

/// The event whose payload the page shows.
fn page_event() -> Value {
    json!({
        "type": "order.status.changed",
        "id": "evt_abc123",
        "occurred_at": "2024-01-15T10:30:00Z",
        "data": {
            "transactionId": "txn_xyz789",
            "orderId": "ord_456",
            "previousOrderStatus": "pending",
            "currentOrderStatus": "confirmed",
        },
    })
}

/// The same happening to another order.
fn another_event() -> Value {
    let data = json!({ "orderId": "ord_457", "previousOrderStatus": "pending", "currentOrderStatus": "confirmed" });
    json!({ "type": "order.status.changed", "data": data })
}

/// Registers a hook and answers its path and what was answered.
async fn register(project: &Project<'_>, hook: &Value) -> (String, Value) {
    let made = project.http.post("/hooks", hook).await.expect(201);
    (format!("/hooks/{}", text(&made["id"])), made)
}

/// A hook of its own for each type, on a receiver that takes everything, and an event of each type with the catalogue's
/// example. Answers what came, by type.
async fn one_of_each(project: &Project<'_>, gateway: &Gateway) -> Vec<(Value, Value, Received)> {
    let mut sent = Vec::new();
    for event_type in project.list("/v1/event-types").await {
        let receiver = Receiver::healthy().start().await;
        let (_, made) = register(project, &json!({ "url": receiver.url(), "on": event_type["name"] })).await;
        let event = json!({ "type": event_type["name"], "data": event_type["example"] });
        assert_eq!(project.send_event(event).await["deliveries"], 1);
        gateway.at_rest().await;
        sent.push((event_type, made, only_request(&receiver)));
    }
    sent
}

/// What a receiver does: HMAC-SHA256 of id, time and raw body under the secret, one of the signatures in the header.
const VERIFIER: &str = r#"
import base64, hashlib, hmac, json, sys
for line in sys.stdin:
    case = json.loads(line)
    key = base64.b64decode(case["secret"].removeprefix("whsec_"), validate=True)
    signed = f"{case['id']}.{case['timestamp']}.".encode() + bytes.fromhex(case["body"])
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    print(json.dumps(any(hmac.compare_digest(expected, given) for given in case["signature"].split(" "))))
"#;

/// Whether Python accepts the signature of each request, under the secret beside it.
async fn verified(cases: &[(&Received, &Value)]) -> Vec<Value> {
    let line = |(request, secret): &(&Received, &Value)| {
        let header = |name: &str| request.header(name).unwrap_or_else(|| panic!("no {name} in {:?}", request.headers));
        json!({
            "secret": secret,
            "id": header("webhook-id"),
            "timestamp": header("webhook-timestamp"),
            "signature": header("webhook-signature"),
            "body": data_encoding::HEXLOWER.encode(&request.body),
        })
    };
    python(VERIFIER, &cases.iter().map(line).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn there_are_23_events() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let names: BTreeSet<String> =
        project.list("/v1/event-types").await.iter().map(|event_type| text(&event_type["name"])).collect();
    assert_eq!(names.len(), 23, "{names:?}");
    assert!(names.contains("order.status.changed"), "{names:?}");

    for other in ["order.status", "order.paid", "customer.created"] {
        let problem = project.http.post("/v1/events", &json!({ "type": other, "data": {} })).await.expect(422);
        is_refused_at(&problem, "unknown_event_type", "/type");
        let problem =
            project.http.post("/hooks", &json!({ "url": "https://example.com/", "on": other })).await.expect(422);
        is_refused_at(&problem, "unknown_event_type", "/on");
    }
}

#[tokio::test]
async fn the_event_catalogue_is_browsed_with_group_description_schema_and_example() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let types = project.list("/v1/event-types").await;
    for event_type in &types {
        for field in ["group", "description"] {
            assert!(!text(&event_type[field]).is_empty(), "{event_type:#}");
        }
        assert!(event_type["schema"].is_object() && event_type["example"].is_object(), "{event_type:#}");
        let path = format!("/v1/event-types/{}", text(&event_type["name"]));
        assert_eq!(&project.http.get(&path).await.expect(200), event_type);
    }
    let groups: BTreeSet<String> = types.iter().map(|event_type| text(&event_type["group"])).collect();
    assert_eq!(groups, ["Inventory", "Orders", "Shipments"].map(str::to_owned).into());
}

#[tokio::test]
async fn updates_of_orders_shipments_and_inventory_arrive_the_moment_they_happen() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    for event_type in ["order.updated", "shipment.status.changed", "inventory.adjusted"] {
        let receiver = Receiver::healthy().start().await;
        register(&project, &json!({ "url": receiver.url(), "on": event_type })).await;
        project.send(event_type, json!({ "transactionId": "txn_1" })).await;
        receiver.received(1).await;
        assert_eq!(only_request(&receiver).json()["kind"], event_type);
    }
}

#[tokio::test]
async fn a_webhook_url_is_registered_and_gets_an_http_post_when_an_event_occurs() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let url = format!("{}?shop=7", receiver.url());
    assert_eq!(register(&project, &hook(&url)).await.1["url"], url);

    project.send_event(page_event()).await;
    gateway.at_rest().await;

    let request = only_request(&receiver);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook?shop=7"));
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_unique_signing_secret_is_generated_for_each_webhook() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let mut secrets = BTreeSet::new();
    for _ in 0..5 {
        secrets.insert(text(&register(&project, &hook("https://example.com/")).await.1["secret"]));
    }
    assert_eq!(secrets.len(), 5);
    for secret in secrets {
        let key = secret.strip_prefix("whsec_").expect("whsec_");
        assert!(data_encoding::BASE64.decode(key.as_bytes()).expect("base64").len() >= 24, "{secret}");
    }
    let own = json!({ "url": "https://example.com/", "on": "order.created", "secret": "whsec_c2VjcmV0" });
    is_refused_at(&project.http.post("/hooks", &own).await.expect(422), "invalid_request", "/secret");
}

#[tokio::test]
async fn the_receiver_verifies_the_signature() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (_, made) = register(&project, &hook(receiver.url())).await;
    let (_, other) = register(&project, &hook("https://example.com/")).await;
    project.send_event(page_event()).await;
    receiver.received(1).await;
    let request = only_request(&receiver);
    let forged = forged(&request, "ord_456", "ord_457");
    let cases = [(&request, &made["secret"]), (&forged, &made["secret"]), (&request, &other["secret"])];
    assert_eq!(verified(&cases).await, [true, false, false]);
}

#[tokio::test]
async fn all_payloads_are_signed_with_hmac_sha256() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let sent = one_of_each(&project, &gateway).await;
    let cases: Vec<(&Received, &Value)> = sent.iter().map(|(_, made, request)| (request, &made["secret"])).collect();
    assert_eq!(verified(&cases).await, vec![json!(true); 23]);

    let receiver = Receiver::replying([500, 204]).start().await;
    let (path, made) = register(&project, &json!({ "url": receiver.url(), "on": "order.created" })).await;
    project.send("order.created", json!({ "orderId": "ord_1" })).await;
    gateway.advance("1m").await;
    post(&project.http, &format!("{path}/test")).await.expect(200);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3, "an attempt, a retry and a test");
    let cases: Vec<(&Received, &Value)> = requests.iter().map(|request| (request, &made["secret"])).collect();
    assert_eq!(verified(&cases).await, [true, true, true]);
}

/// The body of the page's first request, to the letter.
const REGISTRATION: &str =
    r#"{ "name": "My Webhook", "url": "https://your-server.com/webhook", "on": "order.status.changed" }"#;

#[tokio::test]
async fn a_webhook_is_set_up_by_posting_its_name_url_and_type_to_hooks() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let made = project.http.send(Method::POST, "/hooks", REGISTRATION.into()).await.expect(201);
    assert_eq!((&made["name"], &made["url"]), (&json!("My Webhook"), &json!("https://your-server.com/webhook")));
    assert_eq!((&made["on"], &made["status"]), (&json!(["order.status.changed"]), &json!("active")));

    for missing in ["url", "on"] {
        let mut asked = hook("https://your-server.com/webhook");
        asked.as_object_mut().expect("an object").remove(missing);
        let problem = project.http.post("/hooks", &asked).await.expect(422);
        is_refused_at(&problem, "invalid_request", &format!("/{missing}"));
    }
}

#[tokio::test]
async fn a_webhook_receives_what_it_is_on_and_nothing_else() {
    let (one, several) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    register(&project, &hook(one.url())).await;
    let on = json!({ "url": several.url(), "on": ["order.deleted", "inventory.low"] });
    register(&project, &on).await;

    for event in [
        page_event(),
        json!({ "type": "order.deleted", "data": { "orderId": "ord_1" } }),
        json!({ "type": "order.created", "data": { "orderId": "ord_2" } }),
        json!({ "type": "inventory.low", "data": { "itemId": "itm_73" } }),
    ] {
        project.send_event(event).await;
        gateway.at_rest().await;
    }

    let kinds = |receiver: &Receiver| -> Vec<String> {
        receiver.requests().iter().map(|request| text(&request.json()["kind"])).collect()
    };
    assert_eq!(kinds(&one), ["order.status.changed"]);
    assert_eq!(kinds(&several), ["order.deleted", "inventory.low"]);
}

#[tokio::test]
async fn a_request_needs_the_bearer_token_of_the_account() {
    let gateway = Gateway::new().start().await;
    tracktile(&gateway).await;
    for http in [Http::new(gateway.url()), Http::new(gateway.url()).key("api-YOUR_TOKEN_HERE")] {
        let problem = http.post("/hooks", &hook("https://example.com/")).await.expect(401);
        assert_eq!(problem["code"], "unauthorized");
        assert_eq!(http.get("/hooks").await.expect(401)["code"], "unauthorized");
    }
}

#[tokio::test]
async fn the_secret_is_shown_once_in_the_response_to_the_registration() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, made) = register(&project, &hook(receiver.url())).await;
    let secret = text(&made["secret"]);
    project.send_event(page_event()).await;
    gateway.at_rest().await;

    let changed = project.put(&path, &json!({ "name": "Updated Webhook" })).await;
    let test = post(&project.http, &format!("{path}/test")).await;
    let delivery = format!("/v1/deliveries/{}", text(&project.deliveries().await[0]["id"]));
    let endpoint = path.replace("/hooks", "/v1/endpoints");
    let mut answers = vec![changed, test];
    for later in [
        path.as_str(),
        "/hooks",
        &format!("{path}/executions"),
        &endpoint,
        "/v1/endpoints",
        "/v1/deliveries",
        &delivery,
    ] {
        answers.push(project.http.get(later).await);
    }
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!answer.text().contains(&secret), "{}", answer.text());
    }
    assert_eq!(project.http.get(&path).await.expect(200).get("secret"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_set_up_by_the_command_of_the_page() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;
    let asked = json!({ "name": "stock", "slug": "stock", "dialect": "tracktile" });
    let key = text(&server.http.post("/v1/projects", &asked).await.expect(201)["api_key"]);

    // What the page writes behind the program's name, as a shell takes it apart.
    let words = [
        "webhooks",
        "register",
        "--name=My Webhook",
        "--on=order.status.changed",
        "--url=https://your-server.com/webhook",
    ];
    let variables = [("POSTHASTE_SERVER", server.http.base()), ("POSTHASTE_API_KEY", key.as_str())];
    let mut program = Process::start(env!("CARGO_BIN_EXE_posthaste"), &words, &variables);
    assert_eq!(program.ended().await.code(), Some(0), "{}", program.errors());

    let listed = Http::new(server.http.base()).key(&key).get("/hooks").await.expect(200);
    let [made] = listed["data"].as_array().expect("a list").as_slice() else { panic!("not one: {listed:#}") };
    assert_eq!((&made["name"], &made["url"]), (&json!("My Webhook"), &json!("https://your-server.com/webhook")));
    assert_eq!((&made["on"], &made["status"]), (&json!(["order.status.changed"]), &json!("active")));
    let told = program.output();
    assert!(told.contains(&text(&made["id"])) && told.contains("whsec_"), "{told}");
}

#[tokio::test]
async fn webhooks_are_listed() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    assert_eq!(project.http.get("/hooks").await.expect(200), json!({ "data": [] }));
    let mut made = BTreeSet::new();
    for name in ["a", "b", "c"] {
        let asked = json!({ "name": name, "url": format!("https://example.com/{name}"), "on": "order.created" });
        made.insert(text(&register(&project, &asked).await.1["id"]));
    }
    let listed = project.http.get("/hooks").await.expect(200);
    let listed = listed["data"].as_array().expect("a list");
    assert_eq!(listed.len(), 3);
    assert_eq!(listed.iter().map(|hook| text(&hook["id"])).collect::<BTreeSet<_>>(), made);
    for hook in listed {
        assert_eq!(hook["url"], format!("https://example.com/{}", text(&hook["name"])));
        assert_eq!(hook["status"], "active");
    }
}

#[tokio::test]
async fn a_webhook_is_updated_with_put() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, made) = register(&project, &hook("https://your-server.com/webhook")).await;
    // The page's own body.
    let body = r#"{ "name": "Updated Webhook", "status": "paused" }"#;
    let changed = project.http.send(Method::PUT, &path, body.into()).await.expect(200);
    assert_eq!((&changed["name"], &changed["status"]), (&json!("Updated Webhook"), &json!("paused")));
    for kept in ["id", "url", "on"] {
        assert_eq!(changed[kept], made[kept]);
    }
    assert_eq!(project.http.get(&path).await.expect(200), changed);

    let moved = json!({ "url": "https://your-server.com/other", "on": ["inventory.low"] });
    let changed = project.put(&path, &moved).await.expect(200);
    assert_eq!((&changed["url"], &changed["on"]), (&moved["url"], &moved["on"]));
}

#[tokio::test]
async fn a_webhook_is_deleted() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, _) = register(&project, &hook(receiver.url())).await;
    assert_eq!(project.http.delete(&path).await.status, 204);
    assert_eq!(project.http.get(&path).await.expect(404)["code"], "not_found");
    assert_eq!(project.http.get("/hooks").await.expect(200)["data"], json!([]));
    assert_eq!(project.send_event(page_event()).await["deliveries"], 0);
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn a_rotated_secret_is_in_the_response_and_shown_once() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, made) = register(&project, &hook("https://example.com/")).await;
    let rotated = post(&project.http, &format!("{path}/rotate")).await.expect(200);
    let secret = text(&rotated["secret"]);
    assert!(secret.starts_with("whsec_") && json!(secret) != made["secret"], "{secret}");
    for later in [path.as_str(), "/hooks", &path.replace("/hooks", "/v1/endpoints")] {
        let answer = project.http.get(later).await;
        assert!(answer.status == 200 && !answer.text().contains(&secret), "{}", answer.text());
    }
    assert_ne!(post(&project.http, &format!("{path}/rotate")).await.expect(200)["secret"], json!(secret));
}

#[tokio::test]
async fn the_old_secret_is_immediately_invalidated() {
    let receiver = Receiver::replying([500, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, made) = register(&project, &hook(receiver.url())).await;
    project.send_event(page_event()).await;
    gateway.at_rest().await;

    let rotated = post(&project.http, &format!("{path}/rotate")).await.expect(200);
    project.send_event(another_event()).await;
    gateway.at_rest().await;
    gateway.advance("1m").await;

    let requests = receiver.requests();
    let [before, after, retried] = requests.as_slice() else { panic!("not three: {requests:#?}") };
    assert_eq!((&after.json()["orderId"], &retried.json()["orderId"]), (&json!("ord_457"), &json!("ord_456")));
    let (old, new) = (&made["secret"], &rotated["secret"]);
    let cases = [(before, old), (before, new), (after, old), (after, new), (retried, old), (retried, new)];
    assert_eq!(verified(&cases).await, [true, false, false, true, false, true]);
    for request in [after, retried] {
        assert!(!request.header("webhook-signature").expect("it is signed").contains(' '), "one signature");
    }
}

#[tokio::test]
async fn a_payload_is_the_events_id_kind_and_time_beside_the_members_of_its_data() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    register(&project, &hook(receiver.url())).await;
    // The members of data in the page's order, which a `Value` does not keep.
    let event = concat!(
        r#"{"type":"order.status.changed","id":"evt_abc123","occurred_at":"2024-01-15T10:30:00Z","#,
        r#""data":{"transactionId":"txn_xyz789","orderId":"ord_456","previousOrderStatus":"pending","#,
        r#""currentOrderStatus":"confirmed"}}"#
    );
    project.http.send(Method::POST, "/v1/events", event.into()).await.expect(202);
    gateway.at_rest().await;

    let request = only_request(&receiver);
    // The page's payload, with the milliseconds that times of ours have.
    let page = concat!(
        r#"{"id":"evt_abc123","kind":"order.status.changed","time":"2024-01-15T10:30:00.000Z","#,
        r#""transactionId":"txn_xyz789","orderId":"ord_456","previousOrderStatus":"pending","#,
        r#""currentOrderStatus":"confirmed"}"#
    );
    assert_eq!(request.text(), page);
}

#[tokio::test]
async fn the_payload_structure_varies_by_event_type() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let mut structures = BTreeSet::new();
    for (event_type, _, request) in one_of_each(&project, &gateway).await {
        let payload = request.json();
        assert_eq!(payload["kind"], event_type["name"]);
        let mut expected = event_type["example"].clone();
        for field in ["id", "kind", "time"] {
            assert!(expected.get(field).is_none(), "{event_type:#}");
            expected[field] = payload[field].clone();
        }
        assert_eq!(payload, expected);
        structures.insert(members(&payload).join(" "));
    }
    assert!(structures.len() > 10, "{structures:#?}");
}

#[tokio::test]
async fn the_test_endpoint_sends_a_test_event_to_the_webhooks_url() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, _) = register(&project, &hook(receiver.url())).await;
    post(&project.http, &format!("{path}/test")).await.expect(200);

    let request = only_request(&receiver);
    assert_eq!(request.header("posthaste-test"), Some("true"));
    let payload = request.json();
    assert_eq!((&payload["kind"], &payload["orderId"]), (&json!("order.status.changed"), &json!("ord_456")));
    assert_eq!(text(&payload["id"]), request.header("webhook-id").expect("it has one"));
    assert_eq!(time(&payload["time"]), gateway.now());
}

#[tokio::test]
async fn the_test_tells_whether_the_webhook_is_configured_correctly() {
    let receiver = Receiver::replying([204, 404]).start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, _) = register(&project, &hook(receiver.url())).await;
    let path = format!("{path}/test");
    let told = post(&project.http, &path).await.expect(200);
    assert_eq!((&told["status"], &told["statusCode"]), (&json!("delivered"), &json!(204)));
    let told = post(&project.http, &path).await.expect(200);
    assert_eq!((&told["status"], &told["statusCode"]), (&json!("failed"), &json!(404)));
}

#[tokio::test]
async fn an_active_webhook_is_enabled_and_receiving_events() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, made) = register(&project, &hook(receiver.url())).await;
    assert_eq!(made["status"], "active");
    project.send_event(page_event()).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 1);
    assert_eq!(project.http.get(&path).await.expect(200)["status"], "active");
}

#[tokio::test]
async fn a_paused_webhook_is_disabled_and_not_receiving_events() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, _) = register(&project, &hook(receiver.url())).await;
    assert_eq!(project.put(&path, &json!({ "status": "paused" })).await.expect(200)["status"], "paused");
    assert_eq!(project.http.get(&path).await.expect(200)["status"], "paused");
    assert_eq!(project.send_event(page_event()).await["deliveries"], 0);
    gateway.advance("1d").await;
    assert_eq!(receiver.count(), 0);

    assert_eq!(project.put(&path, &json!({ "status": "active" })).await.expect(200)["status"], "active");
    assert_eq!(project.send_event(another_event()).await["deliveries"], 1);
    gateway.at_rest().await;
    assert_eq!(only_request(&receiver).json()["orderId"], "ord_457");
}

#[tokio::test]
async fn active_and_paused_are_the_only_statuses() {
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, _) = register(&project, &hook("https://example.com/")).await;
    for other in [json!("disabled"), json!("Paused"), json!(""), json!(false)] {
        let problem = project.put(&path, &json!({ "status": other })).await.expect(422);
        is_refused_at(&problem, "invalid_request", "/status");
    }
    assert_eq!(project.http.get(&path).await.expect(200)["status"], "active");
}

#[tokio::test]
async fn the_execution_history_has_http_status_codes_and_response_details() {
    let receiver = Receiver::behaving(vec![
        Reply::status(503).body("try later").into(),
        Reply::status(201).body("thank you").into(),
        Behaviour::Reset,
    ]);
    let receiver = receiver.start().await;
    let gateway = Gateway::new().start().await;
    let project = tracktile(&gateway).await;
    let (path, _) = register(&project, &hook(receiver.url())).await;
    let (other, _) = register(&project, &json!({ "url": receiver.url(), "on": "order.created" })).await;
    let executions = format!("{path}/executions");
    assert_eq!(project.http.get(&executions).await.expect(200)["data"], json!([]));

    project.send_event(page_event()).await;
    gateway.advance("1m").await;
    let later = project.send_event(another_event()).await;
    gateway.at_rest().await;

    let history = project.http.get(&executions).await.expect(200);
    let [reset, delivered, refused] = history["data"].as_array().expect("a list").as_slice() else {
        panic!("not three: {history:#}")
    };
    let told = |execution: &Value| {
        ["eventId", "status", "statusCode", "responseBody", "attempt"].map(|field| execution[field].clone())
    };
    let first = json!("evt_abc123");
    assert_eq!(told(refused), [first.clone(), json!("failed"), json!(503), json!("try later"), json!(1)]);
    assert_eq!(told(delivered), [first, json!("delivered"), json!(201), json!("thank you"), json!(2)]);
    assert_eq!(told(reset), [later["id"].clone(), json!("failed"), Value::Null, Value::Null, json!(1)]);
    for execution in [reset, delivered, refused] {
        assert_eq!(execution["kind"], "order.status.changed");
        assert!(execution["durationMs"].is_u64() && time(&execution["time"]) <= gateway.now(), "{execution:#}");
    }
    assert_eq!(project.http.get(&format!("{other}/executions")).await.expect(200)["data"], json!([]), "another's");
}

// Every statement of the page is tested here but "Via the Tracktile App": the screens under Admin > Settings > Webhooks
// come with the pages for people.
