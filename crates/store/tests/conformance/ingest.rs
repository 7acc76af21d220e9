//! Ingest of events: once and no more, in order, exactly as they came.

use std::collections::HashSet;

use model::actor::Actor;
use model::delivery::{Cancelled, Status};
use model::endpoint;
use model::id::{DeliveryId, EventId};
use model::json::Json;
use store::ingest::{Accepted, Clash};
use tokio::task::JoinSet;

use crate::harness::{DAY, HOUR, Opened, SECOND};

fn again(accepted: &Accepted) -> (&EventId, u32) {
    match accepted {
        Accepted::Again { id, deliveries, .. } => (id, *deliveries),
        other => panic!("this came before, but: {other:?}"),
    }
}

#[tokio::test]
async fn the_same_id_with_the_same_body_is_answered_as_the_first_time() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    let request = store.draft("order.created").id("order-7").data(r#"{"n":7}"#);
    let first = request.clone().send().await;

    store.endpoint(&["*"]).await;
    let repeat = request.ingest().await;

    assert_eq!(again(&repeat), (&first, 1));
    assert!(matches!(&repeat, Accepted::Again { event_type, .. } if event_type.as_str() == "order.created"));
    assert_eq!(store.all_deliveries().await.len(), 1);
}

#[tokio::test]
async fn the_same_key_with_the_same_body_is_answered_as_the_first_time() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    let first = store.draft("order.created").key("k1").send().await;

    let repeat = store.draft("order.created").key("k1").ingest().await;

    assert_eq!(again(&repeat), (&first, 1));
    assert_eq!(store.all_events().await.len(), 1);
    assert_eq!(store.all_deliveries().await.len(), 1);
}

#[tokio::test]
async fn the_same_id_or_key_with_another_body_is_a_conflict_and_stores_nothing() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    store.draft("order.created").id("order-7").key("k1").send().await;

    let other_body = store.draft("order.created").data(r#"{"other":true}"#);
    let by_id = other_body.clone().id("order-7").ingest().await;
    let by_key = other_body.clone().key("k1").ingest().await;
    let by_either = other_body.clone().id("order-8").key("k1").ingest().await;

    assert_eq!(by_id, Accepted::Conflict(Clash::Id));
    assert_eq!(by_key, Accepted::Conflict(Clash::IdempotencyKey));
    assert_eq!(by_either, Accepted::Conflict(Clash::IdempotencyKey));
    assert_eq!(store.all_events().await.len(), 1);
    assert_eq!(store.all_deliveries().await.len(), 1);
    other_body.id("order-8").key("k2").send().await;
}

#[tokio::test]
async fn an_id_that_came_without_a_fingerprint_is_a_conflict_for_one_who_brings_it_later() {
    let store = Opened::fresh().await;
    let ours = store.send("order.created").await;

    let theirs = store.draft("order.created").id(ours.as_str()).ingest().await;

    assert_eq!(theirs, Accepted::Conflict(Clash::Id));
}

#[tokio::test]
async fn a_key_that_came_with_a_known_id_is_known_from_then_on() {
    let store = Opened::fresh().await;
    let first = store.draft("order.created").id("order-7").send().await;

    let repeat = store.draft("order.created").id("order-7").key("k1").ingest().await;
    assert_eq!(again(&repeat), (&first, 0));

    let other = store.draft("order.created").data("7").id("order-8").key("k1").ingest().await;
    assert_eq!(other, Accepted::Conflict(Clash::IdempotencyKey));
}

#[tokio::test]
async fn ids_and_keys_are_a_projects_own() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;

    store.draft("order.created").id("order-7").key("k1").send().await;
    store.draft("order.created").of(other.id).id("order-7").key("k1").send().await;

    let request = store.draft("order.created").of(other.id).id("order-7").key("k1");
    assert!(matches!(request.ingest().await, Accepted::Again { .. }));
}

#[tokio::test]
async fn a_request_without_id_or_key_is_new_every_time() {
    let store = Opened::fresh().await;
    let ids: HashSet<EventId> = store.send_many("order.created", 3).await.into_iter().collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(store.all_events().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_at_once_with_one_key_make_one_event() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        let (store, intake) = (store.store.clone(), store.draft("order.created").key("k1").intake());
        requests.spawn(async move { store.ingest(&Actor::Admin, intake).await.unwrap() });
    }

    let answers = requests.join_all().await;

    let event = store.all_events().await.remove(0).id;
    let repeats = answers.iter().filter(|answer| matches!(answer, Accepted::Again { .. }));
    assert!(repeats.clone().all(|answer| again(answer) == (&event, 1)));
    assert_eq!(repeats.count(), 49);
    assert_eq!(store.all_events().await.len(), 1);
    assert_eq!(store.all_deliveries().await.len(), 1);
}

