//! The machine's clock is set while deliveries wait: waits are as long as they were to be, and times are times.

use serde_json::json;
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, span, text};

#[tokio::test]
async fn a_retry_does_not_wait_longer_because_the_clock_went_back() {
    for ordering in ["none", "fifo"] {
        let receiver = Receiver::replying([500, 204]).start().await;
        let gateway = Gateway::new().retry(["4s"]).start().await;
        let project = gateway.project("acme").await;
        project.register(json!({ "url": receiver.url(), "ordering": ordering })).await;
        project.send("a", json!({})).await;
        gateway.at_rest().await;
        assert_eq!(receiver.count(), 1);

        gateway.env.set_back(span("60s"));
        gateway.env.advance(span("2s"));
        gateway.at_rest().await;
        assert_eq!(receiver.count(), 1, "{ordering}: it is not time yet");
        gateway.env.advance(span("3s"));
        receiver.received(2).await;
        gateway.at_rest().await;
        assert_eq!(project.only_delivery().await["status"], "delivered", "{ordering}");
    }
}

#[tokio::test]
async fn all_that_waits_is_as_far_away_after_the_clock_went_back_but_what_asked_for_a_time() {
    let receiver = Receiver::with(|request| {
        testkit::behaviour::Reply::status(if request.header("webhook-id") == Some("asked") { 204 } else { 500 })
    })
    .start()
    .await;
    let gateway = Gateway::new().retry(["1h", "1h"]).start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let events: Vec<_> = (0..700).map(|number| json!({ "type": "a", "data": { "number": number } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    gateway.at_rest().await;
    let time = gateway.now() + span("30m");
    project.send_event(json!({ "type": "a", "id": "asked", "data": {}, "deliver_at": time.to_string() })).await;
    assert_eq!(receiver.count(), 700);

    gateway.env.set_back(span("2h"));
    gateway.advance("50m").await;
    assert_eq!(receiver.count(), 700, "nothing is early");
    gateway.advance("20m").await;
    assert_eq!(receiver.count(), 1_400, "an hour and a tenth later all were tried again");
    gateway.advance("79m").await;
    assert_eq!(project.delivery_of("asked").await["attempt_count"], 0);
    gateway.advance("2m").await;
    assert_eq!(project.delivery_of("asked").await["status"], "delivered", "by the clock as it is");
}

#[tokio::test]
async fn what_is_due_by_a_clock_that_went_ahead_goes() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let time = (gateway.now() + span("1h")).to_string();
    project.send_event(json!({ "type": "a", "data": {}, "deliver_at": time })).await;
    gateway.at_rest().await;
    gateway.env.set_ahead(span("2h"));
    gateway.env.advance(span("10s"));
    receiver.received(1).await;
}

#[tokio::test]
async fn a_rate_limit_goes_on_when_the_clock_went_back() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let limit = json!({ "requests": 1, "per": "1s" });
    project.register(json!({ "url": receiver.url(), "rate_limit": limit })).await;
    let events: Vec<_> = (0..5).map(|number| json!({ "type": "a", "data": { "number": number } })).collect();
    let sent = project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    assert!(text(&sent["results"][0]["id"]).starts_with("evt_"));
    receiver.received(1).await;
    gateway.at_rest().await;
    gateway.env.set_back(span("1h"));
    for count in 2..=5 {
        gateway.env.advance(span("1s"));
        receiver.received(count).await;
        gateway.at_rest().await;
    }
}
