//! Waits after the clock went back: waiting deliveries become due earlier by as much.

use model::endpoint::Ordering;

use crate::harness::{HOUR, Opened, SECOND};

#[tokio::test]
async fn what_waits_comes_as_much_earlier_as_the_clock_went_back() {
    let store = Opened::fresh().await;
    for ordering in [Ordering::None, Ordering::Fifo] {
        let endpoint = store.plan().ordering(ordering).create().await;
        let first = store.send_to(&endpoint, "a").await;
        store.fails_for(&first, HOUR).await;
        let planned_at = store.now() + HOUR;
        store.clock.turn_back(60 * SECOND);
        store.bring_forward(60 * SECOND).await.unwrap();

        assert_eq!(store.shown(first.id).await.delivery.next_attempt_at, Some(planned_at - 60 * SECOND));
        store.advance(HOUR);
        let due = store.only_due_at(&endpoint).await;
        assert_eq!((due.id, due.next_attempt_at), (first.id, store.now()));
        if ordering == Ordering::Fifo {
            assert_eq!(due.order_key, first.order_key, "a turn is no time");
        }
        store.delete(&endpoint).await;
    }
}

#[tokio::test]
async fn what_asked_for_a_time_and_what_is_due_stay_where_they_are() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let at = store.now() + HOUR;
    store.draft("a").deliver_at(at).send().await;
    store.bring_forward(60 * SECOND).await.unwrap();
    assert_eq!(store.all_deliveries().await[0].next_attempt_at, Some(at));

    let due = store.send_to(&endpoint, "b").await;
    store.bring_forward(60 * SECOND).await.unwrap();
    assert_eq!(store.only_due_at(&endpoint).await.next_attempt_at, due.next_attempt_at);
}

#[tokio::test]
async fn many_that_wait_are_all_brought_forward_once() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("a", 600).await;
    let planned_at = store.now();
    store.clock.turn_back(2 * HOUR);
    assert!(store.due_at(&endpoint).await.is_empty());
    store.bring_forward(2 * HOUR).await.unwrap();
    let deliveries = store.all_deliveries().await;
    assert_eq!(deliveries.len(), 600);
    assert!(deliveries.iter().all(|delivery| delivery.next_attempt_at == Some(planned_at - 2 * HOUR)));
    assert!(!store.due_at(&endpoint).await.is_empty());
}
