//! An endpoint's failure streak, and the rules that disable it.

use std::sync::Arc;
use std::time::Duration;

use model::attempt::{Failure, FailureKind};
use model::endpoint::{Endpoint, Status};
use model::health::{DisableRule, Health};
use model::retry::Next;
use store::record::Record;

use crate::harness::{DAY, EXHAUSTED, FINAL, HOUR, Opened, SECOND, tried};

fn after(failures: u32) -> DisableRule {
    DisableRule { consecutive_failures: failures, ..DisableRule::default() }
}

/// One attempt at an event of its own, with the response `status`, in a dialect with that rule.
async fn attempt(store: &Opened, endpoint: &Endpoint, status: u16, rule: &DisableRule) {
    let due = store.send_to(endpoint, "order.created").await;
    let next = if status < 300 { Next::Delivered } else { EXHAUSTED };
    store.record(Record { rule: Arc::new(rule.clone()), ..tried(&due, status, next) }).await.unwrap();
}

#[tokio::test]
async fn failed_attempts_in_a_row_are_counted_and_a_success_sets_the_count_back() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let rule = DisableRule::default();
    assert_eq!(store.health_of(&endpoint).await, Health::default());

    let began = store.now();
    for failures in 1..=3 {
        attempt(&store, &endpoint, 500, &rule).await;
        let health = store.health_of(&endpoint).await;
        assert_eq!(health, Health { failure_count: failures, failing_since: Some(began) });
        store.advance(HOUR);
    }
    attempt(&store, &endpoint, 200, &rule).await;
    assert_eq!(store.health_of(&endpoint).await, Health::default());

    attempt(&store, &endpoint, 500, &rule).await;
    assert_eq!(store.health_of(&endpoint).await, Health { failure_count: 1, failing_since: Some(store.now()) });
}

#[tokio::test]
async fn every_attempt_counts_not_every_delivery() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails(&due, Next::Again(store.now())).await;
    store.fails(&store.only_due_at(&endpoint).await, EXHAUSTED).await;
    assert_eq!(store.health_of(&endpoint).await.failure_count, 2);
}

#[tokio::test]
async fn one_endpoints_failures_are_not_anothers() {
    let store = Opened::fresh().await;
    let (bad, good) = (store.endpoint(&["*"]).await, store.endpoint(&["*"]).await);
    attempt(&store, &bad, 500, &after(10)).await;

    let conditions = store.conditions(vec![good.id, bad.id]).await.unwrap();

    assert_eq!(conditions[0].health.failure_count, 0);
    assert_eq!(conditions[1].health.failure_count, 1);
}

#[tokio::test]
async fn a_status_that_says_never_again_disables_at_once() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let rule = DisableRule { on_status: vec![410], ..DisableRule::default() };

    attempt(&store, &endpoint, 500, &rule).await;
    assert_eq!(store.current(&endpoint).status, Status::Active);
    attempt(&store, &endpoint, 410, &rule).await;

    let now = store.current(&endpoint);
    assert_eq!(now.status, Status::Disabled);
    assert!(now.disabled_reason.as_ref().unwrap().contains("410"), "{now:?}");
}

#[tokio::test]
async fn a_receiver_that_says_in_words_that_it_is_gone_is_disabled_where_410_disables() {
    let store = Opened::fresh().await;
    let cases = [(vec![410], Status::Disabled), (vec![], Status::Active)];
    for (on_status, status) in cases {
        let endpoint = store.endpoint(&["*"]).await;
        let due = store.send_to(&endpoint, "order.created").await;
        let rule = Arc::new(DisableRule { on_status, ..DisableRule::default() });
        let mut record = Record { gone: true, rule, ..tried(&due, 404, FINAL) };
        let words = Failure::new(FailureKind::Status, "answered 404 no_service: the webhook was removed");
        record.attempt.outcome = record.attempt.outcome.but(words);
        store.record(record).await.unwrap();

        let now = store.current(&endpoint);
        assert_eq!(now.status, status);
        let reason =
            (status == Status::Disabled).then_some("the receiver answered 404 no_service: the webhook was removed");
        assert_eq!(now.disabled_reason.as_deref(), reason);
    }
}

#[tokio::test]
async fn so_many_failures_in_a_row_disable() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    for status in [500, 500, 200, 500, 500] {
        attempt(&store, &endpoint, status, &after(3)).await;
        assert_eq!(store.current(&endpoint).status, Status::Active);
    }
    attempt(&store, &endpoint, 500, &after(3)).await;
    assert_eq!(store.current(&endpoint).status, Status::Disabled);
}

