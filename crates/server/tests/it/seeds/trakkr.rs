//! Trakkr's page on webhooks, statement by statement.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::certificate::Identity;
use testkit::receiver::{Nobody, Received, Receiver};

use super::{is_refused_at, members, only_request, post};
use crate::gateway::{Gateway, Project, span, text, time};
use crate::peers::{adaptive_card_schema, python};

const BRAND: &str = "5f0c7a52-6f0e-4a52-9d4e-0d7b8a1c2e3f";
const OTHER_BRAND: &str = "0b9d1f6a-31c8-4a3f-8a57-6f2f0a4f7d10";
const SIGNATURE: &str = "x-trakkr-signature";
const SECRET: &str = "only-we-and-trakkr-know";

/// The page's table.
const TYPES: [(&str, &str); 5] = [
    ("visibility_changed", "Visibility score increased or decreased significantly"),
    ("report_completed", "A new research report has been generated"),
    ("competitor_added", "A new competitor was detected or added"),
    ("citation_gained", "Brand gained a new citation source"),
    ("citation_lost", "Brand lost a citation source"),
];

async fn trakkr(gateway: &Gateway) -> Project<'_> {
    gateway.project_speaking("visibility", "trakkr").await
}

/// A webhook with only what is required.
fn webhook(url: &str) -> Value {
    json!({ "url": url, "events": ["visibility_changed"], "brand_id": BRAND })
}

/// The same with these fields besides, or in the place of its own.
fn webhook_with(url: &str, fields: Value) -> Value {
    with(webhook(url), fields)
}

fn with(mut object: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("not an object: {fields}") };
    object.as_object_mut().expect("an object").extend(fields);
    object
}

fn without(mut object: Value, field: &str) -> Value {
    object.as_object_mut().expect("an object").remove(field).expect("it was there");
    object
}

fn brand() -> Value {
    json!({ "id": BRAND, "name": "Ümläut & Söhne", "website": "https://umlaeut.example" })
}

/// Something that happened to the brand.
fn happening(event_type: &str) -> Value {
    json!({
        "type": event_type,
        "data": { "current_score": 72.5, "change_percent": 13.3 },
        "brand": brand(),
        "workflow": { "id": "wf_1", "name": "Weekly check" },
        "summary": "Visibility rose to 72.5",
    })
}

async fn create(project: &Project<'_>, webhook: &Value) -> Value {
    project.http.post("/webhooks", webhook).await.expect(201)
}

async fn refused(project: &Project<'_>, webhook: &Value, code: &str, pointer: &str) {
    let problem = project.http.post("/webhooks", webhook).await.expect(422);
    is_refused_at(&problem, code, pointer);
}

/// The request that a webhook with these fields gets of one event.
async fn request_with(fields: Value) -> Received {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook_with(receiver.url(), fields)).await;
    project.send_event(happening("visibility_changed")).await;
    gateway.at_rest().await;
    only_request(&receiver)
}

#[tokio::test]
async fn an_event_is_pushed_as_an_http_request_the_moment_it_happens() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(&format!("{}?from=trakkr", receiver.url()))).await;

    project.send_event(happening("visibility_changed")).await;
    receiver.received(1).await;

    let request = only_request(&receiver);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook?from=trakkr"));
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn any_https_endpoint_is_served() {
    let receiver = Receiver::healthy().tls(Identity::valid_for(["alerts.example"])).start().await;
    let gateway = Gateway::new().resolving_here().trusting(receiver.ca_pem()).start().await;
    let project = trakkr(&gateway).await;
    let made = create(&project, &webhook(&receiver.url_as("alerts.example"))).await;
    assert_eq!(made["provider"], "webhook");

    project.send_event(happening("visibility_changed")).await;
    gateway.at_rest().await;

    assert_eq!(only_request(&receiver).json()["event"]["type"], "visibility_changed");
}

#[tokio::test]
async fn the_event_types_are_these_five() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let listed = project.list("/v1/event-types").await;
    let listed: Vec<(String, String)> =
        listed.iter().map(|one| (text(&one["name"]), text(&one["description"]))).collect();
    assert_eq!(listed, TYPES.map(|(name, description)| (name.to_owned(), description.to_owned())));

    for other in ["visibility_change", "visibility.changed", "citation", "Citation_lost"] {
        refused(
            &project,
            &webhook_with("https://example.com/", json!({ "events": ["citation_lost", other] })),
            "unknown_event_type",
            "/events/1",
        )
        .await;
        let problem = project.http.post("/v1/events", &happening(other)).await.expect(422);
        is_refused_at(&problem, "unknown_event_type", "/type");
    }
}

