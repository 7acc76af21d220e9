//! An endpoint's life: paused, disabled, resumed, deleted; what is told of it; and events with a time of their own.

use serde_json::{Value, json};
use testkit::behaviour::Reply;
use testkit::receiver::{Received, Receiver};

use crate::gateway::{Gateway, list, span, text, time};

#[tokio::test]
async fn an_endpoint_that_fails_for_five_days_is_disabled() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    // Ten attempts in three days.
    project.send("invoice.paid", json!({})).await;
    gateway.advance("115h").await;
    project.send("invoice.paid", json!({})).await;
    gateway.advance("1h").await;
    let failing = project.show(&endpoint).await;
    assert_eq!(failing["status"], "active", "it fails for four days and twenty hours: {failing:#}");

    // The fifth day ends between two attempts of the second event.
    gateway.advance("10h").await;
    let disabled = project.show(&endpoint).await;
    assert_eq!(disabled["status"], "disabled", "{disabled:#}");
    let reason = text(&disabled["disabled_reason"]);
    assert!(reason.contains("fail") && (reason.contains("5d") || reason.contains("5 d")), "{reason}");
    let seen = receiver.count();
    gateway.advance("7d").await;
    assert_eq!(receiver.count(), seen, "a disabled endpoint is left alone");
}

#[tokio::test]
async fn less_than_ten_attempts_disable_nothing() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    for _ in 0..4 {
        project.send("invoice.paid", json!({})).await;
        gateway.advance("2d").await;
    }
    let failing = project.show(&endpoint).await;
    assert_eq!((&failing["status"], &failing["failure_count"]), (&json!("active"), &json!(8)), "{failing:#}");
    // The tenth attempt is the one too many.
    project.send("invoice.paid", json!({})).await;
    gateway.advance("1m").await;
    assert_eq!(project.show(&endpoint).await["status"], "disabled");
}

#[tokio::test]
async fn a_success_within_the_five_days_starts_them_anew() {
    let receiver =
        Receiver::with(|request| Reply::status(if request.text().contains("good") { 204 } else { 500 })).start().await;
    let gateway = Gateway::new().retry(["1s", "1s", "1s", "1s", "1s"]).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    for event in ["bad", "bad", "good", "bad", "bad"] {
        project.send(event, json!({})).await;
        gateway.advance("2d").await;
    }
    let failing = project.show(&endpoint).await;
    assert_eq!((&failing["status"], &failing["failure_count"]), (&json!("active"), &json!(12)), "{failing:#}");
}

/// A gateway with one endpoint that hears of operational events, one that wants everything else, and one that answers
/// with `statuses`.
struct Watched {
    gateway: Gateway,
    watcher: Receiver,
    bystander: Receiver,
    subject: Receiver,
}

impl Watched {
    async fn answering(statuses: impl IntoIterator<Item = u16>) -> Self {
        let gateway = Gateway::new().retry(["1s"]).start().await;
        let watcher = Receiver::healthy().start().await;
        let bystander = Receiver::healthy().start().await;
        let subject = Receiver::replying(statuses).start().await;
        Self { gateway, watcher, bystander, subject }
    }

    /// What was told of that type. Nothing of the kind goes to who asked for everything.
    fn told(&self, event_type: &str) -> Vec<Received> {
        let is_ours = |request: &Received| text(&request.json()["type"]).starts_with("posthaste.");
        assert!(!self.bystander.requests().iter().any(is_ours), "`*` includes no operational events");
        assert!(self.watcher.requests().iter().all(is_ours), "`posthaste.*` is nothing else");
        self.watcher.requests().into_iter().filter(|request| request.json()["type"] == event_type).collect()
    }
}

#[tokio::test]
async fn disabling_and_recovering_are_told_to_endpoints_that_name_operational_events() {
    let watched = Watched::answering([410, 204]).await;
    let project = watched.gateway.project("acme").await;
    project.register(json!({ "url": watched.watcher.url(), "events": ["posthaste.*"] })).await;
    project.register(json!({ "url": watched.bystander.url(), "events": ["*"] })).await;
    project.register(json!({ "url": watched.bystander.url() })).await;
    let subject = project.register(json!({ "url": watched.subject.url(), "events": ["order.*"] })).await;

    project.send("order.paid", json!({})).await;
    watched.gateway.advance("1m").await;
    let told = watched.told("posthaste.endpoint.disabled");
    assert_eq!(told.len(), 1);
    assert!(told[0].text().contains(&text(&subject["id"])), "which endpoint? {}", told[0].text());
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert!(told[0].header(header).is_some(), "no {header}");
    }
    assert_eq!(watched.told("posthaste.endpoint.recovered").len(), 0);

    project.ask(&subject, "resume").await;
    project.send("order.paid", json!({})).await;
    watched.gateway.advance("1m").await;
    let told = watched.told("posthaste.endpoint.recovered");
    assert_eq!(told.len(), 1);
    assert!(told[0].text().contains(&text(&subject["id"])), "which endpoint? {}", told[0].text());

    // They are delivered like any event: each can be looked up.
    let deliveries = project.list("/v1/deliveries?event_type=posthaste.endpoint.recovered").await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0]["status"], "delivered");
}