#[tokio::test]
async fn a_repeat_is_recognised_after_a_restart() {
    let store = Opened::fresh().await;
    let first = store.draft("order.created").id("order-7").key("k1").send().await;

    let store = store.reopen().await;

    assert_eq!(again(&store.draft("order.created").id("order-7").ingest().await), (&first, 0));
    assert_eq!(again(&store.draft("order.created").key("k1").ingest().await), (&first, 0));
    let other_body = store.draft("order.created").data("7").key("k1").ingest().await;
    assert_eq!(other_body, Accepted::Conflict(Clash::IdempotencyKey));
}

#[tokio::test]
async fn ten_thousand_in_one_batch_with_repeats_among_them_are_answered_each_in_its_place() {
    const DISTINCT: usize = 9_000;
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut intakes: Vec<_> =
        (0..9_999).map(|n| store.draft("order.created").id(&format!("order-{}", n % DISTINCT)).intake()).collect();
    intakes.push(store.draft("order.created").id("order-0").data("\"other\"").intake());

    let answers = store.take_all(intakes).await;

    assert_eq!(answers.len(), 10_000);
    for (n, answer) in answers.iter().enumerate() {
        let id: EventId = format!("order-{}", n % DISTINCT).parse().unwrap();
        match answer {
            Accepted::New { id: new, deliveries: 1 } if n < DISTINCT => assert_eq!(*new, id),
            Accepted::Again { .. } if (DISTINCT..9_999).contains(&n) => assert_eq!(again(answer), (&id, 1)),
            Accepted::Conflict(Clash::Id) if n == 9_999 => {}
            other => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!(store.all_events().await.len(), DISTINCT);
    let in_order: Vec<EventId> = store.due_at(&endpoint).await.into_iter().map(|due| due.event.id.clone()).collect();
    let expected: Vec<EventId> = (0..DISTINCT).map(|n| format!("order-{n}").parse().unwrap()).collect();
    assert_eq!(in_order, expected);
}

#[tokio::test]
async fn delivery_ids_grow_in_the_order_of_events_whatever_the_clock_does() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut sent = store.send_many("order.created", 20).await;
    store.clock.turn_back(HOUR);
    sent.extend(store.send_many("order.created", 20).await);
    sent.push(store.send("order.created").await);
    store.advance(SECOND);
    sent.push(store.send("order.created").await);

    let store = store.reopen().await;
    sent.push(store.send("order.created").await);
    store.advance(DAY);
    sent.push(store.send("order.created").await);

    let delivered: Vec<EventId> = store.deliveries_of(&endpoint).await.into_iter().map(|one| one.event).collect();
    assert_eq!(delivered, sent);
    let times: Vec<_> = store.all_events().await.into_iter().map(|stored| stored.created_at).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
}

#[tokio::test]
async fn what_is_accepted_when_the_clock_went_back_is_due_at_once_and_in_order() {
    let store = Opened::fresh().await;
    let endpoints = [store.endpoint(&["*"]).await, store.ordered_endpoint().await];
    let mut sent = vec![store.send("order.created").await];
    store.clock.turn_back(HOUR);
    sent.push(store.send("order.created").await);
    let store = store.reopen().await;
    sent.push(store.send("order.created").await);

    let [unordered, ordered] = [store.due_at(&endpoints[0]).await, store.due_at(&endpoints[1]).await];

    assert_eq!(unordered.iter().map(|due| &due.event.id).collect::<Vec<_>>(), [&sent[1], &sent[2]]);
    assert_eq!(ordered.iter().map(|due| due.event.id.clone()).collect::<Vec<_>>(), sent);
    assert!(unordered.iter().chain(&ordered[1..]).all(|due| due.next_attempt_at == store.now()));
}

#[tokio::test]
async fn a_delivery_id_is_a_uuid_of_version_7_for_everyone_who_reads_it() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 50).await;
    for due in store.due_at(&endpoint).await {
        let text = due.id.to_string();
        assert_eq!(&text[14..15], "7", "{text}");
        assert!("89ab".contains(&text[19..20]), "RFC 9562 has the variant 10 here: {text}");
        assert_eq!(text.parse::<DeliveryId>().unwrap(), due.id);
    }
}

