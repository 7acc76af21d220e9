//! `/webhooks`: the rules behind Trakkr's page, and what its callers are told when they break one.

use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::receiver::Receiver;

use super::{members, pointers, post, project_in, send};
use crate::gateway::{Gateway, text, time};

const SECRET: &str = "a secret of our own";

fn webhook(url: &str) -> Value {
    json!({ "url": url, "events": ["visibility_changed"], "brand_id": "b1" })
}

/// A webhook with these fields besides, or in the place of, those it must have.
fn with(url: &str, fields: Value) -> Value {
    let mut webhook = webhook(url);
    let Value::Object(fields) = fields else { panic!("an object") };
    webhook.as_object_mut().expect("an object").extend(fields);
    webhook
}

#[tokio::test]
async fn a_webhook_is_shown_as_it_was_created_and_its_secret_in_full_only_then() {
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let asked = json!({
        "url": "https://hooks.slack.com/services/T0/B0/x",
        "events": ["visibility_changed", "citation_lost"],
        "brand_id": "5f0c7a52-6f0e-4a52-9d4e-0d7b8a1c2e3f",
        "auth_type": "bearer",
        "auth_token": "t0ken",
        "signing_secret": SECRET,
        "headers": { "x-environment": "live", "x-api-key": "hidden" },
        "template": { "text": "{{brand.name}}" },
    });
    let created = trakkr.post("/webhooks", &asked).await.expect(201);
    let id = text(&created["id"]);
    assert_eq!(time(&created["created_at"]), gateway.now());
    let expected = json!({
        "id": id,
        "object": "webhook",
        "url": asked["url"],
        "events": asked["events"],
        "brand_id": asked["brand_id"],
        "provider": "slack",
        "active": true,
        "auth_type": "bearer",
        "signing_secret": SECRET,
        "headers": { "x-environment": "live", "x-api-key": "••••••" },
        "template": asked["template"],
        "created_at": created["created_at"],
    });
    assert_eq!(created, expected);

    let mut masked = expected;
    masked["signing_secret"] = json!("•••• own");
    assert_eq!(trakkr.get(&format!("/webhooks/{id}")).await.expect(200), masked);
    assert_eq!(trakkr.get("/webhooks").await.expect(200), json!({ "object": "list", "data": [masked] }));
}

#[tokio::test]
async fn what_is_left_out_of_a_webhook_is_none() {
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let created = trakkr.post("/webhooks", &webhook("https://example.com/")).await.expect(201);
    assert_eq!((&created["auth_type"], &created["provider"]), (&json!("none"), &json!("webhook")));
    assert_eq!((&created["signing_secret"], &created["template"]), (&Value::Null, &Value::Null));
    assert_eq!(created["headers"], json!({}));
}

#[tokio::test]
async fn a_fault_is_named_by_the_field_that_the_caller_wrote() {
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let cases = [
        (json!({ "url": "https://10.0.0.1/" }), "url_not_allowed", "/url"),
        (json!({ "url": null }), "invalid_request", "/url"),
        (json!({ "events": [] }), "invalid_request", "/events"),
        (json!({ "events": null }), "invalid_request", "/events"),
        (json!({ "events": "visibility_changed" }), "invalid_request", "/events"),
        (json!({ "events": ["citation_lost", "order.paid"] }), "unknown_event_type", "/events/1"),
        (json!({ "brand_id": "" }), "invalid_request", "/brand_id"),
        (json!({ "brand_id": null }), "invalid_request", "/brand_id"),
        (json!({ "brand_id": 7 }), "invalid_request", "/brand_id"),
        (json!({ "auth_type": "digest" }), "invalid_request", "/auth_type"),
        (json!({ "auth_type": "bearer" }), "invalid_request", "/auth_token"),
        (json!({ "auth_type": "bearer", "auth_token": "two words" }), "invalid_request", "/auth_token"),
        (json!({ "auth_token": "t" }), "invalid_request", "/auth_token"),
        (json!({ "auth_type": "basic", "auth_username": "u" }), "invalid_request", "/auth_password"),
        (
            json!({ "auth_type": "basic", "auth_username": "a:b", "auth_password": "" }),
            "invalid_request",
            "/auth_username",
        ),
        (json!({ "auth_type": "api_key", "api_key_header": "x-key" }), "invalid_request", "/api_key_value"),
        (json!({ "auth_type": "api_key", "api_key_value": "v" }), "invalid_request", "/api_key_header"),
        (
            json!({ "auth_type": "api_key", "api_key_header": "host", "api_key_value": "v" }),
            "invalid_request",
            "/api_key_header",
        ),
        (json!({ "auth_type": "none", "api_key_value": "v" }), "invalid_request", "/api_key_value"),
        (json!({ "signing_secret": "short" }), "invalid_request", "/signing_secret"),
        (json!({ "headers": { "x-trakkr-signature": "x" } }), "invalid_request", "/headers/x-trakkr-signature"),
        (json!({ "headers": { "x-a/b": "x" } }), "invalid_request", "/headers/x-a~1b"),
        (json!({ "template": { "text": "{{nonsense.x}}" } }), "template_invalid", "/template"),
        (json!({ "tenant": "b1" }), "invalid_request", "/tenant"),
        (json!({ "auth": { "type": "none" } }), "invalid_request", "/auth"),
    ];
    for (fields, code, pointer) in cases {
        let asked = with("https://example.com/", fields.clone());
        assert_eq!(pointers(trakkr.post("/webhooks", &asked).await, code), [pointer], "{fields}");
    }
    assert_eq!(trakkr.get("/webhooks").await.expect(200)["data"], json!([]), "nothing of these is kept");
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    assert_eq!(
        pointers(trakkr.post("/webhooks", &json!({})).await, "invalid_request"),
        ["/events", "/brand_id", "/url"]
    );
    let asked = json!({ "url": "https://10.0.0.1/", "auth_type": "basic", "signing_secret": "x" });
    let expected = ["/events", "/brand_id", "/signing_secret", "/url", "/auth_username", "/auth_password"];
    assert_eq!(pointers(trakkr.post("/webhooks", &asked).await, "url_not_allowed"), expected);
}

