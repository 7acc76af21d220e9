//! Receivers that misbehave cost only themselves. The clock stands still: whoever hangs, hangs for good. How little their
//! neighbours notice is a figure, and *neighbours* of the benchmark measures it.

use serde_json::{Value, json};
use testkit::behaviour::Behaviour;
use testkit::patiently;
use testkit::receiver::{Nobody, Receiver};

use crate::gateway::{Gateway, Project, span};

/// Fewer than wait for one.
const FEW_PERMITS: usize = 32;

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

/// Registers so many endpoints, all at one receiver that never answers, and sends them all an event.
async fn register_many_that_hang(project: &Project<'_>, receiver: &Receiver, count: usize) {
    for number in 0..count {
        let url = format!("{}{number}", receiver.url());
        project.register(json!({ "url": url, "timeout_ms": 1_000, "retry": { "schedule": ["1h"] } })).await;
    }
    project.send("a", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_hang_hold_up_no_other_project_however_many_they_are() {
    let gateway = Gateway::new().configured(|config| config.delivery.concurrency = FEW_PERMITS).start().await;
    let hanging = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).counting().start().await;
    let bad = gateway.project("bad").await;
    register_many_that_hang(&bad, &hanging, 60).await;
    hanging.received(1).await;

    // A project that is new as well, and all whose endpoints are new; and one more that hangs.
    let good = gateway.project("good").await;
    let receiver = Receiver::healthy().counting().start().await;
    for _ in 0..5 {
        good.register(json!({ "url": receiver.url() })).await;
    }
    for sent in 1..=5 {
        good.send("a", json!({})).await;
        receiver.received(5 * sent).await;
    }
    let also_bad = gateway.project("also-bad").await;
    register_many_that_hang(&also_bad, &hanging, 60).await;
    for sent in 6..=10 {
        good.send("a", json!({})).await;
        receiver.received(5 * sent).await;
    }
    assert!(hanging.count() <= FEW_PERMITS / 2, "{} hang at once", hanging.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_hangs_gets_its_turn_and_those_that_answered_meanwhile_theirs() {
    let gateway = Gateway::new().configured(|config| config.delivery.concurrency = FEW_PERMITS).start().await;
    let hanging = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).counting().start().await;
    let project = gateway.project("acme").await;
    register_many_that_hang(&project, &hanging, 60).await;
    let receiver = Receiver::healthy().counting().start().await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let all_had_theirs = async {
        loop {
            gateway.env.advance(span("1s"));
            let deliveries = project.list("/v1/deliveries?event_type=a&limit=250").await;
            if deliveries.iter().all(|delivery| delivery["attempt_count"] != 0) {
                return;
            }
        }
    };
    patiently(all_had_theirs, || "an endpoint waits for ever".to_owned()).await;
    // Hanging all at once again an hour later, they leave room for the one that answers.
    assert_eq!(project.ask(&endpoint, "test").await["delivery"]["status"], "delivered");
    let now = gateway.now();
    gateway.env.advance_to(now + span("70m"));
    project.send("b", json!({})).await;
    let arrived = async {
        while receiver.count() < 2 {
            gateway.env.advance(span("1s"));
            project.list("/v1/deliveries?limit=1").await;
        }
    };
    patiently(arrived, || "the one that answers waits for ever".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_gets_so_many_requests_at_once_whoever_has_endpoints_there() {
    const PER_HOST: usize = 8;
    let gateway = Gateway::new().configured(|config| config.delivery.per_host = PER_HOST).start().await;
    let hanging = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).counting().start().await;
    let large = gateway.project("large").await;
    register_many_that_hang(&large, &hanging, 40).await;
    hanging.received(PER_HOST / 2).await;

    // There is room for one of somebody else's, and other hosts are another matter.
    let small = gateway.project("small").await;
    register_many_that_hang(&small, &hanging, 1).await;
    let receiver = Receiver::healthy().counting().start().await;
    large.register(json!({ "url": receiver.url(), "events": ["b"] })).await;
    large.send("b", json!({})).await;
    receiver.received(1).await;
    assert!(hanging.count() <= PER_HOST, "{} at once", hanging.count());
    let started = async {
        while small.only_delivery().await["attempt_count"] == 0 {
            gateway.env.advance(span("1s"));
        }
    };
    patiently(started, || "the smaller project waits for ever".to_owned()).await;
    let all_had_theirs = async {
        loop {
            gateway.env.advance(span("1s"));
            let deliveries = large.list("/v1/deliveries?event_type=a&limit=250").await;
            if deliveries.iter().all(|delivery| delivery["attempt_count"] != 0) {
                return;
            }
        }
    };
    patiently(all_had_theirs, || "an endpoint of that host waits for ever".to_owned()).await;
}
