//! The journal of the embedded database: acknowledged writes of a busy store are there, whenever the process dies.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::join_all;
use model::actor::Actor;
use model::delivery::{Due, Status};
use model::endpoint::Endpoint;
use model::retry::Next;
use store::ingest::Accepted;

use crate::harness::{Hold, Opened, Place, tried};

/// More events at once than a store takes into its tables one by one.
const MANY: usize = 24;

async fn with_endpoint() -> (Opened, Arc<Endpoint>) {
    let store = Opened::embedded().await;
    let endpoint = store.endpoint(&["*"]).await;
    (store, endpoint)
}

/// Sends [`MANY`] events and records that `arrived` did, all in one commit.
async fn all_at_once(store: &Opened, endpoint: &Endpoint, arrived: &[Due]) {
    let hold = Hold::on(store, endpoint).await;
    let sent = (0..MANY).map(|_| store.ingest(&Actor::Admin, store.draft("order.created").intake()));
    let recorded = arrived.iter().map(|due| store.record(tried(due, 204, Next::Delivered)));
    let (sent, recorded, ()) = tokio::join!(join_all(sent), join_all(recorded), hold.let_go());
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert!(recorded.iter().all(Result::is_ok), "{recorded:?}");
}

fn journal(place: &Place) -> PathBuf {
    place.dir().join("posthaste.journal")
}

/// The tables of `before`, and the journal as it is by now: the files of a process that died just after it replied.
fn died(before: Place, store: &Opened) -> Place {
    for file in ["posthaste.journal", "posthaste.journal-2"] {
        std::fs::copy(store.place.dir().join(file), before.dir().join(file)).unwrap();
    }
    before
}

async fn survivor(place: Place, of: &Opened) -> Opened {
    Opened::at(place, of.key.clone(), of.clock.clone()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_busy_store_answered_is_there_though_the_process_dies_at_once() {
    let (store, endpoint) = with_endpoint().await;
    let before = store.place.copied();

    all_at_once(&store, &endpoint, &[]).await;

    let survivor = survivor(died(before, &store), &store).await;
    let ids =
        |events: Vec<store::search::ListedEvent>| -> Vec<_> { events.into_iter().map(|stored| stored.id).collect() };
    assert_eq!(ids(survivor.all_events().await), ids(store.all_events().await));
    let due = survivor.due_at(&endpoint).await;
    assert_eq!(format!("{due:?}"), format!("{:?}", store.due_at(&endpoint).await));
    assert_eq!(due.len(), MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_before_it_was_in_the_tables_is_not_sent_again() {
    let (store, endpoint) = with_endpoint().await;
    all_at_once(&store, &endpoint, &[]).await;
    let due = store.due_at(&endpoint).await;
    let before = store.place.copied();
    let (arrived, later) = due.split_at(MANY / 2);

    all_at_once(&store, &endpoint, arrived).await;

    let survivor = survivor(died(before, &store), &store).await;
    for store in [&survivor, &store] {
        assert_eq!(store.count(&endpoint, Status::Delivered).await, MANY / 2);
        assert_eq!(store.count(&endpoint, Status::Pending).await, MANY + MANY / 2);
        for due in arrived {
            let shown = store.shown(due.id).await;
            assert_eq!((shown.delivery.status, shown.attempts.len()), (Status::Delivered, 1));
        }
        assert_eq!(store.due_at(&endpoint).await[0].id, later[0].id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_finds_what_was_answered() {
    let (store, endpoint) = with_endpoint().await;
    for round in 1..=20 {
        let due = store.due_at(&endpoint).await;
        all_at_once(&store, &endpoint, &due).await;
        assert_eq!(store.all_events().await.len(), round * MANY);
        assert_eq!(store.count(&endpoint, Status::Delivered).await, (round - 1) * MANY);
    }
    let store = store.reopen().await;
    assert_eq!(store.all_events().await.len(), 20 * MANY);
    assert_eq!(store.count(&endpoint, Status::Pending).await, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_in_the_journal_is_known() {
    let (store, endpoint) = with_endpoint().await;
    let hold = Hold::on(&store, &endpoint).await;
    let sent = (0..MANY).map(|_| store.draft("order.created").send());
    let (sent, ()) = tokio::join!(join_all(sent), hold.let_go());

    let again = store.draft("order.created").id(sent[0].as_str()).ingest().await;

    assert!(matches!(again, Accepted::Conflict(_)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_in_the_journal_is_known() {
    let (store, endpoint) = with_endpoint().await;
    let key = |number: usize| format!("key {number}");
    let send = |number| store.ingest(&Actor::Admin, store.draft("order.created").key(&key(number)).intake());
    let before = store.place.copied();
    let hold = Hold::on(&store, &endpoint).await;
    let (sent, ()) = tokio::join!(join_all((0..MANY).map(send)), hold.let_go());
    assert!(sent.iter().all(|sent| matches!(sent, Ok(Accepted::New { .. }))), "{sent:?}");

    let survivor = survivor(died(before, &store), &store).await;
    for store in [&store, &survivor] {
        let again = store.ingest(&Actor::Admin, store.draft("order.created").key(&key(7)).intake()).await.unwrap();
        let Ok(Accepted::New { id: first, .. }) = &sent[7] else { unreachable!("all are new") };
        assert!(matches!(&again, Accepted::Again { id, .. } if id == first), "{again:?}");
        assert_eq!(store.all_events().await.len(), MANY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_tables_is_not_taken_from_the_journal_again() {
    let (store, endpoint) = with_endpoint().await;
    all_at_once(&store, &endpoint, &[]).await;
    assert_eq!(store.all_events().await.len(), MANY);

    let survivor = survivor(store.place.copied(), &store).await;

    assert_eq!(survivor.all_events().await.len(), MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_databases_journal_is_not_taken() {
    let (store, endpoint) = with_endpoint().await;
    all_at_once(&store, &endpoint, &[]).await;
    let other = Opened::embedded().await;
    let (place, key, clock) = other.shut().await;
    std::fs::copy(journal(&store.place), journal(&place)).unwrap();

    let other = Opened::at(place, key, clock).await.unwrap();

    assert!(other.all_events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_to_the_journal_goes_into_the_tables() {
    let (store, endpoint) = with_endpoint().await;
    let (place, key, clock) = store.shut().await;
    std::fs::remove_file(journal(&place)).unwrap();
    std::os::unix::fs::symlink("/dev/full", journal(&place)).unwrap();
    let store = Opened::at(place, key, clock).await.unwrap();

    all_at_once(&store, &endpoint, &[]).await;
    let due = store.due_at(&endpoint).await;
    all_at_once(&store, &endpoint, &due).await;

    let store = store.reopen().await;
    assert_eq!(store.all_events().await.len(), 2 * MANY);
    assert_eq!(store.count(&endpoint, Status::Delivered).await, MANY);
}
