//! Deliveries: found by what they are, shown with every attempt, tried again.

use serde_json::{Value, json};

use crate::gateway::Gateway;

#[tokio::test]
async fn a_delivery_shows_the_body_that_was_sent_and_every_attempt() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({})).await;
    let mut engine = gateway.engine();
    let event = gateway.event("invoice.paid").await;
    let listed = gateway.ask("GET", "/v1/deliveries", None).await.expect(200);
    let waiting = &listed["data"][0];
    assert_eq!((&waiting["status"], &waiting["attempt_count"]), (&json!("pending"), &json!(0)));
    assert_eq!((&waiting["status_code"], &waiting["error_kind"]), (&Value::Null, &Value::Null));
    let path = format!("/v1/deliveries/{}", waiting["id"].as_str().unwrap());
    assert_eq!(gateway.ask("GET", &path, None).await.expect(200)["request_body"], Value::Null, "nothing was sent yet");

    engine.attempt(503).await;

    let shown = gateway.ask("GET", &path, None).await.expect(200);
    let listed = gateway.ask("GET", "/v1/deliveries", None).await.expect(200);
    assert_eq!((&shown["event_id"], &shown["endpoint_id"]), (&event["id"], &endpoint["id"]));
    for delivery in [&shown, &listed["data"][0]] {
        assert_eq!((&delivery["status"], &delivery["status_code"]), (&json!("pending"), &json!(503)));
        assert_eq!(delivery["error_kind"], "status", "why the last attempt failed");
    }
    assert_eq!(shown["next_attempt_at"], "2026-01-05T09:00:05.000Z");
    assert_eq!(shown["request_body"], r#"{"type":"invoice.paid","timestamp":"2026-01-05T09:00:00.000Z","data":{}}"#);
    assert_eq!(
        shown["attempts"],
        json!([{
            "number": 1, "started_at": "2026-01-05T09:00:00.000Z", "duration_ms": 42, "status_code": 503,
            "error": { "kind": "status", "message": "answered 503, not a 2xx" },
            "request_headers": { "webhook-id": "evt_1" }, "response_headers": { "server": "a test" },
            "response_body": "", "response_truncated": false, "body_dropped": false,
            "next_attempt_at": "2026-01-05T09:00:05.000Z", "notes": [],
        }])
    );
}

#[tokio::test]
async fn deliveries_are_found_by_what_they_are() {
    let gateway = Gateway::start().await;
    let first = gateway.endpoint(json!({ "events": ["a"] })).await;
    let second = gateway.endpoint(json!({ "events": ["b"] })).await;
    let mut engine = gateway.engine();
    let a = gateway.event("a").await;
    engine.attempt(204).await;
    gateway.env.advance(std::time::Duration::from_secs(60));
    gateway.ask("POST", "/v1/events", Some(json!({ "type": "b", "data": {}, "tenant": "t" }))).await.expect(202);

    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let queries = [
        (String::new(), 2),
        ("?status=delivered".into(), 1),
        ("?status=failed".into(), 0),
        ("?event_type=b".into(), 1),
        (format!("?event={}", id(&a)), 1),
        (format!("?endpoint={}", id(&first)), 1),
        ("?tenant=t".into(), 1),
        ("?status_code=204".into(), 1),
        ("?since=2026-01-05T09:00:30Z".into(), 1),
        ("?until=2026-01-05T09:00:30Z".into(), 1),
        ("?limit=1".into(), 1),
        ("?status=pending&event_type=a".into(), 0),
    ];
    for (query, count) in queries {
        let listed = gateway.ask("GET", &format!("/v1/deliveries{query}"), None).await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), count, "{query}");
    }
    let path = format!("/v1/endpoints/{}/deliveries", id(&second));
    let listed = gateway.ask("GET", &path, None).await.expect(200);
    assert_eq!((&listed["data"][0]["event_type"], listed["data"].as_array().unwrap().len()), (&json!("b"), 1));
    gateway.ask("GET", &format!("{path}?endpoint={}", id(&first)), None).await.assert_refused(
        422,
        "invalid_request",
        &["?endpoint"],
    );
}

#[tokio::test]
async fn a_delivery_is_tried_once_more_by_hand() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({})).await;
    let mut engine = gateway.engine();
    gateway.event("a").await;
    engine.attempt(204).await;
    let listed = gateway.ask("GET", "/v1/deliveries", None).await.expect(200);
    let path = format!("/v1/deliveries/{}", listed["data"][0]["id"].as_str().unwrap());

    let retried = gateway.ask("POST", &format!("{path}/retry"), None).await.expect(202);
    assert_eq!((&retried["status"], &retried["manual"]), (&json!("pending"), &json!(true)));
    assert_eq!(retried["attempts"].as_array().unwrap().len(), 1);
    engine.attempt(204).await;
    assert_eq!(gateway.ask("GET", &path, None).await.expect(200)["attempts"][1]["number"], 2);

    gateway.ask("DELETE", &format!("/v1/endpoints/{}", endpoint["id"].as_str().unwrap()), None).await.expect(204);
    gateway.ask("POST", &format!("{path}/retry"), None).await.assert_refused(409, "conflict", &[]);
    let shown = gateway.ask("GET", &path, None).await.expect(200);
    assert_eq!(
        shown["request_body"], r#"{"type":"a","timestamp":"2026-01-05T09:00:00.000Z","data":{}}"#,
        "what was sent is shown when the endpoint is gone too"
    );
}