#[tokio::test]
async fn a_webhook_subscribes_to_one_or_more_event_types() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let names = TYPES.map(|(name, _)| name);
    let mut receivers = Vec::new();
    for wanted in [&names[..1], &names[1..2], &names[2..3], &names[3..4], &names[4..], &names[1..4], &names[..]] {
        let receiver = Receiver::healthy().start().await;
        let made = create(&project, &webhook_with(receiver.url(), json!({ "events": wanted }))).await;
        assert_eq!(made["events"], json!(wanted));
        receivers.push((receiver, wanted));
    }

    for name in names {
        project.send_event(happening(name)).await;
        gateway.at_rest().await;
    }

    for (receiver, wanted) in receivers {
        let received: Vec<String> =
            receiver.requests().iter().map(|request| text(&request.json()["event"]["type"])).collect();
        assert_eq!(received, wanted);
    }
}

#[tokio::test]
async fn the_url_of_a_webhook_is_required() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let without = without(webhook("https://example.com/"), "url");
    refused(&project, &without, "invalid_request", "/url").await;
    refused(&project, &webhook("what is no URL"), "url_not_allowed", "/url").await;
}

#[tokio::test]
async fn the_url_of_a_webhook_must_be_https_in_production() {
    let production = Gateway::new().configured(|config| config.network.policy = Default::default()).start().await;
    let project = trakkr(&production).await;
    refused(&project, &webhook("http://example.com/hook"), "url_not_allowed", "/url").await;
    assert_eq!(project.http.get("/webhooks").await.expect(200)["data"], json!([]));
    create(&project, &webhook("https://example.com/hook")).await;

    let development = Gateway::new().start().await;
    create(&trakkr(&development).await, &webhook("http://example.com/hook")).await;
}

#[tokio::test]
async fn the_events_of_a_webhook_are_required_and_an_array() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let asked = without(webhook("https://example.com/"), "events");
    refused(&project, &asked, "invalid_request", "/events").await;
    for events in [json!([]), json!(null), json!("visibility_changed"), json!({ "0": "visibility_changed" })] {
        let asked = webhook_with("https://example.com/", json!({ "events": events }));
        refused(&project, &asked, "invalid_request", "/events").await;
    }
}

#[tokio::test]
async fn the_brand_id_of_a_webhook_is_required() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let asked = without(webhook("https://example.com/"), "brand_id");
    refused(&project, &asked, "invalid_request", "/brand_id").await;
    let asked = webhook_with("https://example.com/", json!({ "brand_id": null }));
    refused(&project, &asked, "invalid_request", "/brand_id").await;
}

#[tokio::test]
async fn a_webhook_receives_the_events_of_its_brand_and_of_no_other() {
    let (ours, theirs) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(ours.url())).await;
    create(&project, &webhook_with(theirs.url(), json!({ "brand_id": OTHER_BRAND }))).await;

    let sent = project.send_event(happening("visibility_changed")).await;
    gateway.at_rest().await;
    assert_eq!(sent["deliveries"], 1);
    assert_eq!((only_request(&ours).json()["brand"]["id"].clone(), theirs.count()), (json!(BRAND), 0));

    let other = with(happening("visibility_changed"), json!({ "brand": { "id": OTHER_BRAND } }));
    assert_eq!(project.send_event(other).await["deliveries"], 1);
    let unknown = with(happening("visibility_changed"), json!({ "brand": { "id": "nobody" } }));
    assert_eq!(project.send_event(unknown).await["deliveries"], 0);
    let nobodys = without(happening("visibility_changed"), "brand");
    assert_eq!(project.send_event(nobodys).await["deliveries"], 0);
    gateway.at_rest().await;
    assert_eq!((ours.count(), only_request(&theirs).json()["brand"]["id"].clone()), (1, json!(OTHER_BRAND)));
}

#[tokio::test]
async fn auth_type_is_none_bearer_basic_or_api_key() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    for fields in [
        json!({ "auth_type": "none" }),
        json!({ "auth_type": "bearer", "auth_token": "t0ken" }),
        json!({ "auth_type": "basic", "auth_username": "u", "auth_password": "p" }),
        json!({ "auth_type": "api_key", "api_key_header": "X-Key", "api_key_value": "v" }),
    ] {
        create(&project, &webhook_with("https://example.com/", fields)).await;
    }
    for other in [json!("digest"), json!("Bearer"), json!(""), json!(1)] {
        let asked = webhook_with("https://example.com/", json!({ "auth_type": other }));
        refused(&project, &asked, "invalid_request", "/auth_type").await;
    }
}

#[tokio::test]
async fn auth_type_is_none_by_default() {
    for fields in [json!({}), json!({ "auth_type": "none" })] {
        assert_eq!(request_with(fields).await.header("authorization"), None);
    }
}

#[tokio::test]
async fn custom_headers_are_included_in_webhook_requests() {
    let request = request_with(json!({ "headers": { "X-Environment": "live", "X-Team": "growth, seo" } })).await;
    assert_eq!((request.header("x-environment"), request.header("x-team")), (Some("live"), Some("growth, seo")));
    assert_eq!(request.header("content-type"), Some("application/json"));
}

