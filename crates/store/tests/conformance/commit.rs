//! Group commit: verbs queued together are committed together, and none fails for another's error.

use std::sync::Arc;

use model::actor::Actor;
use model::delivery::Status;
use model::endpoint::Endpoint;
use model::retry::Next;
use store::feed::{CommitNotice, FeedItem};
use store::ingest::Accepted;

use crate::harness::{Hold, Opened, news, tried};

async fn with_endpoint() -> (Opened, Arc<Endpoint>) {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    (store, endpoint)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_that_fails_harms_none_of_those_committed_with_it() {
    let (store, endpoint) = with_endpoint().await;
    let done = store.send_to(&endpoint, "order.done").await;
    store.delivers(&done).await;
    let pending = store.send_to(&endpoint, "order.pending").await;
    let mut feed = store.feed().unwrap();
    while news(&mut feed).is_some() {}
    let mut watch = store.watch();

    let hold = Hold::on(&store, &endpoint).await;
    let (before, recorded, key, twice, after, ()) = tokio::join!(
        store.draft("order.before").key("k1").ingest(),
        store.record(tried(&pending, 500, Next::Again(store.now()))),
        store.create_key(&Actor::Admin, store.new_key(store.project)),
        store.record(tried(&done, 500, Next::Again(store.now()))),
        store.draft("order.after").ingest(),
        hold.let_go(),
    );

    assert!(twice.is_err(), "this attempt is recorded already");
    assert!(matches!(before, Accepted::New { deliveries: 1, .. }), "{before:?}");
    assert!(matches!(after, Accepted::New { deliveries: 1, .. }), "{after:?}");
    recorded.unwrap();
    key.unwrap();
    assert_eq!(store.directory().keys().count(), 1);
    assert_eq!(store.health_of(&endpoint).await.failure_count, 1, "counted once, though it was tried twice");
    assert_eq!(store.status_of(done.id).await, Status::Delivered);
    assert_eq!(store.types_for(&endpoint).await, ["order.done", "order.pending", "order.before", "order.after"]);
    let mut told = Vec::new();
    while let Some(FeedItem::Notices(facts)) = news(&mut feed) {
        told.extend(facts);
    }
    assert!(matches!(&told[..], [CommitNotice::Due(_), CommitNotice::Due(_)]), "each once: {told:?}");
    assert_eq!(watch.try_recv().unwrap().delivery, pending.id);
    assert!(watch.try_recv().is_err());
    let store = store.reopen().await;
    assert_eq!((store.all_events().await.len(), store.directory().keys().count()), (4, 1));
    assert_eq!(store.health_of(&endpoint).await.failure_count, 1);
}

#[tokio::test]
async fn an_event_of_a_batch_that_cannot_be_stored_keeps_none_of_the_others_back() {
    let (store, _) = with_endpoint().await;
    let taken = store.send("order.created").await;
    let mut clashing = store.draft("order.clashing").intake();
    // Without a fingerprint an id is promised to be new; this one is not.
    clashing.event.id = taken;

    let batch = vec![store.draft("order.first").intake(), clashing, store.draft("order.last").intake()];

    let answers = store.ingest_batch(&Actor::Admin, batch.clone()).await.unwrap();

    assert!(matches!(&answers[..], [Ok(_), Err(_), Ok(_)]), "{answers:?}");
    assert_eq!(store.all_events().await.len(), 3);
    assert_eq!(store.all_deliveries().await.len(), 3);
    assert!(store.ingest_batch(&Actor::Admin, vec![batch[1].clone()]).await.is_err(), "none of them is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_of_one_commit_see_each_other() {
    // With many nodes, concurrent requests have no order.
    let store = Opened::embedded().await;
    let endpoint = store.endpoint(&["*"]).await;
    let hold = Hold::on(&store, &endpoint).await;
    let (new, first, again, deleted, late, ()) = tokio::join!(
        store.plan().create(),
        store.draft("order.created").key("k1").ingest(),
        store.draft("order.created").key("k1").ingest(),
        store.delete_endpoint(&Actor::Admin, store.project, endpoint.id),
        store.draft("order.late").ingest(),
        hold.let_go(),
    );
    assert!(matches!(first, Accepted::New { deliveries: 2, .. }), "{first:?}");
    assert!(matches!(again, Accepted::Again { deliveries: 2, .. }), "{again:?}");
    assert!(deleted.unwrap());
    assert!(matches!(late, Accepted::New { deliveries: 1, .. }), "{late:?}");
    assert_eq!(store.types_for(&new).await, ["order.created", "order.late"]);
    assert_eq!(store.count(&endpoint, Status::Cancelled).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_what_is_not_committed_yet() {
    let (store, endpoint) = with_endpoint().await;
    let hold = Hold::on(&store, &endpoint).await;
    let reading = async {
        assert!(store.all_events().await.is_empty());
        hold.let_go().await;
    };
    tokio::join!(store.send("order.created"), reading);
    assert_eq!(store.all_events().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_in_before_closing_is_committed_and_later_verbs_are_refused() {
    let (store, endpoint) = with_endpoint().await;
    let hold = Hold::on(&store, &endpoint).await;
    let (accepted, (), ()) = tokio::join!(store.draft("order.created").ingest(), store.close(), hold.let_go());
    assert!(matches!(accepted, Accepted::New { .. }));

    let late = store.draft("order.late").intake();
    assert!(matches!(store.ingest(&Actor::Admin, late).await, Err(store::Error::Stopped)));
    assert!(matches!(store.event(store.project, "x".parse().unwrap()).await, Err(store::Error::Stopped)));
    store.close().await;

    assert_eq!(store.reopen().await.all_events().await.len(), 1);
}
