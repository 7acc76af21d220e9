//! Strict order: one after the other, whatever the receiver does.

use model::env::Env as _;
use serde_json::json;
use testkit::behaviour::Reply;
use testkit::clock::TestEnv;
use testkit::receiver::Receiver;

use crate::gateway::Gateway;

const EVENTS: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_events_arrive_in_order_at_a_receiver_that_fails_at_random() {
    let dice = TestEnv::new();
    let receiver = Receiver::with(move |_| Reply::status(if dice.dice() < 0.1 { 503 } else { 204 })).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    // So many retries that none is given up.
    let schedule = vec!["1s"; 30];
    let endpoint = json!({ "url": receiver.url(), "ordering": "fifo", "retry": { "schedule": schedule } });
    project.register(endpoint).await;

    let events: Vec<_> = (0..EVENTS)
        .map(|number| json!({ "type": "count.up", "id": format!("e{number}"), "data": { "number": number } }))
        .collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    while receiver.statuses().iter().filter(|status| **status == 204).count() < EVENTS {
        gateway.advance("1s").await;
    }

    // Each is repeated until it is taken, and only then follows the next.
    let statuses = receiver.statuses();
    let mut expected = 0;
    for (request, status) in receiver.requests().iter().zip(&statuses) {
        assert_eq!(request.header("webhook-id"), Some(format!("e{expected}").as_str()), "out of turn");
        expected += usize::from(*status == 204);
    }
    assert_eq!(expected, EVENTS);
    assert!(statuses.contains(&503), "the receiver never failed");
}

#[tokio::test]
async fn what_comes_while_the_head_waits_does_not_make_it_wait_longer() {
    let receiver = Receiver::replying([500, 204, 204]).start().await;
    let gateway = Gateway::new().retry(["1m"]).start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "ordering": "fifo" })).await;
    project.send("a.first", json!({})).await;
    gateway.at_rest().await;
    project.send("a.second", json!({})).await;
    gateway.advance("30s").await;
    assert_eq!(receiver.statuses(), [500]);
    gateway.advance("40s").await;
    assert_eq!(receiver.statuses(), [500, 204, 204]);
}

#[tokio::test]
async fn a_failing_event_holds_back_later_ones_until_it_is_given_up() {
    let receiver =
        Receiver::with(|request| Reply::status(if request.json()["data"]["bad"] == true { 500 } else { 204 }))
            .start()
            .await;
    let gateway = Gateway::new().retry(["1m", "1m"]).start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "ordering": "fifo" })).await;

    project.send("first.bad", json!({ "bad": true })).await;
    project.send("second.good", json!({})).await;
    gateway.advance("90s").await;
    assert_eq!(receiver.statuses(), [500, 500]);

    gateway.advance("60s").await;
    assert_eq!(receiver.statuses(), [500, 500, 500, 204]);
}
