//! Manual retries: a person asks for one more attempt.

use model::actor::Actor;
use model::delivery::{Due, Status};
use model::endpoint;
use model::id::DeliveryId;
use model::retry::Next;
use store::retries::Retried;

use crate::harness::{EXHAUSTED, HOUR, Opened, SECOND};

async fn retried(store: &Opened, due: &Due) -> Option<Retried> {
    store.retry(&Actor::Admin, store.project, due.id).await.unwrap()
}

#[tokio::test]
async fn an_attempt_by_hand_goes_before_the_planned_one_and_does_not_replace_it() {
    let store = Opened::fresh().await;
    for ordering in [endpoint::Ordering::None, endpoint::Ordering::Fifo] {
        let endpoint = store.plan().ordering(ordering).create().await;
        let first = store.send_to(&endpoint, "order.created").await;
        store.fails_for(&first, HOUR).await;
        store.advance(SECOND);

        assert_eq!(retried(&store, &first).await, Some(Retried::Due));

        let due = store.only_due_at(&endpoint).await;
        let planned_at = Some(first.next_attempt_at + HOUR);
        assert_eq!((due.id, due.next_attempt_at, due.planned_at), (first.id, store.now(), planned_at));
        assert_eq!((due.manual, due.attempt(), due.retries_used()), (false, 2, 1));
        store.delete(&endpoint).await;
    }
}

#[tokio::test]
async fn attempts_by_hand_use_no_step_of_the_schedule_and_move_no_planned_attempt() {
    let store = Opened::fresh().await;
    for ordering in [endpoint::Ordering::None, endpoint::Ordering::Fifo] {
        let endpoint = store.plan().ordering(ordering).create().await;
        let first = store.send_to(&endpoint, "order.created").await;
        store.send("order.paid").await;
        store.fails_for(&first, HOUR).await;
        let planned_at = store.now() + HOUR;

        for attempt in 2..5 {
            store.advance(SECOND);
            assert_eq!(retried(&store, &first).await, Some(Retried::Due));
            assert_eq!(retried(&store, &first).await, Some(Retried::Due), "asked for twice, it is still one");
            let due = store.due_at(&endpoint).await.into_iter().find(|due| due.id == first.id).unwrap();
            assert_eq!((due.attempt(), due.planned_at), (attempt, Some(planned_at)));
            store.fails(&due, Next::Again(planned_at)).await;
        }

        store.advance(HOUR);
        let due = store.due_at(&endpoint).await;
        let due = due.iter().find(|due| due.id == first.id).expect("it is due as it was planned");
        assert_eq!((due.next_attempt_at, due.planned_at), (planned_at, None));
        assert_eq!((due.manual, due.attempt(), due.retries_used()), (false, 5, 1));
        if ordering == endpoint::Ordering::Fifo {
            let turns = store.due_at(&endpoint).await;
            assert_eq!((turns.len(), turns[0].id), (2, first.id), "it kept its turn");
        }
        store.delete(&endpoint).await;
    }
}

#[tokio::test]
async fn a_success_by_hand_ends_the_schedule() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let first = store.send_to(&endpoint, "order.created").await;
    store.fails_for(&first, HOUR).await;
    retried(&store, &first).await;
    store.delivers(&store.only_due_at(&endpoint).await).await;

    store.advance(HOUR);
    assert_eq!(store.status_of(first.id).await, Status::Delivered);
    assert!(store.due_at(&endpoint).await.is_empty());
    // Sent once more, it has no schedule left behind it.
    retried(&store, &first).await;
    let due = store.only_due_at(&endpoint).await;
    assert_eq!((due.manual, due.planned_at), (true, None));
}

#[tokio::test]
async fn a_failed_delivery_gets_one_attempt_without_a_schedule() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let failed = store.send_to(&endpoint, "order.created").await;
    store.fails(&failed, EXHAUSTED).await;
    store.advance(HOUR);

    assert_eq!(retried(&store, &failed).await, Some(Retried::Due));

    let due = store.only_due_at(&endpoint).await;
    assert_eq!((due.id, due.manual, due.attempt(), due.retries_used()), (failed.id, true, 2, 0));
    assert_eq!(store.shown(due.id).await.delivery.next_attempt_at, Some(store.now()));
    store.delivers(&due).await;
    assert_eq!(store.status_of(due.id).await, Status::Delivered);
}

#[tokio::test]
async fn a_retry_asked_for_twice_is_still_one_attempt_by_hand() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let failed = store.send_to(&endpoint, "order.created").await;
    store.fails(&failed, EXHAUSTED).await;

    retried(&store, &failed).await;
    retried(&store, &failed).await;

    let due = store.only_due_at(&endpoint).await;
    assert_eq!((due.manual, due.attempt(), due.retries_used()), (true, 2, 0));
}

#[tokio::test]
async fn a_delivered_delivery_can_be_sent_once_more() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let delivered = store.send_to(&endpoint, "order.created").await;
    store.delivers(&delivered).await;

    assert_eq!(retried(&store, &delivered).await, Some(Retried::Due));

    assert_eq!(store.status_of(delivered.id).await, Status::Pending);
    let due = store.only_due_at(&endpoint).await;
    assert_eq!((due.manual, due.attempt()), (true, 2));
}

#[tokio::test]
async fn a_cancelled_delivery_can_be_sent_after_all() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let cancelled = store.send_to(&endpoint, "order.created").await;
    store.cancel(cancelled.id, model::delivery::Cancelled::Expired).await.unwrap();

    assert_eq!(retried(&store, &cancelled).await, Some(Retried::Due));

    let delivery = store.shown(cancelled.id).await.delivery;
    assert_eq!((delivery.status, delivery.reason, delivery.manual), (Status::Pending, None, true));
    assert_eq!(store.only_due_at(&endpoint).await.attempt(), 1);
}

#[tokio::test]
async fn a_delivery_of_a_deleted_endpoint_has_nowhere_to_go() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.delete(&endpoint).await;

    assert_eq!(retried(&store, &due).await, Some(Retried::NoEndpoint));

    assert_eq!(store.status_of(due.id).await, Status::Cancelled);
}

#[tokio::test]
async fn what_the_project_does_not_have_cannot_be_retried() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.delivers(&due).await;

    assert_eq!(store.retry(&Actor::Admin, other.id, due.id).await.unwrap(), None);
    assert_eq!(store.retry(&Actor::Admin, store.project, DeliveryId::new(&*store.clock)).await.unwrap(), None);

    assert_eq!(store.status_of(due.id).await, Status::Delivered);
}
