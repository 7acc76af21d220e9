//! `/hooks`: the rules behind Tracktile's page, and what its callers are told when they break one.

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use hyper::Method;
use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::http::{Answer, Http};
use testkit::receiver::{Received, Receiver};

use super::{members, pointers, post, project_in, send};
use crate::gateway::{Gateway, text, time};

fn hook(url: &str) -> Value {
    json!({ "name": "My Webhook", "url": url, "on": "order.status.changed" })
}

/// What the page shows as a payload, on its way in.
fn event() -> Value {
    let data = json!({
        "transactionId": "txn_xyz789",
        "orderId": "ord_456",
        "previousOrderStatus": "pending",
        "currentOrderStatus": "confirmed",
    });
    json!({ "type": "order.status.changed", "data": data })
}

async fn put(http: &Http, path: &str, body: Value) -> Answer {
    http.send(Method::PUT, path, body.to_string().into()).await
}

/// A new hook's path, and the hook.
async fn create(tracktile: &Http, asked: Value) -> (String, Value) {
    let hook = tracktile.post("/hooks", &asked).await.expect(201);
    (format!("/hooks/{}", text(&hook["id"])), hook)
}

/// Whether one of the signatures of a request is that of `secret`.
fn is_signed_with(request: &Received, secret: &Value) -> bool {
    let header = |name| request.header(name).expect("a signed request has it");
    let key = BASE64.decode(text(secret).strip_prefix("whsec_").expect("whsec_").as_bytes()).expect("base64");
    let content = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), request.text());
    let right = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
    let right = format!("v1,{}", BASE64.encode(right.as_ref()));
    header("webhook-signature").split(' ').any(|signature| signature == right)
}

#[tokio::test]
async fn a_hook_is_shown_as_it_was_created_and_its_secret_only_then() {
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, created) = create(&tracktile, hook("https://your-server.com/webhook")).await;
    assert!(text(&created["secret"]).starts_with("whsec_"), "{created}");
    assert_eq!(time(&created["createdAt"]), gateway.now());
    let mut expected = json!({
        "id": created["id"],
        "name": "My Webhook",
        "url": "https://your-server.com/webhook",
        "on": ["order.status.changed"],
        "status": "active",
        "disabledReason": null,
        "secret": created["secret"],
        "createdAt": created["createdAt"],
        "updatedAt": created["createdAt"],
    });
    assert_eq!(created, expected);
    expected.as_object_mut().expect("an object").remove("secret");
    assert_eq!(tracktile.get(&path).await.expect(200), expected);
    assert_eq!(tracktile.get("/hooks").await.expect(200), json!({ "data": [expected] }));
}

#[tokio::test]
async fn what_a_hook_is_on_is_a_text_or_a_list_and_answered_as_a_list() {
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    for (on, answered) in [
        (json!("order.created"), json!(["order.created"])),
        (json!(["order.created"]), json!(["order.created"])),
        (json!(["order.created", "order.deleted"]), json!(["order.created", "order.deleted"])),
    ] {
        let asked = json!({ "url": "https://example.com/", "on": on });
        let (path, created) = create(&tracktile, asked).await;
        assert_eq!(created["on"], answered);
        let changed = put(&tracktile, &path, json!({ "on": "order.updated" })).await.expect(200);
        assert_eq!(changed["on"], json!(["order.updated"]));
        assert_eq!(put(&tracktile, &path, json!({ "on": on })).await.expect(200)["on"], answered);
    }
}

