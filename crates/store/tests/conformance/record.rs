//! Recording of attempts, and the new status of their deliveries.

use std::time::Duration;

use model::actor::Actor;
use model::attempt::{Answer, Body, FailureKind, Outcome};
use model::delivery::{Cancelled, Due, Status};
use model::headers::Headers;
use model::id::DeliveryId;
use model::retry::Next;

use crate::harness::{EXHAUSTED, FINAL, HOUR, Opened, SECOND, tried};

#[tokio::test]
async fn a_delivery_is_done_when_it_is_delivered() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;

    store.delivers(&due).await;

    let delivery = store.shown(due.id).await.delivery;
    assert_eq!((delivery.status, delivery.attempts, delivery.status_code), (Status::Delivered, 1, Some(204)));
    assert_eq!(delivery.next_attempt_at, None);
    assert!(store.due_at(&endpoint).await.is_empty());
}

#[tokio::test]
async fn a_delivery_that_is_to_be_tried_again_is_pending_until_then() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;

    store.fails_for(&due, HOUR).await;

    let delivery = store.shown(due.id).await.delivery;
    assert_eq!((delivery.status, delivery.attempts, delivery.status_code), (Status::Pending, 1, Some(500)));
    assert_eq!(delivery.next_attempt_at, Some(store.now() + HOUR));
    assert!(store.due_at(&endpoint).await.is_empty());
    store.advance(HOUR);
    let again = store.only_due_at(&endpoint).await;
    assert_eq!((again.id, again.attempt(), again.retries_used()), (due.id, 2, 1));
}

#[tokio::test]
async fn a_delivery_that_is_given_up_has_failed() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    for next in [EXHAUSTED, FINAL] {
        let due = store.send_to(&endpoint, "order.created").await;
        store.fails(&due, next).await;
        let delivery = store.shown(due.id).await.delivery;
        assert_eq!((delivery.status, delivery.next_attempt_at, delivery.reason), (Status::Failed, None, None));
        assert!(store.due_at(&endpoint).await.is_empty());
    }
}

#[tokio::test]
async fn attempts_are_numbered_over_a_deliverys_life_with_those_by_hand_among_them() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut due = store.send_to(&endpoint, "order.created").await;
    store.fails_for(&due, SECOND).await;
    store.advance(SECOND);
    due = store.only_due_at(&endpoint).await;
    store.fails(&due, EXHAUSTED).await;
    store.retry(&Actor::Admin, store.project, due.id).await.unwrap();
    due = store.only_due_at(&endpoint).await;
    store.delivers(&due).await;

    let shown = store.shown(due.id).await;

    let attempts: Vec<_> = shown.attempts.iter().map(|attempt| (attempt.number, attempt.status_code)).collect();
    assert_eq!(attempts, [(1, Some(500)), (2, Some(500)), (3, Some(204))]);
    assert_eq!(shown.delivery.attempts, 3);
}

#[tokio::test]
async fn an_attempt_is_kept_with_all_that_was_sent_and_came_back() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    let next_at = store.now() + HOUR;
    let mut record = tried(&due, 503, Next::Again(next_at));
    record.attempt.duration = Duration::from_millis(1_234);
    record.attempt.request_headers = Headers::from([("X-A", "1"), ("x-a", "ü")]);
    record.attempt.outcome = Outcome::Answered(Answer {
        status: 503,
        headers: Headers::from([("retry-after", "3600")]),
        body: vec![0, 159, 146, 150],
        truncated: true,
        ..Answer::default()
    });

    store.record(record).await.unwrap();

    let store = store.reopen().await;
    let kept = store.shown(due.id).await.attempts.remove(0);
    assert_eq!((kept.number, kept.started_at, kept.duration_ms), (1, due.next_attempt_at, 1_234));
    assert_eq!((kept.status_code, kept.next_attempt_at), (Some(503), Some(next_at)));
    assert_eq!(kept.failure.unwrap().kind, FailureKind::Status);
    assert_eq!(kept.request_headers, Headers::from([("X-A", "1"), ("x-a", "ü")]));
    assert_eq!(kept.response_headers, Headers::from([("retry-after", "3600")]));
    assert_eq!((kept.response_body, kept.response_truncated), (vec![0, 159, 146, 150], true));
}

#[tokio::test]
async fn an_attempt_is_kept_with_its_body_or_with_the_dialect_that_makes_it() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    let bodies = [Body::Kept("{}".into()), Body::Of("standard".into()), Body::Of("trakkr".into())];
    for (number, body) in (0..).zip(&bodies) {
        let mut record = tried(&Due { attempts: number, ..due.clone() }, 503, Next::Again(store.now()));
        record.attempt.body = body.clone();
        record.attempt.notes = vec!["event.data.x is missing".to_owned(); number as usize];
        store.record(record).await.unwrap();
    }

    let kept = store.shown(due.id).await.attempts;

    assert_eq!(store.bodies_of(due.id).await, bodies);
    assert_eq!(kept.iter().map(|attempt| attempt.notes.len()).collect::<Vec<_>>(), [0, 1, 2]);
}

