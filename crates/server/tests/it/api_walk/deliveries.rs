//! Deliveries and tests of an endpoint.

use hyper::Method;
use serde_json::{Value, json};
use testkit::behaviour::Behaviour;
use testkit::receiver::Receiver;

use super::{has_members, is_uuid};
use crate::gateway::{Gateway, span, text};

#[tokio::test]
async fn deliveries_are_listed_by_every_filter() {
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await;
    let (good, bad) = (Receiver::healthy().start().await, Receiver::replying([503]).start().await);
    let good = project.register(json!({ "url": good.url() })).await;
    let bad = project.register(json!({ "url": bad.url(), "events": ["a.two"], "tenant": "t1" })).await;
    let (good, bad) = (text(&good["id"]), text(&bad["id"]));
    let one = project.send("a.one", json!({})).await;
    gateway.advance("1h").await;
    let two = text(&project.send_event(json!({ "type": "a.two", "data": {}, "tenant": "t1" })).await["id"]);
    gateway.advance("1h").await;

    for (query, expected) in [
        (String::new(), 3),
        ("status=delivered".to_owned(), 2),
        ("status=failed".to_owned(), 1),
        ("status=pending".to_owned(), 0),
        ("status=cancelled".to_owned(), 0),
        ("event_type=a.two".to_owned(), 2),
        (format!("event={one}"), 1),
        (format!("event={two}"), 2),
        (format!("endpoint={good}"), 2),
        (format!("endpoint={bad}"), 1),
        ("tenant=t1".to_owned(), 2),
        ("status_code=503".to_owned(), 1),
        ("status_code=204".to_owned(), 2),
        ("status_code=500".to_owned(), 0),
        ("since=2026-01-05T09:30:00Z".to_owned(), 2),
        ("until=2026-01-05T09:30:00Z".to_owned(), 1),
        (format!("endpoint={good}&status=delivered&event_type=a.two&tenant=t1&status_code=204"), 1),
    ] {
        assert_eq!(project.list(&format!("/v1/deliveries?{query}")).await.len(), expected, "{query}");
    }
    for (query, expected) in [("", 2), ("status=delivered", 2), ("event_type=a.one", 1), ("status_code=503", 0)] {
        let path = format!("/v1/endpoints/{good}/deliveries?{query}");
        assert_eq!(project.list(&path).await.len(), expected, "{query}");
    }

    let listed = &project.list("/v1/deliveries?status=failed").await[0];
    is_uuid(&listed["id"]);
    has_members(listed, &["id", "status", "next_attempt_at"]);
    let full = project.delivery(&text(&listed["id"])).await;
    assert_eq!(full["attempts"].as_array().map(Vec::len), Some(2));
    let last = project.http.get(&format!("/v1/endpoints/{bad}")).await.expect(200);
    assert_eq!(last["last_delivery"]["id"], listed["id"], "{last:#}");
}

#[tokio::test]
async fn the_body_that_was_sent_is_kept_byte_for_byte() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let odd = r#"{ "type": "a.odd", "data": {"b":1.00,"a" : "\u00e9\u2028", "n":12345678901234567890, "b":2 } }"#;
    project.http.send(Method::POST, "/v1/events", odd.into()).await.expect(202);
    gateway.at_rest().await;
    let sent = receiver.requests()[0].text().to_owned();
    assert_eq!(project.only_delivery().await["request_body"], sent);
    assert!(sent.contains("1.00") && sent.contains("12345678901234567890"), "{sent}");
}

#[tokio::test]
async fn a_test_waits_for_the_attempt_whatever_the_receiver_says() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for status in [204, 500, 302] {
        let receiver = Receiver::replying([status]).start().await;
        // An endpoint that wants nothing of the kind, and one that is paused, are tested too.
        let endpoint = json!({ "url": receiver.url(), "events": ["never.sent"], "active": status != 500 });
        let endpoint = project.register(endpoint).await;
        let answer = project.ask(&endpoint, "test").await;
        has_members(&answer["delivery"], &["id", "status", "attempts", "request_body"]);
        let attempts = answer["delivery"]["attempts"].as_array().expect("a list");
        assert_eq!((attempts.len(), &attempts[0]["status_code"]), (1, &json!(status)), "{answer:#}");
        let expected = if status == 204 { "delivered" } else { "failed" };
        assert_eq!(answer["delivery"]["status"], expected, "a test is not repeated");
        gateway.advance("1d").await;
        assert_eq!(receiver.count(), 1);
        assert!(receiver.requests()[0].header("webhook-signature").is_some());
    }
}

#[tokio::test]
async fn a_test_of_a_receiver_that_hangs_answers_when_its_time_is_over() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "timeout_ms": 3000 })).await;
    let passing = async {
        receiver.received(1).await;
        gateway.env.advance(span("3s"));
    };
    let (answer, ()) = tokio::join!(project.ask(&endpoint, "test"), passing);
    assert_eq!(answer["delivery"]["attempts"][0]["error"]["kind"], "timeout", "{answer:#}");
}

#[tokio::test]
async fn a_rate_limit_is_a_bucket_that_starts_full() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "rate_limit": { "requests": 10, "per": "1s" } })).await;
    let unlimited = Receiver::healthy().start().await;
    project.register(json!({ "url": unlimited.url() })).await;
    let events: Vec<Value> = (0..100).map(|n| json!({ "type": "a", "data": { "n": n } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);

    gateway.at_rest().await;
    assert_eq!((receiver.count(), unlimited.count()), (10, 100), "a full bucket, and nobody else is held up");
    gateway.advance("500ms").await;
    assert!((14..=15).contains(&receiver.count()), "{}", receiver.count());
    gateway.advance("4500ms").await;
    assert!((59..=60).contains(&receiver.count()), "{}", receiver.count());
    gateway.advance("5s").await;
    assert_eq!(receiver.count(), 100);

    // It is full again after a second, and not fuller.
    gateway.advance("1h").await;
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 110);
}