#[tokio::test]
async fn an_exhausted_delivery_is_told_to_endpoints_that_name_it() {
    let watched = Watched::answering([500]).await;
    let project = watched.gateway.project("acme").await;
    project.register(json!({ "url": watched.watcher.url(), "events": ["posthaste.delivery.exhausted"] })).await;
    project.register(json!({ "url": watched.bystander.url(), "events": ["*"] })).await;
    project.register(json!({ "url": watched.subject.url(), "events": ["order.*"] })).await;

    let event = project.send("order.paid", json!({})).await;
    watched.gateway.advance("500ms").await;
    assert_eq!(watched.told("posthaste.delivery.exhausted").len(), 0, "there is another attempt");
    watched.gateway.advance("1m").await;
    let told = watched.told("posthaste.delivery.exhausted");
    assert_eq!(told.len(), 1);
    let deliveries = project.list(&format!("/v1/deliveries?event={event}&status=failed")).await;
    assert!(told[0].text().contains(&text(&deliveries[0]["id"])), "which delivery? {}", told[0].text());
}

#[tokio::test]
async fn other_projects_are_told_nothing() {
    let watched = Watched::answering([410]).await;
    let (project, other) = (watched.gateway.project("acme").await, watched.gateway.project("other").await);
    other.register(json!({ "url": watched.watcher.url(), "events": ["posthaste.*"] })).await;
    project.register(json!({ "url": watched.subject.url() })).await;
    project.send("order.paid", json!({})).await;
    watched.gateway.advance("1m").await;
    assert_eq!(watched.watcher.count(), 0);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_told_of_its_own_failures_does_not_make_them_for_ever() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "events": ["order.*", "posthaste.*"] })).await;
    project.send("order.paid", json!({})).await;
    gateway.advance("1m").await;
    let after_a_minute = receiver.count();
    gateway.advance("10m").await;
    assert_eq!(receiver.count(), after_a_minute, "each failed notice of a failure is noticed, and so on");
}

#[tokio::test]
async fn paused_makes_no_deliveries_and_what_is_pending_waits() {
    let receiver = Receiver::replying([500, 204]).start().await;
    let gateway = Gateway::new().retry(["10s"]).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let pending = project.send("order.paid", json!({})).await;
    gateway.at_rest().await;

    assert_eq!(project.ask(&endpoint, "pause").await["status"], "paused");
    let answer = project.send_event(json!({ "type": "order.missed", "data": {} })).await;
    assert_eq!(answer["deliveries"], 0);
    gateway.advance("1h").await;
    assert_eq!(receiver.count(), 1);
    assert_eq!(project.delivery_of(&pending).await["status"], "pending");
    assert!(project.list(&format!("/v1/deliveries?event={}", text(&answer["id"]))).await.is_empty());

    assert_eq!(project.ask(&endpoint, "resume").await["status"], "active");
    gateway.advance("1m").await;
    assert_eq!(project.delivery_of(&pending).await["status"], "delivered");
    assert_eq!(receiver.count(), 2, "what was missed is not sent unasked");
}

#[tokio::test]
async fn active_false_is_paused_and_active_is_pause_and_resume() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "active": false })).await;
    assert_eq!(endpoint["status"], "paused");
    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    for (active, status) in [(true, "active"), (false, "paused"), (true, "active")] {
        let changed = project.http.patch(&path, &json!({ "active": active })).await.expect(200);
        assert_eq!(changed["status"], status);
        let made = project.send_event(json!({ "type": "order.paid", "data": {} })).await["deliveries"].clone();
        assert_eq!(made, u8::from(active));
    }
}

#[tokio::test]
async fn deleting_an_endpoint_cancels_what_is_pending_and_keeps_the_record() {
    let receiver = Receiver::replying([500, 204]).start().await;
    let gateway = Gateway::new().retry(["10s"]).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let event = project.send("order.paid", json!({})).await;
    gateway.at_rest().await;

    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    project.http.delete(&path).await.expect(204);
    gateway.advance("1h").await;
    assert_eq!(receiver.count(), 1);
    let delivery = project.delivery_of(&event).await;
    assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(project.http.get(&path).await.status, 404);
    assert_eq!(project.send_event(json!({ "type": "order.paid", "data": {} })).await["deliveries"], 0);
}