/// A webhook with an id of its own, as creating, retrieving and listing show it.
async fn shown_everywhere(project: &Project<'_>, asked: &Value) -> [Value; 3] {
    let created = create(project, asked).await;
    let id = text(&created["id"]);
    let retrieved = project.http.get(&format!("/webhooks/{id}")).await.expect(200);
    let listed = project.http.get("/webhooks").await.expect(200);
    let listed = listed["data"].as_array().expect("a list").iter().find(|one| one["id"] == id);
    [created, retrieved, listed.expect("it is listed").clone()]
}

#[tokio::test]
async fn a_webhook_has_a_unique_id() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let asked = webhook("https://example.com/");
    let (one, two) = (create(&project, &asked).await, create(&project, &asked).await);
    assert_ne!(text(&one["id"]), text(&two["id"]));
    for made in [one, two] {
        let shown = project.http.get(&format!("/webhooks/{}", text(&made["id"]))).await.expect(200);
        assert_eq!(shown["id"], made["id"]);
    }
}

#[tokio::test]
async fn the_object_of_a_webhook_is_always_webhook() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    for url in ["https://example.com/", "https://hooks.slack.com/services/T0/B0/x"] {
        for shown in shown_everywhere(&project, &webhook(url)).await {
            assert_eq!(shown["object"], "webhook");
        }
    }
}

#[tokio::test]
async fn a_webhook_shows_its_url_events_and_brand_id() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let asked = webhook_with("https://example.com/a?b=c", json!({ "events": ["citation_lost", "citation_gained"] }));
    for shown in shown_everywhere(&project, &asked).await {
        for field in ["url", "events", "brand_id"] {
            assert_eq!(shown[field], asked[field], "{field} of {shown:#}");
        }
    }
}

#[tokio::test]
async fn the_provider_of_a_webhook_is_detected() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    for (url, provider) in [
        ("https://example.com/hook", "webhook"),
        ("https://slack.com/hook", "webhook"),
        ("https://hooks.zapier.com/hooks/catch/123456/abcdef/", "zapier"),
        ("https://hook.eu1.make.com/abcdefghijklmnopqrstuvwxyz", "make"),
        ("https://hook.integromat.com/abcdefghijklmnopqrstuvwxyz", "make"),
        ("https://discord.com/api/webhooks/123456/abcdef", "discord"),
        ("https://discordapp.com/api/webhooks/123456/abcdef", "discord"),
        ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX", "slack"),
        ("https://acme.webhook.office.com/webhookb2/1/IncomingWebhook/2/3", "teams_webhook"),
        ("https://prod-7.westeurope.logic.azure.com/workflows/1/triggers/manual/paths/invoke?sig=x", "teams_webhook"),
    ] {
        for shown in shown_everywhere(&project, &webhook(url)).await {
            assert_eq!(shown["provider"], provider, "{url}");
        }
    }
}

#[tokio::test]
async fn active_tells_whether_a_webhook_is_currently_active() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let [created, retrieved, listed] = shown_everywhere(&project, &webhook(receiver.url())).await;
    assert_eq!([&created["active"], &retrieved["active"], &listed["active"]], [&json!(true); 3]);

    project.ask(&created, "pause").await;
    let path = format!("/webhooks/{}", text(&created["id"]));
    assert_eq!(project.http.get(&path).await.expect(200)["active"], false);
    assert_eq!(project.http.get("/webhooks").await.expect(200)["data"][0]["active"], false);
    project.send_event(happening("visibility_changed")).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 0);

    project.ask(&created, "resume").await;
    assert_eq!(project.http.get(&path).await.expect(200)["active"], true);
}

#[tokio::test]
async fn the_signing_secret_of_a_webhook_is_the_one_given_or_null() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let bare = shown_everywhere(&project, &webhook("https://example.com/")).await;
    assert!(bare.iter().all(|shown| shown.get("signing_secret") == Some(&Value::Null)), "{bare:#?}");

    let asked = webhook_with("https://example.com/", json!({ "signing_secret": SECRET }));
    let [created, later @ ..] = shown_everywhere(&project, &asked).await;
    assert_eq!(created["signing_secret"], SECRET);
    for shown in later {
        assert_eq!(shown["signing_secret"], "••••know");
    }
}

#[tokio::test]
async fn created_at_is_an_iso_8601_timestamp_of_the_creation() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    for shown in shown_everywhere(&project, &webhook("https://example.com/")).await {
        assert_eq!(shown["created_at"], "2026-01-05T09:00:00.000Z");
    }
    gateway.advance("1h").await;
    assert_eq!(create(&project, &webhook("https://example.com/")).await["created_at"], "2026-01-05T10:00:00.000Z");
}