#[tokio::test]
async fn an_event_comes_back_exactly_as_it_came_in() {
    let store = Opened::fresh().await;
    let mut intake = store.draft("order.created").tenant("ours").data(r#"{ "z":1.00, "a" : "\u00e9 é" }"#).intake();
    intake.event.brand = Some(Json::trusted(r#"{"id": "b1"}"#));
    intake.event.workflow = Some(Json::trusted("[ ]"));
    intake.event.summary = Some("An order, created".to_owned());
    intake.event.occurred_at = store.now() - DAY;
    intake.event.created_at = store.now() - DAY;
    intake.event.deliver_at = Some(store.now() + HOUR);
    intake.event.expires_at = Some(store.now() + DAY);
    let event = intake.event.clone();

    store.ingest(&Actor::Admin, intake).await.unwrap();

    let store = store.reopen().await;
    let kept = store.event(store.project, event.id.clone()).await.unwrap().unwrap().event;
    assert_eq!((&kept.id, kept.project, &kept.event_type), (&event.id, event.project, &event.event_type));
    assert_eq!((&kept.tenant, &kept.data), (&event.tenant, &event.data));
    assert_eq!((&kept.brand, &kept.workflow, &kept.summary), (&event.brand, &event.workflow, &event.summary));
    assert_eq!(
        (kept.occurred_at, kept.deliver_at, kept.expires_at),
        (event.occurred_at, event.deliver_at, event.expires_at)
    );
    assert_eq!(kept.created_at, store.now(), "when it was accepted is the store's to say");
}

#[tokio::test]
async fn an_event_for_later_is_due_then_and_not_before() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let later = store.now() + HOUR;
    store.draft("order.created").deliver_at(later).send().await;

    let pending = store.due(endpoint.id, endpoint::Ordering::None, store.now(), 10).await.unwrap();
    assert!(pending.due.is_empty());
    assert_eq!(pending.next_at, Some(later));

    store.advance(HOUR);
    assert_eq!(store.only_due_at(&endpoint).await.next_attempt_at, later);
}

#[tokio::test]
async fn an_event_for_a_time_that_has_passed_is_due_at_once() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.draft("order.created").deliver_at(store.now() - HOUR).send().await;
    assert_eq!(store.only_due_at(&endpoint).await.next_attempt_at, store.now());
}

#[tokio::test]
async fn an_event_that_expired_is_cancelled_and_says_why() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.draft("order.created").expires_at(store.now() + SECOND).send().await;
    store.advance(HOUR);

    let due = store.only_due_at(&endpoint).await;
    assert!(due.event.has_expired(store.now()));
    store.cancel(due.id, Cancelled::Expired).await.unwrap();

    let delivery = store.shown(due.id).await.delivery;
    assert_eq!((delivery.status, delivery.reason, delivery.attempts), (Status::Cancelled, Some(Cancelled::Expired), 0));
    assert_eq!(delivery.next_attempt_at, None);
    assert!(store.due_at(&endpoint).await.is_empty());
}

#[tokio::test]
async fn a_test_event_goes_to_its_endpoint_alone_for_one_attempt() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().events(&["invoice.*"]).status(endpoint::Status::Paused).create().await;
    store.endpoint(&["*"]).await;

    let id =
        store.ingest_test(&Actor::Admin, store.draft("order.created").event(), endpoint.id).await.unwrap().unwrap();

    let due = store.only_due_at(&endpoint).await;
    assert_eq!((due.id, due.manual, due.attempt()), (id, true, 1));
    assert_eq!(store.all_deliveries().await.len(), 1);
    assert_eq!(store.all_events().await[0].deliveries, 1);
}

#[tokio::test]
async fn a_test_of_a_deleted_endpoint_makes_nothing() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.delete_endpoint(&Actor::Admin, endpoint.project, endpoint.id).await.unwrap();

    let made = store.ingest_test(&Actor::Admin, store.draft("order.created").event(), endpoint.id).await.unwrap();

    assert_eq!(made, None);
    assert!(store.all_events().await.is_empty());
}
