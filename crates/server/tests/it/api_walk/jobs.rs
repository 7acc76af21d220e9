//! Replays and recoveries, and the jobs that they are.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::patiently;
use testkit::receiver::Receiver;

use super::pages::pages;
use super::{has_members, is_id};
use crate::gateway::{Gateway, Project, text};

/// Asks for a job with an empty or a given body, and answers it.
async fn job(project: &Project<'_>, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let job = project.http.send(Method::POST, path, body).await.expect(202);
    has_members(&job, &["id", "kind", "status", "total", "done", "failed", "created_at"]);
    is_id(&job["id"], "job_");
    assert!(["running", "done"].contains(&text(&job["status"]).as_str()), "{job}");
    job
}

/// The job, when it is over and what it began is done. That it is over can be read a moment before the engine has heard
/// of its last deliveries, and is at rest until then: so they are asked for themselves.
pub(crate) async fn over(gateway: &Gateway, project: &Project<'_>, job: &Value) -> Value {
    let path = format!("/v1/jobs/{}", text(&job["id"]));
    let waiting = async {
        loop {
            let job = project.http.get(&path).await.expect(200);
            if job["status"] == "running" {
                gateway.advance("1s").await;
                continue;
            }
            gateway.advance("1m").await;
            let is_done = job["status"] == "done";
            if !is_done || project.list("/v1/deliveries?status=pending&limit=1").await.is_empty() {
                return job;
            }
        }
    };
    patiently(waiting, || format!("the job does not end: {job}")).await
}

#[tokio::test]
async fn a_replay_sends_an_event_again_under_its_own_id() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let event = project.send("order.paid", json!({ "id": 7 })).await;
    gateway.advance("1h").await;
    let late = Receiver::healthy().start().await;
    project.register(json!({ "url": late.url() })).await;

    let replay = job(&project, &format!("/v1/events/{event}/replay"), &Value::Null).await;
    let replay = over(&gateway, &project, &replay).await;
    assert_eq!((&replay["status"], &replay["failed"]), (&json!("done"), &json!(0)), "{replay}");
    assert_eq!(replay["done"], replay["total"]);
    assert_eq!((receiver.count(), late.count()), (2, 1), "it goes to every endpoint that wants it");
    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.header("webhook-id") == Some(&event)));
    assert_eq!(requests[0].body, requests[1].body);
}

/// An endpoint with a past: one event was delivered, one failed, one was missed.
async fn with_a_past<'a>(gateway: &'a Gateway, receiver: &Receiver) -> (Project<'a>, Value, [String; 3]) {
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "retry": { "schedule": ["1s"] } })).await;
    let delivered = project.send("a.delivered", json!({})).await;
    gateway.advance("1m").await;
    let failed = project.send("a.failed", json!({})).await;
    gateway.advance("1m").await;
    project.ask(&endpoint, "pause").await;
    let missed = project.send("a.missed", json!({})).await;
    project.ask(&endpoint, "resume").await;
    gateway.advance("1m").await;
    assert_eq!(receiver.statuses(), [204, 500, 500]);
    (project, endpoint, [delivered, failed, missed])
}

#[tokio::test]
async fn recover_sends_what_failed_what_was_missed_or_both() {
    for (only, expected) in [("failed", &[1][..]), ("missed", &[2]), ("all", &[1, 2])] {
        let receiver = Receiver::replying([204, 500, 500, 204]).start().await;
        let gateway = Gateway::new().start().await;
        let (project, endpoint, events) = with_a_past(&gateway, &receiver).await;
        let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
        let recovery = job(&project, &path, &json!({ "since": "2026-01-05T09:00:00Z", "only": only })).await;
        let recovery = over(&gateway, &project, &recovery).await;

        assert_eq!(recovery["status"], "done", "{recovery}");
        assert_eq!((&recovery["total"], &recovery["done"]), (&json!(expected.len()), &json!(expected.len())), "{only}");
        let mut sent: Vec<String> = receiver.requests()[3..]
            .iter()
            .map(|request| request.header("webhook-id").unwrap_or("").to_owned())
            .collect();
        sent.sort();
        let mut wanted: Vec<String> = expected.iter().map(|position| events[*position].clone()).collect();
        wanted.sort();
        assert_eq!(sent, wanted, "{only}");
        for position in expected {
            let deliveries = project.list(&format!("/v1/deliveries?event={}", events[*position])).await;
            assert!(deliveries.iter().any(|delivery| delivery["status"] == "delivered"), "{only}: {deliveries:?}");
        }
    }
}

