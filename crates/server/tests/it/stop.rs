//! A stop by signals: what it waits for, and what ends that.

use std::time::Duration;

use serde_json::json;
use testkit::behaviour::Behaviour;
use testkit::receiver::Receiver;

use crate::place::Place;
use crate::running::Running;

/// A server with a grace that no test waits for, and a delivery in flight to a receiver that takes its time.
async fn in_flight(place: &Place, receiver: &Receiver) -> Running {
    let server = Running::start(place, &["--grace", "10m"]).await;
    server.register(json!({ "url": receiver.url(), "timeout_ms": 120_000 })).await;
    server.http.post("/v1/events", &json!({ "type": "order.paid", "data": {} })).await.expect(202);
    receiver.received(1).await;
    server
}

/// Sends a signal, and waits until the server has begun to stop for it.
async fn told_to_stop(server: &Running, signal: &str) {
    server.process.signal(signal).await;
    server.process.logs(|line| line.contains("stopping")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_grace_at_once_and_what_was_accepted_is_delivered_after_the_next_start() {
    for (first, second) in [("TERM", "TERM"), ("TERM", "INT"), ("INT", "INT"), ("HUP", "TERM")] {
        let place = Place::fresh().await;
        let answers = [Behaviour::HangBeforeHeaders, Behaviour::Status(204)];
        let receiver = Receiver::behaving(answers.to_vec()).start().await;
        let mut server = in_flight(&place, &receiver).await;

        told_to_stop(&server, first).await;
        server.process.signal(second).await;

        assert_eq!(server.process.ended().await.code(), Some(0), "{first}, {second}");
        let log = server.process.errors();
        assert!(log.contains("stopped with work in flight"), "{first}, {second}: {log}");
        assert!(!log.contains("before the store had closed"), "{first}, {second}: {log}");

        let server = Running::start(&place, &[]).await;
        receiver.received(2).await;
        server.settle().await;
        assert_eq!(server.count("delivered").await, 1, "{first}, {second}");
        let requests = receiver.requests();
        assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_behind_another_signal_says_nothing_more() {
    let place = Place::fresh().await;
    let slow = Behaviour::Delay(Duration::from_millis(500), Box::new(Behaviour::Status(204)));
    let receiver = Receiver::behaving(vec![slow]).start().await;
    let mut server = in_flight(&place, &receiver).await;

    told_to_stop(&server, "TERM").await;
    server.process.signal("HUP").await;

    assert_eq!(server.process.ended().await.code(), Some(0));
    assert!(!server.process.errors().contains("in flight"), "{}", server.process.errors());
    let server = Running::start(&place, &[]).await;
    assert_eq!((server.count("delivered").await, receiver.count()), (1, 1), "it was waited for and recorded");
}