#[tokio::test]
async fn payloads_have_the_same_structure_for_all_event_types() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let names = TYPES.map(|(name, _)| name);
    create(&project, &webhook_with(receiver.url(), json!({ "events": names }))).await;
    for name in names {
        project.send_event(happening(name)).await;
        gateway.at_rest().await;
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 5);
    for (request, name) in requests.iter().zip(names) {
        let payload = request.json();
        assert_eq!(members(&payload), ["brand", "event", "meta", "summary", "workflow"]);
        assert_eq!(members(&payload["event"]), ["data", "timestamp", "type"]);
        assert_eq!(members(&payload["meta"]), ["event_id", "source", "version"]);
        assert_eq!(payload["event"]["type"], name);
    }
}

#[tokio::test]
async fn event_has_the_type_the_timestamp_and_the_data() {
    let event = request_with(json!({})).await.json()["event"].clone();
    let expected = json!({
        "type": "visibility_changed",
        "timestamp": "2026-01-05T09:00:00.000Z",
        "data": { "current_score": 72.5, "change_percent": 13.3 },
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn brand_has_id_name_and_website() {
    assert_eq!(request_with(json!({})).await.json()["brand"], brand());
}

#[tokio::test]
async fn workflow_is_what_triggered_the_event_or_null() {
    assert_eq!(request_with(json!({})).await.json()["workflow"], json!({ "id": "wf_1", "name": "Weekly check" }));

    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(receiver.url())).await;
    project.send_event(without(happening("visibility_changed"), "workflow")).await;
    gateway.at_rest().await;
    assert_eq!(only_request(&receiver).json().get("workflow"), Some(&Value::Null));
}

#[tokio::test]
async fn summary_is_a_string_that_people_can_read() {
    assert_eq!(request_with(json!({})).await.json()["summary"], "Visibility rose to 72.5");
}

#[tokio::test]
async fn summary_is_a_string_that_people_can_read_also_when_the_sender_gives_none() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(receiver.url())).await;
    project.send_event(without(happening("visibility_changed"), "summary")).await;
    gateway.at_rest().await;
    let summary = only_request(&receiver).json()["summary"].clone();
    assert_eq!(summary, "Visibility score increased or decreased significantly");
}

#[tokio::test]
async fn meta_has_the_source_the_version_and_the_event_id() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(receiver.url())).await;
    let sent = project.send_event(happening("visibility_changed")).await;
    gateway.at_rest().await;
    let meta = only_request(&receiver).json()["meta"].clone();
    assert_eq!(meta, json!({ "source": "trakkr", "version": "1.0", "event_id": sent["id"] }));
}

