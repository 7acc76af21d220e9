//! Due deliveries of an endpoint, and the time of the next ones.

use model::endpoint::Ordering::{Fifo, None as Unordered};
use model::id::EventId;

use crate::harness::{EXHAUSTED, HOUR, Opened, SECOND};

#[tokio::test]
async fn due_deliveries_come_oldest_first_and_no_more_than_asked_for() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.endpoint(&["*"]).await;
    let mut sent = store.send_many("order.created", 3).await;
    store.advance(SECOND);
    sent.extend(store.send_many("order.created", 3).await);

    for ordering in [Unordered, Fifo] {
        let some = store.due(endpoint.id, ordering, store.now(), 4).await.unwrap();
        let events: Vec<EventId> = some.due.iter().map(|due| due.event.id.clone()).collect();
        assert_eq!(events, sent[..4]);
        assert_eq!(some.next_at, Some(store.now()), "there are more");

        let all = store.due(endpoint.id, ordering, store.now(), 7).await.unwrap();
        assert_eq!((all.due.len(), all.next_at), (6, None));
        assert!(all.due.iter().all(|due| due.endpoint == endpoint.id));
    }
}

#[tokio::test]
async fn an_endpoint_with_nothing_pending_has_nothing_due() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    for ordering in [Unordered, Fifo] {
        let pending = store.due(endpoint.id, ordering, store.now(), 10).await.unwrap();
        assert!(pending.due.is_empty() && pending.next_at.is_none());
    }
    assert!(store.pending_endpoints().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_retry_waits_for_its_time_and_holds_nobody_back() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let first = store.send_to(&endpoint, "order.created").await;
    store.fails_for(&first, HOUR).await;
    store.advance(SECOND);
    store.send("order.paid").await;

    let pending = store.due(endpoint.id, Unordered, store.now(), 10).await.unwrap();
    let types: Vec<_> = pending.due.iter().map(|due| due.event.event_type.as_str()).collect();
    assert_eq!(types, ["order.paid"]);
    assert_eq!(pending.next_at, Some(first.next_attempt_at + HOUR));

    store.advance(HOUR);
    let due = store.due_at(&endpoint).await;
    assert_eq!(due.len(), 2);
    assert_eq!((due[1].id, due[1].attempts), (first.id, 1), "its turn is when it is due");
}

#[tokio::test]
async fn in_strict_order_a_failed_head_keeps_its_place_and_holds_the_rest_back() {
    let store = Opened::fresh().await;
    let endpoint = store.ordered_endpoint().await;
    let sent = store.send_many("order.created", 3).await;
    let head = store.due_at(&endpoint).await.remove(0);
    store.advance(SECOND);
    store.fails_for(&head, HOUR).await;
    store.send("order.paid").await;

    let due = store.due_at(&endpoint).await;

    let events: Vec<EventId> = due.iter().take(3).map(|due| due.event.id.clone()).collect();
    assert_eq!(events, sent);
    assert_eq!((due[0].id, due[0].attempts, due[0].order_key), (head.id, 1, head.order_key));
    assert_eq!(due[0].next_attempt_at, store.now() + HOUR, "the head is due later, and the rest wait for it");
}

#[tokio::test]
async fn in_strict_order_the_next_one_is_the_head_when_the_first_is_delivered_or_given_up() {
    let store = Opened::fresh().await;
    let endpoint = store.ordered_endpoint().await;
    let sent = store.send_many("order.created", 3).await;

    let due = store.due_at(&endpoint).await;
    store.delivers(&due[0]).await;
    assert_eq!(store.due_at(&endpoint).await[0].event.id, sent[1]);

    store.fails(&due[1], EXHAUSTED).await;
    assert_eq!(store.only_due_at(&endpoint).await.event.id, sent[2]);
}

#[tokio::test]
async fn in_strict_order_an_event_for_later_holds_nobody_back() {
    let store = Opened::fresh().await;
    let endpoint = store.ordered_endpoint().await;
    let later = store.draft("order.created").deliver_at(store.now() + HOUR).send().await;
    let now = store.send("order.paid").await;

    let due = store.due_at(&endpoint).await;

    assert_eq!((&due[0].event.id, &due[1].event.id), (&now, &later));
    assert_eq!(due[1].next_attempt_at, store.now() + HOUR);
}

#[tokio::test]
async fn leaving_strict_order_lets_the_rest_go_and_the_failed_head_wait_for_its_time() {
    let store = Opened::fresh().await;
    let endpoint = store.ordered_endpoint().await;
    store.send_many("order.created", 3).await;
    let head = store.due_at(&endpoint).await.remove(0);
    store.fails_for(&head, HOUR).await;

    store.set_ordering(&endpoint, Unordered).await;

    let pending = store.due(endpoint.id, Unordered, store.now(), 10).await.unwrap();
    assert_eq!(pending.due.len(), 2);
    assert!(pending.due.iter().all(|due| due.id != head.id));
    assert_eq!(pending.next_at, Some(store.now() + HOUR));
}

#[tokio::test]
async fn leaving_strict_order_no_retry_comes_before_its_time_though_many_were_under_way() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 3).await;
    let under_way = store.due_at(&endpoint).await;

    store.set_ordering(&endpoint, Fifo).await;
    for due in &under_way {
        store.fails_for(due, HOUR).await;
    }
    store.set_ordering(&endpoint, Unordered).await;

    let pending = store.due(endpoint.id, Unordered, store.now(), 10).await.unwrap();
    assert!(pending.due.is_empty(), "{:?}", pending.due);
    assert_eq!(pending.next_at, Some(store.now() + HOUR));
}

#[tokio::test]
async fn at_start_the_engine_learns_when_each_endpoint_has_something_to_send() {
    let store = Opened::fresh().await;
    let busy = store.endpoint(&["order.*"]).await;
    let later = store.endpoint(&["invoice.*"]).await;
    let idle = store.endpoint(&["report.*"]).await;
    store.endpoint(&["other.*"]).await;
    let start = store.now();
    store.send_many("order.created", 3).await;
    store.draft("invoice.paid").deliver_at(start + HOUR).send().await;
    let done = store.send_to(&idle, "report.made").await;
    store.delivers(&done).await;
    store.advance(SECOND);

    let store = store.reopen().await;

    let mut pending = store.pending_endpoints().await.unwrap();
    pending.sort();
    let mut expected = vec![(busy.id, start), (later.id, start + HOUR)];
    expected.sort();
    assert_eq!(pending, expected);
}
