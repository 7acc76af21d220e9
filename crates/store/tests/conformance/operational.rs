//! Operational events: Posthaste's own events about an endpoint, for endpoints that subscribe to them.

use std::sync::Arc;

use model::delivery::Due;
use model::endpoint::{Endpoint, Status};
use model::health::DisableRule;
use model::retry::Next;
use store::record::Record;

use crate::harness::{EXHAUSTED, FINAL, Opened, tried};

const DISABLED: &str = "posthaste.endpoint.disabled";
const RECOVERED: &str = "posthaste.endpoint.recovered";
const EXHAUSTION: &str = "posthaste.delivery.exhausted";

/// A store with an endpoint for orders, which a test makes fail, and one that gets the operational events about it.
async fn store_with_a_listener() -> (Opened, Arc<Endpoint>, Arc<Endpoint>) {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let listener = store.endpoint(&["posthaste.*"]).await;
    (store, endpoint, listener)
}

async fn gone(store: &Opened, due: &Due) {
    let rule = DisableRule { on_status: vec![410], ..DisableRule::default() };
    store.record(Record { rule: Arc::new(rule), ..tried(due, 410, FINAL) }).await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_disabled_is_told_of_to_those_who_name_it() {
    let (store, endpoint, listener) = store_with_a_listener().await;
    let exactly = store.endpoint(&[DISABLED]).await;
    let other = store.endpoint(&[RECOVERED]).await;
    let everything = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;

    gone(&store, &due).await;

    assert_eq!(store.types_for(&listener).await, [DISABLED]);
    assert_eq!(store.types_for(&exactly).await, [DISABLED]);
    assert!(store.types_for(&other).await.is_empty());
    assert_eq!(store.types_for(&everything).await, ["order.created"], "* does not name them");
    assert_eq!(store.types_for(&endpoint).await, ["order.created"]);
    let said: serde_json::Value = serde_json::from_str(store.only_due_at(&listener).await.event.data.as_str()).unwrap();
    assert_eq!(said["endpoint"]["id"], endpoint.id.to_string());
    assert!(said["reason"].as_str().unwrap().contains("410"));
}

#[tokio::test]
async fn a_delivery_whose_schedule_ran_out_is_told_of() {
    let (store, endpoint, listener) = store_with_a_listener().await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails(&due, Next::Again(store.now())).await;
    assert!(store.types_for(&listener).await.is_empty());

    store.fails(&store.only_due_at(&endpoint).await, EXHAUSTED).await;

    let notice = store.only_due_at(&listener).await;
    assert_eq!(notice.event.event_type.as_str(), EXHAUSTION);
    let said: serde_json::Value = serde_json::from_str(notice.event.data.as_str()).unwrap();
    assert_eq!(said["delivery"]["id"], due.id.to_string());
    assert_eq!(said["delivery"]["event_id"], due.event.id.as_str());
    assert_eq!(said["delivery"]["event_type"], "order.created");
    assert_eq!((&said["delivery"]["attempts"], &said["delivery"]["status_code"]), (&2.into(), &500.into()));
    assert_eq!(said["delivery"]["error"]["kind"], "status");
}

#[tokio::test]
async fn a_failure_that_is_not_retried_is_no_exhaustion() {
    let (store, endpoint, listener) = store_with_a_listener().await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails(&due, FINAL).await;
    assert!(store.types_for(&listener).await.is_empty());
}

#[tokio::test]
async fn an_endpoint_that_delivers_again_after_exhaustion_has_recovered() {
    let (store, endpoint, listener) = store_with_a_listener().await;
    store.fails(&store.send_to(&endpoint, "order.created").await, EXHAUSTED).await;
    store.fails(&store.send_to(&endpoint, "order.created").await, EXHAUSTED).await;
    store.delivers(&store.send_to(&endpoint, "order.created").await).await;
    store.delivers(&store.send_to(&endpoint, "order.created").await).await;
    assert_eq!(store.types_for(&listener).await, [EXHAUSTION, EXHAUSTION, RECOVERED]);
}

#[tokio::test]
async fn an_endpoint_that_delivers_again_after_it_was_disabled_has_recovered() {
    let (store, endpoint, listener) = store_with_a_listener().await;
    gone(&store, &store.send_to(&endpoint, "order.created").await).await;

    let store = store.reopen().await;
    store.set_status(&endpoint, Status::Active).await;
    assert_eq!(store.types_for(&listener).await, [DISABLED], "it has not delivered yet");
    store.delivers(&store.send_to(&endpoint, "order.created").await).await;

    assert_eq!(store.types_for(&listener).await, [DISABLED, RECOVERED]);
}

#[tokio::test]
async fn a_success_after_failures_that_were_retried_is_no_recovery() {
    let (store, endpoint, listener) = store_with_a_listener().await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails(&due, Next::Again(store.now())).await;
    store.delivers(&store.only_due_at(&endpoint).await).await;
    assert!(store.types_for(&listener).await.is_empty());
}

#[tokio::test]
async fn an_operational_event_that_cannot_be_delivered_brings_about_no_other() {
    let (store, endpoint, listener) = store_with_a_listener().await;
    store.fails(&store.send_to(&endpoint, "order.created").await, EXHAUSTED).await;

    store.fails(&store.only_due_at(&listener).await, EXHAUSTED).await;
    assert_eq!(store.types_for(&listener).await, [EXHAUSTION]);

    store.fails(&store.send_to(&endpoint, "order.created").await, EXHAUSTED).await;
    store.delivers(&store.only_due_at(&listener).await).await;
    assert_eq!(store.types_for(&listener).await, [EXHAUSTION, EXHAUSTION], "nor a recovery from it");
}

#[tokio::test]
async fn what_concerns_a_tenants_endpoint_is_told_to_that_tenant_and_to_those_for_all() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().tenant("ours").create().await;
    let ours = store.plan().tenant("ours").events(&["posthaste.*"]).create().await;
    let theirs = store.plan().tenant("theirs").events(&["posthaste.*"]).create().await;
    let everyones = store.endpoint(&["posthaste.*"]).await;
    store.draft("order.created").tenant("ours").send().await;

    gone(&store, &store.only_due_at(&endpoint).await).await;

    assert_eq!(store.types_for(&ours).await, [DISABLED]);
    assert_eq!(store.types_for(&everyones).await, [DISABLED]);
    assert!(store.types_for(&theirs).await.is_empty());
}

#[tokio::test]
async fn nothing_is_told_to_another_project() {
    let (store, endpoint, _) = store_with_a_listener().await;
    let other = store.project_called("other").await;
    let stranger = store.plan().of(other.id).events(&["posthaste.*"]).create().await;

    gone(&store, &store.send_to(&endpoint, "order.created").await).await;

    assert!(store.types_for(&stranger).await.is_empty());
}

#[tokio::test]
async fn what_nobody_asked_to_hear_is_not_stored() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    gone(&store, &store.send_to(&endpoint, "order.created").await).await;
    assert_eq!(store.all_events().await.len(), 1);
}