#[tokio::test]
async fn recover_heeds_since_and_until_and_what_the_endpoint_wants() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let mut events = Vec::new();
    for event_type in ["a.first", "a.second", "b.third", "a.fourth"] {
        events.push(project.send(event_type, json!({})).await);
        gateway.advance("1h").await;
    }
    project.send_event(json!({ "type": "a.of_a_tenant", "data": {}, "tenant": "t1" })).await;
    let endpoint = project.register(json!({ "url": receiver.url(), "events": ["a.*"] })).await;
    let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
    let window = json!({ "since": "2026-01-05T09:30:00Z", "until": "2026-01-05T12:30:00Z", "only": "missed" });
    let recovery = job(&project, &path, &window).await;
    assert_eq!(over(&gateway, &project, &recovery).await["total"], 2);
    let sent: Vec<String> =
        receiver.requests().iter().map(|request| request.header("webhook-id").unwrap_or("").to_owned()).collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.contains(&events[1]) && sent.contains(&events[3]), "{sent:?}");

    // What was recovered is missed no more.
    let recovery = job(&project, &path, &window).await;
    assert_eq!(over(&gateway, &project, &recovery).await["total"], 0);
    assert_eq!(receiver.count(), 2);
}

/// A recovery that has begun, of so many events that an endpoint with a rate limit missed.
async fn slow_recovery<'a>(
    gateway: &'a Gateway,
    receiver: &Receiver,
    missed: usize,
    rate_limit: Value,
) -> (Project<'a>, Value) {
    let project = gateway.project("acme").await;
    let events: Vec<Value> = (0..missed).map(|n| json!({ "type": "a", "data": { "n": n } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    gateway.advance("1m").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "rate_limit": rate_limit })).await;
    let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
    let recovery = job(&project, &path, &json!({ "since": "2026-01-05T00:00:00Z", "only": "missed" })).await;
    (project, recovery)
}

#[tokio::test]
async fn a_recovery_that_is_cancelled_ends() {
    const MISSED: usize = 5_000;
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    // So slow that the recovery, which does not crowd out what comes meanwhile, is not over by itself.
    let slow = json!({ "requests": 1, "per": "24h" });
    let (project, recovery) = slow_recovery(&gateway, &receiver, MISSED, slow).await;
    assert_eq!((&recovery["status"], &recovery["total"]), (&json!("running"), &json!(MISSED)));
    let path = format!("/v1/jobs/{}", text(&recovery["id"]));
    project.http.delete(&path).await.expect(204);

    let cancelled = over(&gateway, &project, &recovery).await;
    assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
    let made = pages(&project.http, "/v1/deliveries?", 250).await.len();
    assert!(made < MISSED, "all of it was done in spite of that");
    gateway.advance("1h").await;
    assert_eq!(pages(&project.http, "/v1/deliveries?", 250).await.len(), made);
    assert_eq!(project.http.get(&path).await.expect(200), cancelled);
    let problem = project.http.delete(&path).await.expect(409);
    assert_eq!(problem["code"], "conflict");
    assert!(problem["detail"].to_string().contains("has ended (cancelled)"), "{problem}");
}

#[tokio::test]
async fn a_recovery_does_not_crowd_out_what_comes_meanwhile() {
    const MISSED: usize = 2_500;
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let slow = json!({ "requests": 100, "per": "1s" });
    let (project, recovery) = slow_recovery(&gateway, &receiver, MISSED, slow).await;
    gateway.advance("5s").await;
    let live = project.send("live", json!({})).await;
    // Throttled, it has a bounded number of deliveries waiting: sent long before the 25 seconds are over.
    gateway.advance("14s").await;
    assert_eq!(project.delivery_of(&live).await["status"], "delivered");
    let recovery = over(&gateway, &project, &recovery).await;
    assert_eq!((&recovery["status"], &recovery["done"]), (&json!("done"), &json!(MISSED)), "{recovery}");
    assert_eq!(receiver.count(), MISSED + 1);
}
