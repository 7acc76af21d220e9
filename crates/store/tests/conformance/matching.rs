//! Matching: the endpoints that an event goes to.

use std::collections::HashSet;

use model::endpoint::{Endpoint, Status};
use model::id::EndpointId;
use store::ingest::Accepted;

use crate::harness::Opened;

async fn takers(store: &Opened) -> HashSet<EndpointId> {
    store.all_deliveries().await.into_iter().map(|delivery| delivery.endpoint).collect()
}

fn ids<const N: usize>(endpoints: [&Endpoint; N]) -> HashSet<EndpointId> {
    endpoints.into_iter().map(|endpoint| endpoint.id).collect()
}

#[tokio::test]
async fn an_event_goes_to_every_endpoint_that_subscribes_to_its_type() {
    let store = Opened::fresh().await;
    let all = store.endpoint(&["*"]).await;
    let prefix = store.endpoint(&["order.*"]).await;
    let exact = store.endpoint(&["invoice.paid", "order.created"]).await;
    store.endpoint(&["invoice.*"]).await;
    store.endpoint(&["order"]).await;
    store.endpoint(&["order.created.late"]).await;

    let accepted = store.draft("order.created").ingest().await;

    assert!(matches!(accepted, Accepted::New { deliveries: 3, .. }), "{accepted:?}");
    assert_eq!(takers(&store).await, ids([&all, &prefix, &exact]));
}

#[tokio::test]
async fn a_tenants_endpoint_gets_that_tenants_events_and_one_without_a_tenant_gets_all() {
    let store = Opened::fresh().await;
    let ours = store.plan().tenant("ours").create().await;
    let theirs = store.plan().tenant("theirs").create().await;
    let everyones = store.endpoint(&["*"]).await;

    store.draft("order.created").tenant("ours").send().await;
    store.draft("order.paid").tenant("theirs").send().await;
    store.send("order.shipped").await;

    assert_eq!(store.types_for(&ours).await, ["order.created"]);
    assert_eq!(store.types_for(&theirs).await, ["order.paid"]);
    assert_eq!(store.types_for(&everyones).await, ["order.created", "order.paid", "order.shipped"]);
}

#[tokio::test]
async fn an_event_goes_to_endpoints_of_its_own_project_alone() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;
    let ours = store.endpoint(&["*"]).await;
    let theirs = store.plan().of(other.id).create().await;

    store.send("order.created").await;
    store.draft("order.paid").of(other.id).send().await;

    assert_eq!(store.types_for(&ours).await, ["order.created"]);
    assert_eq!(store.types_for(&theirs).await, ["order.paid"]);
}

#[tokio::test]
async fn a_paused_a_disabled_and_a_deleted_endpoint_get_nothing_new() {
    let store = Opened::fresh().await;
    let paused = store.endpoint(&["*"]).await;
    let disabled = store.endpoint(&["*"]).await;
    let deleted = store.endpoint(&["*"]).await;
    store.send("before.all").await;

    store.set_status(&paused, Status::Paused).await;
    store.set_status(&disabled, Status::Disabled).await;
    store.delete(&deleted).await;
    let accepted = store.draft("after.all").ingest().await;

    assert!(matches!(accepted, Accepted::New { deliveries: 0, .. }), "{accepted:?}");
    for endpoint in [&paused, &disabled, &deleted] {
        assert_eq!(store.types_for(endpoint).await, ["before.all"]);
    }
}

#[tokio::test]
async fn what_was_pending_when_an_endpoint_was_paused_waits_for_it() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let waiting = store.send_to(&endpoint, "order.created").await;

    store.set_status(&endpoint, Status::Paused).await;
    store.send("order.missed").await;
    store.set_status(&endpoint, Status::Active).await;
    store.send("order.paid").await;

    assert_eq!(store.types_for(&endpoint).await, ["order.created", "order.paid"]);
    assert_eq!(store.due_at(&endpoint).await[0].id, waiting.id);
}

#[tokio::test]
async fn an_event_that_nobody_wants_is_stored_and_can_be_seen() {
    let store = Opened::fresh().await;
    store.endpoint(&["invoice.*"]).await;

    let id = store.send("order.created").await;

    let seen = store.event(store.project, id.clone()).await.unwrap().unwrap();
    assert_eq!((seen.event.id, seen.deliveries), (id.clone(), 0));
    assert_eq!(store.all_events().await[0].id, id);
    assert!(store.all_deliveries().await.is_empty());
}

#[tokio::test]
async fn a_changed_subscription_holds_from_the_next_event_on() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["order.*"]).await;
    store.send("invoice.paid").await;

    let invoices = crate::harness::subscription(&["invoice.*"]);
    store.change(&endpoint, move |endpoint| endpoint.settings.events = invoices.clone()).await;
    store.send("invoice.voided").await;
    store.send("order.created").await;

    assert_eq!(store.types_for(&endpoint).await, ["invoice.voided"]);
}

#[tokio::test]
async fn an_event_handed_in_right_behind_a_new_endpoint_goes_to_it() {
    let store = Opened::fresh().await;
    let plan = store.plan();
    let id = plan.endpoint.id;

    let (_, accepted) = tokio::join!(plan.create(), store.draft("order.created").ingest());

    assert!(matches!(accepted, Accepted::New { deliveries: 1, .. }), "{accepted:?}");
    assert_eq!(takers(&store).await, HashSet::from([id]));
}
