//! Receivers that misbehave cost only themselves. The clock stands still: whoever hangs, hangs for good. How little their
//! neighbours notice is a figure, and *neighbours* of the benchmark measures it.

use serde_json::{Value, json};
use testkit::behaviour::Behaviour;
use testkit::receiver::{Nobody, Receiver};

use crate::gateway::{Gateway, Project};

/// Registers endpoints whose receivers keep a request for as long as they may, each in its own way.
async fn register_forty_that_hang(project: &Project<'_>) -> (Vec<Receiver>, Vec<Nobody>) {
    let (mut receivers, mut nobodies) = (Vec::new(), Vec::new());
    for number in 0..40 {
        let url = if number % 3 == 0 {
            nobodies.push(Nobody::silent());
            nobodies.last().expect("one was pushed").url()
        } else {
            let behaviour = if number % 3 == 1 { Behaviour::HangBeforeHeaders } else { Behaviour::StallInBody };
            receivers.push(Receiver::behaving(vec![behaviour]).counting().start().await);
            receivers.last().expect("one was pushed").url().to_owned()
        };
        project.register(json!({ "url": url })).await;
    }
    (receivers, nobodies)
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_receivers_that_never_answer_keep_nothing_from_the_one_that_does() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let _hanging = register_forty_that_hang(&project).await;
    let receiver = Receiver::healthy().counting().start().await;
    project.register(json!({ "url": receiver.url() })).await;

    let events: Vec<Value> = (0..500).map(|number| json!({ "type": "a", "data": { "number": number } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    receiver.received(500).await;

    // Neither does it keep the API, nor a new endpoint, nor another project.
    let late = Receiver::healthy().start().await;
    let endpoint = project.register(json!({ "url": late.url() })).await;
    assert_eq!(project.ask(&endpoint, "test").await["delivery"]["status"], "delivered");
    let other = gateway.project("other").await;
    other.register(json!({ "url": late.url() })).await;
    other.send("a", json!({})).await;
    late.received(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_with_ten_thousand_events_waiting_does_not_delay_its_neighbour() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let busy = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).counting().start().await;
    project.register(json!({ "url": busy.url(), "events": ["bulk.*"] })).await;
    let receiver = Receiver::healthy().start().await;
    project.register(json!({ "url": receiver.url(), "events": ["order.*"] })).await;
    let bulk: Vec<Value> = (0..10_000).map(|number| json!({ "type": "bulk.item", "data": { "n": number } })).collect();
    project.http.post("/v1/events/batch", &json!(bulk)).await.expect(200);

    for number in 0..20 {
        let event = project.send("order.paid", json!({ "number": number })).await;
        receiver.received(number + 1).await;
        assert_eq!(receiver.requests()[number].header("webhook-id"), Some(event.as_str()));
    }
    assert_eq!(project.list("/v1/deliveries?status=pending&event_type=bulk.item&limit=250").await.len(), 250);
}