#[tokio::test]
async fn a_fault_is_named_by_the_field_that_the_caller_wrote() {
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, before) = create(&tracktile, hook("https://example.com/")).await;
    let cases = [
        (json!({ "url": "https://10.0.0.1/" }), "url_not_allowed", "/url"),
        (json!({ "url": null }), "invalid_request", "/url"),
        (json!({ "on": "order.nonsense" }), "unknown_event_type", "/on"),
        (json!({ "on": "not a type" }), "invalid_request", "/on"),
        (json!({ "on": ["order.created", "order.nonsense"] }), "unknown_event_type", "/on/1"),
        (json!({ "on": [] }), "invalid_request", "/on"),
        (json!({ "on": 7 }), "invalid_request", "/on"),
        (json!({ "on": ["order.created", 7] }), "invalid_request", "/on/1"),
        (json!({ "status": "disabled" }), "invalid_request", "/status"),
        (json!({ "status": true }), "invalid_request", "/status"),
        (json!({ "name": "" }), "invalid_request", "/name"),
        (json!({ "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }), "invalid_request", "/secret"),
        (json!({ "events": ["order.created"] }), "invalid_request", "/events"),
    ];
    for (fields, code, pointer) in cases {
        assert_eq!(pointers(put(&tracktile, &path, fields.clone()).await, code), [pointer], "changed: {fields}");
        let mut asked = hook("https://example.com/");
        asked.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        assert_eq!(pointers(tracktile.post("/hooks", &asked).await, code), [pointer], "created: {fields}");
    }
    assert_eq!(pointers(tracktile.post("/hooks", &json!({})).await, "invalid_request"), ["/on", "/url"]);
    let (listed, mut kept) = (tracktile.get("/hooks").await.expect(200), before);
    kept.as_object_mut().expect("an object").remove("secret");
    assert_eq!(listed["data"], json!([kept]), "nothing of these is kept");
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, created) = create(&tracktile, hook("https://example.com/a")).await;
    let changed = put(&tracktile, &path, json!({ "name": "Updated Webhook", "status": "paused" })).await.expect(200);
    assert_eq!((&changed["name"], &changed["status"]), (&json!("Updated Webhook"), &json!("paused")));
    assert_eq!((&changed["url"], &changed["on"]), (&created["url"], &created["on"]));
    assert!(changed.get("secret").is_none(), "{changed}");
    let changed = put(&tracktile, &path, json!({ "url": "https://example.com/b" })).await.expect(200);
    assert_eq!((&changed["name"], &changed["status"]), (&json!("Updated Webhook"), &json!("paused")));
    let cleared = put(&tracktile, &path, json!({ "name": null })).await.expect(200);
    assert_eq!((&cleared["name"], &cleared["url"]), (&Value::Null, &json!("https://example.com/b")));
    assert_eq!(put(&tracktile, &path, json!({})).await.expect(200)["url"], "https://example.com/b");
}

#[tokio::test]
async fn a_paused_hook_gets_nothing_until_it_is_active_again() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let mut asked = hook(receiver.url());
    asked["status"] = json!("paused");
    let (path, created) = create(&tracktile, asked).await;
    assert_eq!(created["status"], "paused");
    send(&gateway, &tracktile, event()).await;
    assert_eq!(receiver.count(), 0);
    assert_eq!(put(&tracktile, &path, json!({ "status": "active" })).await.expect(200)["status"], "active");
    send(&gateway, &tracktile, event()).await;
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn a_hook_that_we_disabled_is_paused_with_a_reason_and_can_be_made_active() {
    let receiver = Receiver::replying([410, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, _) = create(&tracktile, hook(receiver.url())).await;
    send(&gateway, &tracktile, event()).await;
    let disabled = tracktile.get(&path).await.expect(200);
    assert_eq!(disabled["status"], "paused");
    assert!(text(&disabled["disabledReason"]).contains("410"), "{disabled}");
    let active = put(&tracktile, &path, json!({ "status": "active" })).await.expect(200);
    assert_eq!((&active["status"], &active["disabledReason"]), (&json!("active"), &Value::Null));
    send(&gateway, &tracktile, event()).await;
    assert_eq!(receiver.statuses(), [410, 204]);
}

#[tokio::test]
async fn a_rotated_secret_is_dead_at_once_whichever_way_it_was_rotated() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, created) = create(&tracktile, hook(receiver.url())).await;
    send(&gateway, &tracktile, event()).await;
    assert!(is_signed_with(&receiver.requests()[0], &created["secret"]));

    let rotated = post(&tracktile, &format!("{path}/rotate")).await.expect(200);
    assert_eq!((&rotated["id"], members(&rotated)), (&created["id"], members(&created)));
    assert!(tracktile.get(&path).await.expect(200).get("secret").is_none());
    send(&gateway, &tracktile, event()).await;
    let request = &receiver.requests()[1];
    assert!(is_signed_with(request, &rotated["secret"]) && !is_signed_with(request, &created["secret"]));

    let endpoint = format!("/v1/endpoints/{}/rotate-secret", text(&created["id"]));
    let again = post(&tracktile, &endpoint).await.expect(200);
    assert_eq!(again["previous_expires_at"], Value::Null);
    send(&gateway, &tracktile, event()).await;
    let request = &receiver.requests()[2];
    assert!(is_signed_with(request, &again["secret"]) && !is_signed_with(request, &rotated["secret"]));

    let refused = tracktile.post(&endpoint, &json!({ "overlap": "24h" })).await;
    assert_eq!(pointers(refused, "invalid_request"), ["/overlap"]);
    tracktile.post(&endpoint, &json!({ "overlap": "0s" })).await.expect(200);
}