#[tokio::test]
async fn a_delivery_to_a_deleted_endpoint_is_not_retried_by_hand() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    project.send("order.paid", json!({})).await;
    gateway.at_rest().await;
    project.http.delete(&format!("/v1/endpoints/{}", text(&endpoint["id"]))).await.expect(204);
    let retry = format!("/v1/deliveries/{}/retry", text(&project.deliveries().await[0]["id"]));
    let answer = project.http.post(&retry, &json!({})).await;
    assert!(matches!(answer.status, 404 | 409), "{}", answer.text());
    gateway.advance("1d").await;
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn deleting_a_project_ends_all_that_it_was_sending() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().retry(["10s", "10s"]).start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url() })).await;
    project.send("order.paid", json!({})).await;
    gateway.at_rest().await;
    let projects = list(&gateway.admin(), "/v1/projects").await;
    let acme = projects.iter().find(|project| project["slug"] == "acme").expect("it is listed");
    gateway.admin().delete(&format!("/v1/projects/{}", text(&acme["id"]))).await.expect(204);
    gateway.advance("1h").await;
    assert_eq!(receiver.count(), 1);
    // Its name is free again, and nothing of it is left.
    let again = gateway.project("acme").await;
    assert!(again.list("/v1/endpoints").await.is_empty() && again.deliveries().await.is_empty());
}

#[tokio::test]
async fn a_disabled_endpoint_is_resumed_by_active_too() {
    let receiver = Receiver::replying([410, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    project.send("order.paid", json!({})).await;
    gateway.at_rest().await;
    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    let resumed = project.http.patch(&path, &json!({ "active": true })).await.expect(200);
    assert_eq!((&resumed["status"], &resumed["failure_count"]), (&json!("active"), &json!(0)), "{resumed:#}");
    project.send("order.paid", json!({})).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn resuming_a_disabled_endpoint_sets_its_failure_count_to_zero() {
    let receiver = Receiver::replying([500, 500, 410]).start().await;
    let gateway = Gateway::new().retry(["1s", "1s"]).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    project.send("order.paid", json!({})).await;
    gateway.advance("1m").await;
    let disabled = project.show(&endpoint).await;
    assert_eq!((&disabled["status"], &disabled["failure_count"]), (&json!("disabled"), &json!(3)));
    let resumed = project.ask(&endpoint, "resume").await;
    assert_eq!((&resumed["status"], &resumed["failure_count"]), (&json!("active"), &json!(0)));
}

#[tokio::test]
async fn an_event_that_expires_is_not_sent_any_more() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().retry(["1m", "1m", "1m", "1h"]).start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let expiry = (gateway.now() + span("150s")).to_string();
    let event = json!({ "type": "offer.made", "data": {}, "expires_at": expiry });
    let event = text(&project.send_event(event).await["id"]);
    gateway.advance("3h").await;

    assert_eq!(receiver.count(), 3, "at 0, 1 and 2 minutes");
    let delivery = project.delivery_of(&event).await;
    assert_eq!((&delivery["status"], &delivery["reason"]), (&json!("cancelled"), &json!("expired")), "{delivery:#}");
    assert_eq!(delivery["next_attempt_at"], Value::Null);
}

#[tokio::test]
async fn an_event_that_has_expired_is_refused() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let expiry = "2026-01-05T08:59:59Z";
    let answer = project.http.post("/v1/events", &json!({ "type": "a", "data": {}, "expires_at": expiry })).await;
    let problem = answer.expect(422);
    assert_eq!(problem["code"], "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/expires_at");
    assert!(project.list("/v1/events").await.is_empty());
}

#[tokio::test]
async fn an_event_for_later_is_delivered_then() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let later = gateway.now() + span("3d");
    let answer = project.send_event(json!({ "type": "trial.ends", "data": {}, "deliver_at": later.to_string() })).await;
    assert_eq!(answer["deliveries"], 1);
    gateway.advance("71h").await;
    assert_eq!(receiver.count(), 0);
    let delivery = project.only_delivery().await;
    assert_eq!(delivery["status"], "pending");
    assert_eq!(time(&delivery["next_attempt_at"]), later);
    assert_eq!(delivery["request_body"], Value::Null);

    gateway.advance("1h").await;
    assert_eq!(receiver.count(), 1);
    let delivery = project.only_delivery().await;
    assert_eq!(delivery["status"], "delivered");
    assert_eq!(time(&delivery["attempts"][0]["started_at"]), later);
}