#[tokio::test]
async fn a_body_that_was_sent_before_is_kept_once() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    let (long, other): (Vec<u8>, Vec<u8>) = (vec![b'a'; 100_000], vec![b'b'; 100_000]);
    let none = Body::None;
    let sent = [&long, &long, &other, &other, &long].map(|body| Body::Kept(body.clone().into()));
    let sent: Vec<Body> = sent[..2].iter().chain([&none]).chain(&sent[2..]).cloned().collect();
    for (number, body) in (0..).zip(&sent) {
        let next = if number == 5 { Next::Delivered } else { Next::Again(store.now()) };
        let mut record = tried(&Due { attempts: number, ..due.clone() }, 503, next);
        record.attempt.body = body.clone();
        if *body == Body::None {
            record.attempt.outcome = Outcome::failed(FailureKind::Render, "no such slot");
        }
        store.record(record).await.unwrap();
    }

    assert_eq!(store.bodies_of(due.id).await, sent);
    let weight = store.weight_of_delivery(store.project, due.id).await.unwrap();
    assert!(weight.is_some_and(|bytes| (100_000..101_000).contains(&bytes)), "the largest and little else: {weight:?}");
    let store = store.reopen().await;
    assert_eq!(store.bodies_of(due.id).await, sent);
}

#[tokio::test]
async fn an_attempt_without_an_answer_is_kept_with_what_went_wrong() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    for kind in FailureKind::ALL {
        let due = store.send_to(&endpoint, "order.created").await;
        let mut record = tried(&due, 0, FINAL);
        record.attempt.outcome = Outcome::failed(kind, "it did not work");
        store.record(record).await.unwrap();

        let shown = store.shown(due.id).await;
        let kept = &shown.attempts[0];
        assert_eq!((shown.delivery.status_code, kept.status_code), (None, None));
        assert_eq!(kept.failure.as_ref().unwrap().kind, kind);
        assert_eq!(kept.failure.as_ref().unwrap().message, "it did not work");
        assert!(kept.response_headers.is_empty() && kept.response_body.is_empty() && !kept.response_truncated);
    }
}

#[tokio::test]
async fn what_a_delivery_came_to_is_what_its_last_attempt_did() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    assert_eq!(came_to(&store, due.id).await, (None, None));

    store.fails(&due, Next::Again(store.now())).await;
    assert_eq!(came_to(&store, due.id).await, (Some(500), Some(FailureKind::Status)));

    let due = store.only_due_at(&endpoint).await;
    let mut record = tried(&due, 0, Next::Again(store.now()));
    record.attempt.outcome = Outcome::failed(FailureKind::Timeout, "10 s passed");
    store.record(record).await.unwrap();
    assert_eq!(came_to(&store, due.id).await, (None, Some(FailureKind::Timeout)));

    let due = store.only_due_at(&endpoint).await;
    store.delivers(&due).await;
    assert_eq!(came_to(&store, due.id).await, (Some(204), None));
}

/// The status code and the error that a delivery is shown and listed with.
async fn came_to(store: &Opened, id: DeliveryId) -> (Option<u16>, Option<FailureKind>) {
    let shown = store.shown(id).await.delivery;
    let listed = store.all_deliveries().await;
    let [listed] = listed.as_slice() else { panic!("it is the only one: {listed:?}") };
    assert_eq!((listed.status_code, listed.error_kind), (shown.status_code, shown.error_kind));
    (shown.status_code, shown.error_kind)
}

#[tokio::test]
async fn a_delivery_cancelled_while_it_was_under_way_stays_cancelled_when_it_fails() {
    let store = Opened::fresh().await;
    let mut watch = store.watch();
    for next in [Next::Again(store.now() + SECOND), EXHAUSTED] {
        let endpoint = store.endpoint(&["*"]).await;
        let under_way = store.send_to(&endpoint, "order.created").await;
        store.delete(&endpoint).await;

        store.fails(&under_way, next).await;

        let shown = store.shown(under_way.id).await;
        assert_eq!(shown.delivery.status, Status::Cancelled);
        assert_eq!(shown.delivery.reason, Some(Cancelled::EndpointDeleted));
        assert_eq!((shown.delivery.attempts, shown.attempts.len()), (1, 1));
        assert_eq!(shown.delivery.next_attempt_at, None);
        assert_eq!(watch.try_recv().unwrap().status, Status::Cancelled, "a watcher is told what is on disk");
    }
}

#[tokio::test]
async fn a_delivery_cancelled_while_it_was_under_way_is_delivered_when_it_arrives() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let under_way = store.send_to(&endpoint, "order.created").await;
    store.delete(&endpoint).await;

    store.delivers(&under_way).await;

    let delivery = store.shown(under_way.id).await.delivery;
    assert_eq!((delivery.status, delivery.reason), (Status::Delivered, None));
}

#[tokio::test]
async fn only_what_is_pending_can_be_cancelled() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let delivered = store.send_to(&endpoint, "order.created").await;
    store.delivers(&delivered).await;
    let failed = store.send_to(&endpoint, "order.paid").await;
    store.fails(&failed, EXHAUSTED).await;

    for due in [&delivered, &failed] {
        store.cancel(due.id, Cancelled::Expired).await.unwrap();
    }

    assert_eq!(store.status_of(delivered.id).await, Status::Delivered);
    assert_eq!(store.status_of(failed.id).await, Status::Failed);
}

#[tokio::test]
async fn who_watches_sees_every_attempt_once_it_is_on_disk() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut watch = store.watch();
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails(&due, Next::Again(store.now())).await;
    store.delivers(&store.only_due_at(&endpoint).await).await;

    for (attempt, status) in [(1, Status::Pending), (2, Status::Delivered)] {
        let seen = watch.try_recv().unwrap();
        assert_eq!((seen.project, seen.endpoint, seen.delivery), (store.project, endpoint.id, due.id));
        assert_eq!((seen.attempt, seen.status), (attempt, status));
    }
    assert!(watch.try_recv().is_err());
}