#[tokio::test]
async fn each_kind_of_authentication_is_sent_as_it_was_given() {
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let cases = [
        (json!({ "auth_type": "bearer", "auth_token": "t0ken" }), "authorization", "Bearer t0ken"),
        // RFC 7617's own example.
        (
            json!({ "auth_type": "basic", "auth_username": "Aladdin", "auth_password": "open sesame" }),
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            json!({ "auth_type": "api_key", "api_key_header": "X-Own-Key", "api_key_value": "v4lue" }),
            "x-own-key",
            "v4lue",
        ),
    ];
    for (auth, header, value) in cases {
        let receiver = Receiver::healthy().start().await;
        let created = trakkr.post("/webhooks", &with(receiver.url(), auth.clone())).await.expect(201);
        assert_eq!(created["auth_type"], auth["auth_type"]);
        assert!(!created.to_string().contains(value.rsplit(' ').next().expect("a word")), "{created}");
        send(&gateway, &trakkr, json!({ "type": "visibility_changed", "data": {}, "tenant": "b1" })).await;
        assert_eq!(receiver.requests()[0].header(header), Some(value), "{auth}");
    }
}

#[tokio::test]
async fn a_test_tells_what_came_of_it_whatever_that_was() {
    let receiver = Receiver::behaving(vec![
        Reply::status(200).body("thank you").into(),
        Reply::status(500).body("oh no").into(),
        Behaviour::Close,
    ]);
    let receiver = receiver.start().await;
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let id = text(&trakkr.post("/webhooks", &webhook(receiver.url())).await.expect(201)["id"]);
    let path = format!("/webhooks/{id}/test");

    let tested = post(&trakkr, &path).await.expect(200);
    assert!(tested["duration_ms"].is_u64(), "{tested}");
    let expected = json!({
        "object": "webhook_test",
        "webhook": id,
        "delivered": true,
        "status_code": 200,
        "response_body": "thank you",
        "duration_ms": tested["duration_ms"],
        "error": null,
    });
    assert_eq!(tested, expected);

    let refused = post(&trakkr, &path).await.expect(200);
    assert_eq!((&refused["delivered"], &refused["status_code"]), (&json!(false), &json!(500)));
    assert_eq!(refused["response_body"], "oh no");
    assert!(text(&refused["error"]).contains("500"), "{refused}");

    let broken = post(&trakkr, &path).await.expect(200);
    assert_eq!((&broken["delivered"], &broken["status_code"]), (&json!(false), &Value::Null));
    assert_eq!((&broken["response_body"], members(&broken)), (&Value::Null, members(&expected)));
    assert!(!text(&broken["error"]).is_empty());
}

#[tokio::test]
async fn a_deleted_webhook_is_gone() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let path =
        format!("/webhooks/{}", text(&trakkr.post("/webhooks", &webhook(receiver.url())).await.expect(201)["id"]));
    let deleted = trakkr.delete(&path).await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    for gone in [trakkr.get(&path).await, trakkr.delete(&path).await, post(&trakkr, &format!("{path}/test")).await] {
        assert!(text(&gone.expect(404)["detail"]).contains("no webhook"));
    }
    send(&gateway, &trakkr, json!({ "type": "visibility_changed", "data": {}, "tenant": "b1" })).await;
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn a_webhook_that_was_paused_elsewhere_is_not_active() {
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let id = text(&trakkr.post("/webhooks", &webhook("https://example.com/")).await.expect(201)["id"]);
    post(&trakkr, &format!("/v1/endpoints/{id}/pause")).await.expect(200);
    assert_eq!(trakkr.get(&format!("/webhooks/{id}")).await.expect(200)["active"], false);
}
