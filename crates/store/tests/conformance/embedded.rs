//! Rules of the embedded database alone, because they are about files. Tested in every run.

use model::actor::Actor;
use model::endpoint::Endpoint;
use model::retention::Retention;
use store::retention::Step;
use store::slice::ROWS;
use store::{Error, Store};

use crate::harness::{DAY, HOUR, Opened, Place};

#[tokio::test]
async fn a_data_directory_is_one_stores_at_a_time() {
    let store = Opened::embedded().await;

    let second = store.place.open(&store.key, store.clock.clone()).await.err();
    assert!(matches!(&second, Some(Error::InUse(dir)) if dir == store.place.dir()), "{second:?}");
    assert!(matches!(Store::migrate(&store.place.place()).await, Err(Error::InUse(_))));
    assert!(matches!(store.place.rotate(&store.key, &store.key, &*store.clock).await, Err(Error::InUse(_))));

    store.send("order.created").await;
    assert_eq!(store.reopen().await.all_events().await.len(), 1);
}

#[tokio::test]
async fn what_was_accepted_is_in_the_files_though_the_process_dies() {
    let store = Opened::embedded().await;
    let endpoint = store.endpoint(&["*"]).await;
    let sent = store.send_many("order.created", 20).await;

    let left_behind = store.place.copied();
    let survivor = Opened::at(left_behind, store.key.clone(), store.clock.clone()).await.unwrap();

    let due: Vec<_> = survivor.due_at(&endpoint).await.into_iter().map(|due| due.event.id.clone()).collect();
    assert_eq!(due, sent);
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let place = Place::embedded();
    let file = place.dir().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = Store::migrate(&store::handle::Backend::Embedded { data_dir: file.join("data") }).await.unwrap_err();
    assert!(refused.to_string().contains("file"), "{refused}");
    assert!(matches!(refused, Error::Files { .. }));
}

/// A store with 600 events for two endpoints that is to delete all of it.
async fn full_of_old_events() -> Opened {
    let store = Opened::embedded().await;
    let endpoints = [store.endpoint(&["*"]).await, store.endpoint(&["*"]).await];
    store.send_many("order.created", 600).await;
    for endpoint in &endpoints {
        assert_eq!(store.give_up_all(endpoint).await, 600);
    }
    store.advance(32 * DAY);
    store
}

/// The rows that each slice deletes until nothing is left.
async fn slices(store: &Opened) -> Vec<u64> {
    let mut sweep = store.begin_retention(Retention::default());
    let mut slices = Vec::new();
    loop {
        match store.continue_retention(&mut sweep).await.unwrap() {
            Step::Went { deleted, .. } => slices.push(deleted.events + deleted.deliveries + deleted.attempts),
            Step::Rest(_) => return slices,
        }
    }
}

#[tokio::test]
async fn what_is_deleted_is_deleted_in_small_slices() {
    let store = full_of_old_events().await;

    let slices = slices(&store).await;

    assert_eq!(slices.iter().sum::<u64>(), 600 + 2 * 600 + 2 * 600);
    assert!(slices.iter().all(|rows| *rows <= ROWS as u64 + 2), "{slices:?}");
    assert!(slices.len() <= 3_000 / ROWS + 2, "not smaller than they need be: {slices:?}");
    assert!(store.all_events().await.is_empty());
}

#[tokio::test]
async fn where_deleting_is_slow_slices_are_smaller_and_everything_goes_all_the_same() {
    let store = full_of_old_events().await;
    store.clock.slow_down(std::time::Duration::from_millis(1));

    let slices = slices(&store).await;

    assert!(slices.iter().all(|rows| *rows <= 16), "{slices:?}");
    assert!(store.all_events().await.is_empty());
}

#[tokio::test]
async fn a_look_at_what_is_young_or_pending_writes_nothing() {
    let store = Opened::embedded().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 300).await;
    store.advance(20 * DAY);
    store.send_many("order.created", 300).await;
    store.give_up_all(&endpoint).await;
    store.retry(&Actor::Admin, store.project, store.deliveries_of(&endpoint).await[0].id).await.unwrap();
    store.advance(8 * DAY);
    let wal = store.place.dir().join("posthaste.db-wal");
    let database = store.place.dir().join("posthaste.db");
    let written = || [&wal, &database].map(|file| std::fs::read(file).unwrap());
    let before = written();

    let mut sweep = store.begin_retention(Retention::default());
    for _ in 0..24 {
        store.finish_sweep(&mut sweep).await;
        store.advance(HOUR);
    }

    assert!(before == written(), "the files are what they were");
}

/// Bytes of a page.
const PAGE: u64 = 8192;

#[tokio::test]
async fn space_that_is_not_needed_again_is_given_back() {
    let store = Opened::embedded().await;
    let long = format!("\"{}\"", "x".repeat(100_000));
    for _ in 0..100 {
        store.draft("order.created").data(&long).send().await;
    }
    let store = store.reopen().await;
    let size = |store: &Opened| std::fs::metadata(store.place.dir().join("posthaste.db")).unwrap().len();
    let full = size(&store);
    assert!(full > 10_000_000, "{full}");
    store.advance(32 * DAY);

    let deleted = store.sweep_up().await;
    let store = store.reopen().await;

    assert!(deleted.pages * PAGE > 4_000_000, "{deleted:?}");
    let left = size(&store);
    assert!(left < full / 2, "{left} bytes are left of {full}");
    assert_eq!(store.sweep_up().await.pages, 0);
    store.send("order.created").await;
    assert_eq!(store.reopen().await.all_events().await.len(), 1);
}

/// In a cluster it is a task of its caller alone.
#[tokio::test]
async fn a_verb_that_panics_ends_the_store_and_whoever_owns_it_is_told() {
    let store = Opened::embedded().await;
    let endpoint = store.endpoint(&["*"]).await;

    let changed = store
        .change_endpoint(&Actor::Admin, endpoint.project, endpoint.id, |_| -> Result<Endpoint, ()> { panic!("a bug") });

    assert!(matches!(changed.await, Err(store::Error::Stopped)));
    store.stopped().await;
    assert!(matches!(store.ping().await, Err(store::Error::Stopped)));
}