#[tokio::test]
async fn failing_for_so_long_disables_and_not_the_count_alone() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let rule = DisableRule { failing_for: 5 * DAY, ..after(3) };
    for _ in 0..4 {
        attempt(&store, &endpoint, 500, &rule).await;
    }
    store.advance(5 * DAY - SECOND);
    attempt(&store, &endpoint, 500, &rule).await;
    assert_eq!(store.current(&endpoint).status, Status::Active);

    store.advance(SECOND);
    attempt(&store, &endpoint, 500, &rule).await;
    assert_eq!(store.current(&endpoint).status, Status::Disabled);
}

#[tokio::test]
async fn failures_of_many_attempts_at_once_are_all_counted() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 40).await;
    let due = store.due_at(&endpoint).await;

    store.record_all(due.iter().map(|due| tried(due, 500, EXHAUSTED))).await;

    assert_eq!(store.health_of(&endpoint).await.failure_count, 40);
}

#[tokio::test]
async fn what_is_on_its_way_to_a_disabled_endpoint_is_still_recorded() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 3).await;
    let under_way = store.due_at(&endpoint).await;
    let fails = |due| Record { rule: Arc::new(after(1)), ..tried(due, 500, EXHAUSTED) };

    store.record(fails(&under_way[0])).await.unwrap();
    let reason = store.current(&endpoint).disabled_reason.clone();
    store.record(fails(&under_way[1])).await.unwrap();
    store.delivers(&under_way[2]).await;

    let now = store.current(&endpoint);
    assert_eq!((now.status, &now.disabled_reason), (Status::Disabled, &reason));
    assert_eq!(store.health_of(&endpoint).await, Health::default());
}

#[tokio::test]
async fn an_endpoint_that_its_owner_paused_is_not_disabled_over_it() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let under_way = store.send_to(&endpoint, "order.created").await;
    store.set_status(&endpoint, Status::Paused).await;

    store.record(Record { rule: Arc::new(after(1)), ..tried(&under_way, 500, EXHAUSTED) }).await.unwrap();

    assert_eq!(store.current(&endpoint).status, Status::Paused);
}

#[tokio::test]
async fn a_disabled_endpoint_that_is_resumed_starts_with_no_failures() {
    let store = Opened::fresh().await;
    for on_the_way in [None, Some(Status::Paused)] {
        let endpoint = store.endpoint(&["*"]).await;
        attempt(&store, &endpoint, 500, &after(1)).await;
        assert_eq!(store.current(&endpoint).status, Status::Disabled);

        for status in on_the_way.into_iter().chain([Status::Active]) {
            store.set_status(&endpoint, status).await;
        }

        assert_eq!(store.health_of(&endpoint).await, Health::default(), "by way of {on_the_way:?}");
        attempt(&store, &endpoint, 500, &after(2)).await;
        assert_eq!(store.current(&endpoint).status, Status::Active);
        store.delete(&endpoint).await;
    }
}

#[tokio::test]
async fn pausing_and_resuming_forgives_no_failures() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    attempt(&store, &endpoint, 500, &after(3)).await;

    store.set_status(&endpoint, Status::Paused).await;
    store.set_status(&endpoint, Status::Active).await;

    assert_eq!(store.health_of(&endpoint).await.failure_count, 1);
}

#[tokio::test]
async fn failures_are_remembered_over_a_restart() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    attempt(&store, &endpoint, 500, &after(3)).await;
    attempt(&store, &endpoint, 500, &after(3)).await;

    let store = store.reopen().await;
    assert_eq!(store.health_of(&endpoint).await.failure_count, 2);
    attempt(&store, &endpoint, 500, &after(3)).await;

    let store = store.reopen().await;
    let now = store.current(&endpoint);
    assert_eq!(now.status, Status::Disabled);
    assert_eq!(now.disabled_reason.as_deref(), Some("3 failures in a row"));
}

#[tokio::test]
async fn an_endpoint_shows_its_newest_delivery() {
    let store = Opened::fresh().await;
    let (busy, idle) = (store.endpoint(&["order.*"]).await, store.endpoint(&["invoice.*"]).await);
    let old = store.send_to(&busy, "order.created").await;
    store.delivers(&old).await;
    store.advance(SECOND);
    let new = store.send_to(&busy, "order.paid").await;
    store.fails(&new, EXHAUSTED).await;
    store.advance(Duration::from_millis(1));

    let mut conditions = store.conditions(vec![busy.id, idle.id]).await.unwrap();

    assert!(conditions.pop().unwrap().last_delivery.is_none());
    let last = conditions.pop().unwrap().last_delivery.unwrap();
    assert_eq!((last.id, last.status, last.status_code), (new.id, model::delivery::Status::Failed, Some(500)));
    assert_eq!(last.created_at, store.now() - Duration::from_millis(1));
}