#[tokio::test]
async fn executions_are_every_attempt_newest_first() {
    let receiver = Receiver::behaving(vec![
        Reply::status(503).body("try later").into(),
        Reply::status(201).body("thank you").into(),
        Behaviour::Close,
    ]);
    let receiver = receiver.start().await;
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, _) = create(&tracktile, hook(receiver.url())).await;
    let executions = format!("{path}/executions");
    assert_eq!(tracktile.get(&executions).await.expect(200), json!({ "data": [] }));

    let first_at = gateway.now();
    let sent = tracktile.post("/v1/events", &event()).await.expect(202);
    gateway.at_rest().await;
    gateway.advance("10s").await;
    let later = tracktile.post("/v1/events", &event()).await.expect(202);
    gateway.at_rest().await;

    let listed = tracktile.get(&executions).await.expect(200);
    let [broken, delivered, failed] = listed["data"].as_array().expect("a list").as_slice() else {
        panic!("not three: {listed:#}")
    };
    let delivery = text(&failed["id"]).strip_suffix("-1").expect("the number of the attempt").to_owned();
    let shown = tracktile.get(&format!("/v1/deliveries/{delivery}")).await.expect(200);
    assert_eq!(time(&failed["time"]), first_at);
    let expected = json!({
        "id": format!("{delivery}-1"),
        "eventId": sent["id"],
        "kind": "order.status.changed",
        "status": "failed",
        "statusCode": 503,
        "responseBody": "try later",
        "durationMs": shown["attempts"][0]["duration_ms"],
        "attempt": 1,
        "time": failed["time"],
        "error": shown["attempts"][0]["error"]["message"],
    });
    assert_eq!(failed, &expected);
    let expected = json!({
        "id": format!("{delivery}-2"),
        "eventId": sent["id"],
        "kind": "order.status.changed",
        "status": "delivered",
        "statusCode": 201,
        "responseBody": "thank you",
        "durationMs": shown["attempts"][1]["duration_ms"],
        "attempt": 2,
        "time": shown["attempts"][1]["started_at"],
        "error": null,
    });
    assert_eq!(delivered, &expected);
    assert_eq!((&broken["eventId"], &broken["status"]), (&later["id"], &json!("failed")));
    assert_eq!((&broken["statusCode"], &broken["responseBody"]), (&Value::Null, &Value::Null));
    assert!(!text(&broken["error"]).is_empty());

    let newest = tracktile.get(&format!("{executions}?limit=2")).await.expect(200);
    assert_eq!(newest["data"], json!([broken, delivered]));
    for query in ["limit=0", "limit=251", "limit=x"] {
        assert_eq!(pointers(tracktile.get(&format!("{executions}?{query}")).await, "invalid_request"), ["?limit"]);
    }
}

#[tokio::test]
async fn a_test_is_answered_with_its_execution() {
    let receiver = Receiver::behaving(vec![Reply::status(200).body("thank you").into(), Behaviour::Status(500)]);
    let receiver = receiver.start().await;
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, _) = create(&tracktile, hook(receiver.url())).await;
    put(&tracktile, &path, json!({ "status": "paused" })).await.expect(200);

    let delivered = post(&tracktile, &format!("{path}/test")).await.expect(200);
    assert_eq!((&delivered["status"], &delivered["statusCode"]), (&json!("delivered"), &json!(200)));
    assert_eq!((&delivered["responseBody"], &delivered["attempt"]), (&json!("thank you"), &json!(1)));
    let request = receiver.requests()[0].json();
    assert_eq!((&request["id"], &request["kind"]), (&delivered["eventId"], &delivered["kind"]));
    let failed = post(&tracktile, &format!("{path}/test")).await.expect(200);
    assert_eq!((&failed["status"], &failed["statusCode"]), (&json!("failed"), &json!(500)));
    let listed = tracktile.get(&format!("{path}/executions")).await.expect(200);
    assert_eq!(listed["data"], json!([failed, delivered]));
}

#[tokio::test]
async fn a_deleted_hook_is_gone() {
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, _) = create(&tracktile, hook("https://example.com/")).await;
    let deleted = tracktile.delete(&path).await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    for gone in [
        tracktile.get(&path).await,
        put(&tracktile, &path, json!({})).await,
        tracktile.get(&format!("{path}/executions")).await,
        tracktile.delete(&path).await,
    ] {
        assert!(text(&gone.expect(404)["detail"]).contains("no hook"));
    }
}

#[tokio::test]
async fn a_hook_always_names_what_it_is_for() {
    let gateway = Gateway::new().start().await;
    let tracktile = project_in(&gateway, "tracktile").await;
    let (path, _) = create(&tracktile, hook("https://example.com/")).await;
    let refused = put(&tracktile, &path, json!({ "on": null })).await;
    assert_eq!(pointers(refused, "invalid_request"), ["/on"]);
}