#[tokio::test]
async fn the_event_id_is_the_same_when_a_webhook_is_retried_and_different_for_each_event() {
    let receiver = Receiver::replying([500, 502, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(receiver.url())).await;
    let first = project.send_event(happening("visibility_changed")).await;
    gateway.advance("1m").await;
    let second = project.send_event(happening("visibility_changed")).await;
    gateway.at_rest().await;
    let ids: Vec<Value> =
        receiver.requests().iter().map(|request| request.json()["meta"]["event_id"].clone()).collect();
    assert_eq!(ids, [&first["id"], &first["id"], &first["id"], &second["id"]].map(Clone::clone));
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn a_payload_is_customised_with_variables_in_double_curly_braces() {
    // The page's own template.
    let template = json!({
        "text": "Alert: {{brand.name}} visibility changed!",
        "score": "{{event.data.current_score}}",
        "change": "{{event.data.change_percent}}%",
    });
    let request = request_with(json!({ "template": template })).await;
    let expected = json!({ "text": "Alert: Ümläut & Söhne visibility changed!", "score": "72.5", "change": "13.3%" });
    assert_eq!(request.json(), expected);
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn the_available_variables_are_these() {
    let template = json!({
        "brand": ["{{brand.id}}", "{{brand.name}}", "{{brand.website}}"],
        "event": ["{{event.type}}", "{{event.data.current_score}}", "{{event.data.change_percent}}"],
        "summary": "{{summary}}",
        "workflow": "{{workflow.name}}",
        "timestamp": "{{timestamp}}",
    });
    let sent = request_with(json!({ "template": template })).await.json();
    let expected = json!({
        "brand": [BRAND, "Ümläut & Söhne", "https://umlaeut.example"],
        "event": ["visibility_changed", "72.5", "13.3"],
        "summary": "Visibility rose to 72.5",
        "workflow": "Weekly check",
        // Of the attempt, as every time in a body is written.
        "timestamp": "2026-01-05T09:00:00.000Z",
    });
    assert_eq!(sent, expected);

    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let other = webhook_with("https://example.com/", json!({ "template": { "text": "{{customer.name}}" } }));
    refused(&project, &other, "template_invalid", "/template").await;
}

#[tokio::test]
async fn a_bearer_token_is_sent_in_the_authorization_header() {
    let request = request_with(json!({ "auth_type": "bearer", "auth_token": "t0ken" })).await;
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
}

#[tokio::test]
async fn basic_auth_is_sent_with_its_username_and_password() {
    // RFC 7617's own example.
    let fields = json!({ "auth_type": "basic", "auth_username": "Aladdin", "auth_password": "open sesame" });
    let request = request_with(fields).await;
    assert_eq!(request.header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

#[tokio::test]
async fn an_api_key_is_sent_in_its_own_header() {
    let fields = json!({ "auth_type": "api_key", "api_key_header": "X-Own-Key", "api_key_value": "v4lue" });
    let request = request_with(fields).await;
    assert_eq!((request.header("x-own-key"), request.header("authorization")), (Some("v4lue"), None));
}

#[tokio::test]
async fn each_kind_of_authentication_needs_its_own_fields() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    for (fields, pointer) in [
        (json!({ "auth_type": "bearer" }), "/auth_token"),
        (json!({ "auth_type": "basic", "auth_password": "p" }), "/auth_username"),
        (json!({ "auth_type": "basic", "auth_username": "u" }), "/auth_password"),
        (json!({ "auth_type": "api_key", "api_key_value": "v" }), "/api_key_header"),
        (json!({ "auth_type": "api_key", "api_key_header": "X-Key" }), "/api_key_value"),
    ] {
        refused(&project, &webhook_with("https://example.com/", fields), "invalid_request", pointer).await;
    }
}

/// The page's verification example as it stands; its indentation, which the page has lost, is ours.
const VERIFICATION_EXAMPLE: &str = r#"import hmac
import hashlib
def verify_signature(payload: bytes, signature: str, secret: str) -> bool:
    expected = hmac.new(
        secret.encode(),
        payload,
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(f"sha256={expected}", signature)"#;

/// Hands each line to the example.
const DESK: &str = r#"
import json, sys
for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(verify_signature(bytes.fromhex(case["payload"]), case["signature"], case["secret"])))
"#;

/// What the page's example says of each payload with its signature, under each secret.
async fn verify_signature<'a>(cases: impl IntoIterator<Item = (&'a [u8], &'a str, &'a str)>) -> Vec<Value> {
    let line = |(payload, signature, secret): (&[u8], &str, &str)| json!({ "payload": HEXLOWER.encode(payload), "signature": signature, "secret": secret });
    let lines: Vec<Value> = cases.into_iter().map(line).collect();
    python(&format!("{VERIFICATION_EXAMPLE}\n{DESK}"), &lines).await
}

/// Whether the page's example accepts a request as it came.
async fn is_verified(request: &Received, secret: &str) -> bool {
    let signature = request.header(SIGNATURE).unwrap_or_else(|| panic!("no {SIGNATURE} in {:?}", request.headers));
    verify_signature([(&request.body[..], signature, secret)]).await == [true]
}

#[tokio::test]
async fn the_verification_example_in_python_accepts_our_requests_as_they_are_and_nothing_else() {
    for secret in [SECRET, "geheim, mit Ümlauten ✓"] {
        let request = request_with(json!({ "signing_secret": secret })).await;
        let (payload, signature) = (&request.body[..], request.header(SIGNATURE).expect("it is signed"));
        assert!(payload.len() > 300 && !payload.is_ascii(), "{}", request.text());
        assert_eq!(verify_signature([(payload, signature, secret)]).await, [true]);

        let changed = (0..payload.len()).map(|at| {
            let mut changed = payload.to_vec();
            changed[at] ^= 1;
            changed
        });
        let changed: Vec<Vec<u8>> = changed.chain([payload[1..].to_vec(), [payload, b"\n"].concat()]).collect();
        let answers = verify_signature(changed.iter().map(|payload| (&payload[..], signature, secret))).await;
        assert_eq!(answers, vec![json!(false); payload.len() + 2]);

        let other = signature.replace("sha256=", "sha1=");
        let wrong = [(payload, other.as_str(), secret), (payload, signature, "another-secret-of-somebody")];
        assert_eq!(verify_signature(wrong).await, [false, false]);
    }
}

#[tokio::test]
async fn the_signature_is_sha256_and_hexadecimal_digits() {
    let request = request_with(json!({ "signing_secret": SECRET })).await;
    let signatures: Vec<&str> =
        request.headers.iter().filter(|(name, _)| name == SIGNATURE).map(|(_, value)| value.as_str()).collect();
    let [signature] = signatures[..] else { panic!("not one signature: {signatures:?}") };
    let digits = signature.strip_prefix("sha256=").expect("sha256=");
    assert_eq!(HEXLOWER.decode(digits.as_bytes()).expect("lower-case hexadecimal digits").len(), 32);
}

#[tokio::test]
async fn with_a_signing_secret_every_request_includes_a_signature() {
    let receiver = Receiver::replying([503, 500, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let asked = webhook_with(receiver.url(), json!({ "signing_secret": SECRET }));
    let made = create(&project, &asked).await;
    let custom =
        json!({ "signing_secret": SECRET, "template": { "text": "{{summary}}" }, "events": ["citation_lost"] });
    create(&project, &webhook_with(receiver.url(), custom)).await;
    let chat = json!({
        "url": receiver.url(), "events": ["citation_gained"], "tenant": BRAND, "secret": SECRET, "provider": "slack",
    });
    project.register(chat).await;

    project.send_event(happening("visibility_changed")).await;
    gateway.advance("1m").await;
    project.send_event(happening("citation_lost")).await;
    project.send_event(happening("citation_gained")).await;
    gateway.advance("1m").await;
    post(&project.http, &format!("/webhooks/{}/test", text(&made["id"]))).await.expect(200);

    let requests = receiver.requests();
    assert_eq!(requests.len(), 6, "three attempts, a templated payload, a card and a test");
    for request in requests {
        assert!(is_verified(&request, SECRET).await, "{request:?}");
    }
}

#[tokio::test]
async fn without_a_signing_secret_no_request_includes_a_signature() {
    let request = request_with(json!({})).await;
    assert!(request.headers.iter().all(|(name, _)| !name.contains("signature")), "{:?}", request.headers);
}

/// What becomes of an event when its receiver behaves so.
async fn outcome(behaviours: Vec<Behaviour>) -> (Receiver, Value) {
    let receiver = Receiver::behaving(behaviours).start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(receiver.url())).await;
    project.send_event(happening("visibility_changed")).await;
    gateway.advance("30d").await;
    let delivery = project.only_delivery().await;
    (receiver, delivery)
}

/// How long it was from each attempt to the next.
fn waits(delivery: &Value) -> Vec<Duration> {
    let attempts = delivery["attempts"].as_array().expect("a list");
    let starts: Vec<_> = attempts.iter().map(|attempt| time(&attempt["started_at"])).collect();
    starts.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

#[tokio::test]
async fn there_are_3_retries_with_delays_of_1s_2s_and_4s() {
    let (receiver, delivery) = outcome(vec![Behaviour::Status(500)]).await;
    assert_eq!(waits(&delivery), ["1s", "2s", "4s"].map(span), "exactly");
    assert_eq!((receiver.count(), &delivery["status"]), (4, &json!("failed")));
}

#[tokio::test]
async fn a_retry_that_succeeds_is_the_last() {
    let (receiver, delivery) = outcome([500, 500, 200].map(Behaviour::Status).to_vec()).await;
    assert_eq!(waits(&delivery), ["1s", "2s"].map(span));
    assert_eq!((receiver.count(), &delivery["status"]), (3, &json!("delivered")));
}

#[tokio::test]
async fn every_5xx_error_triggers_retries() {
    for status in [500, 501, 502, 503, 504, 507, 520, 599] {
        let (receiver, delivery) = outcome(vec![Behaviour::Status(status)]).await;
        assert_eq!(waits(&delivery), ["1s", "2s", "4s"].map(span), "{status}");
        assert_eq!(receiver.statuses(), [status; 4]);
    }
}

#[tokio::test]
async fn a_5xx_error_does_not_choose_its_delay() {
    let busy = Reply::status(503).header("retry-after", "120");
    let (_, delivery) = outcome(vec![busy.into(), Behaviour::Status(204)]).await;
    assert_eq!(waits(&delivery), [span("1s")]);
}

#[tokio::test]
async fn timeouts_trigger_retries() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(receiver.url())).await;
    project.send_event(happening("visibility_changed")).await;
    for (attempt, wait) in [(1, Some("1s")), (2, Some("2s")), (3, Some("4s")), (4, None)] {
        receiver.received(attempt).await;
        gateway.lose_patience("10s").await;
        let last = project.only_delivery().await["attempts"][attempt - 1].clone();
        assert_eq!(last["error"]["kind"], "timeout");
        match wait {
            Some(wait) => {
                assert_eq!(time(&last["next_attempt_at"]), gateway.now() + span(wait));
                gateway.env.advance(span(wait));
            }
            None => assert_eq!(last["next_attempt_at"], Value::Null),
        }
    }
    gateway.advance("29d").await;
    assert_eq!((receiver.count(), &project.only_delivery().await["status"]), (4, &json!("failed")));
}

#[tokio::test]
async fn a_receiver_that_cannot_be_reached_is_tried_again_as_after_a_timeout() {
    let nobody = Nobody::refusing();
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook(&nobody.url())).await;
    project.send_event(happening("visibility_changed")).await;
    gateway.advance("30d").await;
    let delivery = project.only_delivery().await;
    assert_eq!(waits(&delivery), ["1s", "2s", "4s"].map(span));
    assert_eq!(delivery["attempts"][3]["error"]["kind"], "connect");
}

#[tokio::test]
async fn a_429_respects_the_retry_after_header() {
    for (retry_after, wait) in
        [("7", "7s"), ("1", "1s"), ("90", "90s"), ("10800", "3h"), ("Mon, 05 Jan 2026 09:02:00 GMT", "2m")]
    {
        let limited = Reply::status(429).header("Retry-After", retry_after);
        let (receiver, delivery) = outcome(vec![limited.into(), Behaviour::Status(204)]).await;
        assert_eq!(waits(&delivery), [span(wait)], "{retry_after}");
        assert_eq!(receiver.statuses(), [429, 204]);
    }
}

#[tokio::test]
async fn a_429_is_retried_3_times_as_well() {
    let limited: Behaviour = Reply::status(429).header("Retry-After", "30").into();
    let (receiver, delivery) = outcome(vec![limited]).await;
    assert_eq!(waits(&delivery), ["30s"; 3].map(span));
    assert_eq!((receiver.count(), &delivery["status"]), (4, &json!("failed")));
    let (_, delivery) = outcome(vec![Behaviour::Status(429)]).await;
    assert_eq!(waits(&delivery), ["1s", "2s", "4s"].map(span), "it names no moment");
}

#[tokio::test]
async fn nothing_else_triggers_retries() {
    for status in [301, 302, 400, 401, 403, 404, 408, 409, 410, 422] {
        let (receiver, delivery) = outcome(vec![Behaviour::Status(status)]).await;
        assert_eq!((receiver.statuses(), &delivery["status"]), (vec![status], &json!("failed")), "{status}");
    }
    for status in [200, 201, 202, 204] {
        let (receiver, delivery) = outcome(vec![Behaviour::Status(status)]).await;
        assert_eq!((receiver.statuses(), &delivery["status"]), (vec![status], &json!("delivered")), "{status}");
    }
}

/// What an endpoint of that provider gets of one event.
async fn sent_to(provider: &str) -> Value {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let endpoint =
        json!({ "url": receiver.url(), "events": ["visibility_changed"], "tenant": BRAND, "provider": provider });
    let made = project.register(endpoint).await;
    assert_eq!(made["provider"], provider);
    let event = with(happening("visibility_changed"), json!({ "id": "evt_1" }));
    project.send_event(event).await;
    gateway.at_rest().await;
    only_request(&receiver).json()
}

#[tokio::test]
async fn discord_gets_an_embed_with_title_description_fields_and_trakkr_green() {
    let message = sent_to("discord").await;
    let embeds = message["embeds"].as_array().expect("embeds");
    assert_eq!(embeds.len(), 1, "{message:#}");
    let embed = &embeds[0];
    assert_eq!(embed["title"], "Visibility changed");
    let description = text(&embed["description"]);
    assert!(description.starts_with("Visibility rose to 72.5"), "{description}");
    let fields = embed["fields"].as_array().expect("fields");
    let values: Vec<String> = fields.iter().map(|field| text(&field["value"])).collect();
    for shown in ["Ümläut & Söhne", "Weekly check", "72.5", "13.3"] {
        assert!(values.iter().any(|value| value == shown), "{shown} is not in {fields:#?}");
    }
    let color = embed["color"].as_u64().expect("a number");
    let (red, green, blue) = (color >> 16, color >> 8 & 0xff, color & 0xff);
    assert!(red <= 0xff && green > 2 * blue && green > 2 * red, "#{color:06x} is no green");
}

#[tokio::test]
async fn slack_gets_block_kit_with_headers_sections_and_context() {
    let message = sent_to("slack").await;
    let blocks = message["blocks"].as_array().expect("blocks");
    let of = |kind: &str| -> Vec<&Value> { blocks.iter().filter(|block| block["type"] == kind).collect() };
    let headers = of("header");
    assert_eq!(headers.len(), 1, "{message:#}");
    assert_eq!(
        (&headers[0]["text"]["type"], &headers[0]["text"]["text"]),
        (&json!("plain_text"), &json!("Visibility changed"))
    );
    let sections = of("section");
    assert_eq!(sections[0]["text"]["text"], "Visibility rose to 72.5");
    let fields: Vec<String> = sections
        .iter()
        .filter_map(|section| section["fields"].as_array())
        .flatten()
        .map(|field| text(&field["text"]))
        .collect();
    // Slack wants an ampersand written so, in every text object.
    for shown in ["Ümläut &amp; Söhne", "Weekly check", "72.5", "13.3"] {
        assert!(fields.iter().any(|field| field == shown), "{shown} is not in {fields:#?}");
    }
    // Signed with the name of the project, which is whom the channel knows.
    let context = of("context");
    assert!(context.iter().any(|block| block["elements"].to_string().contains("visibility")), "{message:#}");
    assert!(text(&message["text"]).contains("Visibility rose to 72.5"), "for notifications");
}

#[tokio::test]
async fn microsoft_teams_gets_an_adaptive_card() {
    let message = sent_to("teams_webhook").await;
    assert_eq!(message["type"], "message");
    let attachments = message["attachments"].as_array().expect("attachments");
    assert_eq!(attachments.len(), 1, "{message:#}");
    assert_eq!(attachments[0]["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachments[0]["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    let shown = card["body"].to_string();
    for part in ["Visibility changed", "Visibility rose to 72.5", "Ümläut & Söhne", "Weekly check", "72.5", "13.3"] {
        assert!(shown.contains(part), "{part} is not in {card:#}");
    }
    let schema = jsonschema::validator_for(&adaptive_card_schema().await).expect("a schema");
    assert!(schema.is_valid(card), "{card:#}");
}

#[tokio::test]
async fn zapier_and_make_get_the_standard_payload_with_all_fields() {
    let plain = sent_to("webhook").await;
    let expected = json!({
        "event": {
            "type": "visibility_changed",
            "timestamp": "2026-01-05T09:00:00.000Z",
            "data": { "current_score": 72.5, "change_percent": 13.3 },
        },
        "brand": brand(),
        "workflow": { "id": "wf_1", "name": "Weekly check" },
        "summary": "Visibility rose to 72.5",
        "meta": { "source": "trakkr", "version": "1.0", "event_id": "evt_1" },
    });
    assert_eq!(plain, expected);
    for provider in ["zapier", "make"] {
        assert_eq!(sent_to(provider).await, plain, "{provider}");
    }
}

#[tokio::test]
async fn post_webhooks_creates_a_webhook() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let made = create(&project, &webhook("https://example.com/")).await;
    let page = ["active", "brand_id", "created_at", "events", "id", "object", "provider", "signing_secret", "url"];
    for field in page {
        assert!(made.get(field).is_some(), "no {field} in {made:#}");
    }
    assert_eq!(project.http.get("/webhooks").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn get_webhooks_lists_webhooks() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let empty = project.http.get("/webhooks").await.expect(200);
    assert_eq!(empty, json!({ "object": "list", "data": [] }));
    let mut made = Vec::new();
    for path in ["a", "b", "c"] {
        made.push(text(&create(&project, &webhook(&format!("https://example.com/{path}"))).await["id"]));
    }
    let listed = project.http.get("/webhooks").await.expect(200);
    let mut ids: Vec<String> =
        listed["data"].as_array().expect("a list").iter().map(|webhook| text(&webhook["id"])).collect();
    ids.sort();
    made.sort();
    assert_eq!(ids, made);
}

#[tokio::test]
async fn get_webhooks_id_retrieves_a_webhook() {
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    create(&project, &webhook("https://example.com/a")).await;
    let made = create(&project, &webhook("https://example.com/b")).await;
    let path = format!("/webhooks/{}", text(&made["id"]));
    assert_eq!(project.http.get(&path).await.expect(200), made);
}

#[tokio::test]
async fn delete_webhooks_id_deletes_a_webhook() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let made = create(&project, &webhook(receiver.url())).await;
    let path = format!("/webhooks/{}", text(&made["id"]));
    assert_eq!(project.http.delete(&path).await.status, 204);
    assert_eq!(project.http.get(&path).await.expect(404)["code"], "not_found");
    assert_eq!(project.http.get("/webhooks").await.expect(200)["data"], json!([]));
    assert_eq!(project.send_event(happening("visibility_changed")).await["deliveries"], 0);
}

#[tokio::test]
async fn post_webhooks_id_test_sends_a_test_webhook() {
    let receiver = Receiver::behaving(vec![Reply::status(200).body("thank you").into()]).start().await;
    let gateway = Gateway::new().start().await;
    let project = trakkr(&gateway).await;
    let made = create(&project, &webhook_with(receiver.url(), json!({ "events": ["citation_lost"] }))).await;
    let told = post(&project.http, &format!("/webhooks/{}/test", text(&made["id"]))).await.expect(200);
    let request = only_request(&receiver);
    let payload = request.json();
    assert_eq!(members(&payload), ["brand", "event", "meta", "summary", "workflow"]);
    assert_eq!((&payload["event"]["type"], &payload["brand"]["id"]), (&json!("citation_lost"), &json!(BRAND)));
    let example = project.http.get("/v1/event-types/citation_lost").await.expect(200)["example"].clone();
    assert_eq!((&payload["event"]["data"], request.header("posthaste-test")), (&example, Some("true")));
    assert_eq!((&told["delivered"], &told["status_code"]), (&json!(true), &json!(200)));
    assert_eq!(told["response_body"], "thank you");
}

// Every statement of the page is tested here. Its only screen, "your Trakkr account", comes with the pages for people.
