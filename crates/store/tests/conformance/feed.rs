//! The feed: the engine's notices of commits, and their order.

use model::actor::Actor;
use model::endpoint::{Endpoint, Status};
use model::id::EndpointId;
use model::job::{Only, Task};
use store::feed::{CommitNotice, Feed, FeedItem};

use crate::harness::{DAY, HOUR, Hold, Opened, facts, news};

fn changed(facts: &[CommitNotice]) -> Vec<EndpointId> {
    let changed = |fact: &CommitNotice| match fact {
        CommitNotice::Changed(id) => Some(*id),
        _ => None,
    };
    facts.iter().filter_map(changed).collect()
}

async fn with_feed() -> (Opened, std::sync::Arc<Endpoint>, Feed) {
    let store = Opened::fresh().await;
    let mut feed = store.feed().unwrap();
    let endpoint = store.endpoint(&["*"]).await;
    assert_eq!(changed(&facts(&mut feed)), [endpoint.id]);
    (store, endpoint, feed)
}

#[tokio::test]
async fn there_is_one_feed_for_the_one_engine() {
    let store = Opened::fresh().await;
    assert!(store.feed().is_some());
    assert!(store.feed().is_none());
}

#[tokio::test]
async fn a_committed_delivery_is_handed_over_as_it_is_in_the_database() {
    let (store, endpoint, mut feed) = with_feed().await;
    let at = store.now() + HOUR;
    store.draft("order.created").data(r#"{"n":7}"#).deliver_at(at).send().await;

    let [CommitNotice::Due(told)] = &facts(&mut feed)[..] else { panic!("one delivery is one fact") };

    store.advance(HOUR);
    assert_eq!(format!("{told:?}"), format!("{:?}", store.only_due_at(&endpoint).await));
    assert!(news(&mut feed).is_none());
}

#[tokio::test]
async fn what_is_told_is_on_disk_already() {
    let (store, _, mut feed) = with_feed().await;
    let sending = async {
        for _ in 0..200 {
            store.send("order.created").await;
        }
    };
    let listening = async {
        for _ in 0..200 {
            let Some(FeedItem::Notices(told)) = feed.next().await else { panic!("the store has not stopped") };
            let [CommitNotice::Due(due)] = &told[..] else { panic!("one commit, one delivery, one fact") };
            assert!(store.delivery(store.project, due.id, store::search::Bodies::Without).await.unwrap().is_some());
        }
    };
    tokio::join!(sending, listening);
    assert!(news(&mut feed).is_none());
}

#[tokio::test]
async fn every_change_of_an_endpoint_is_told_and_the_directory_has_it() {
    let (store, endpoint, mut feed) = with_feed().await;

    store.set_status(&endpoint, Status::Paused).await;
    assert_eq!(changed(&facts(&mut feed)), [endpoint.id]);
    assert_eq!(store.current(&endpoint).status, Status::Paused);

    let project = model::project::Project {
        dialect: "trakkr".to_owned(),
        ..model::project::Project::clone(store.directory().project(store.project).unwrap())
    };
    store.put_project(project).await.unwrap().unwrap();
    assert_eq!(changed(&facts(&mut feed)), [endpoint.id], "its dialect is another");

    store.delete(&endpoint).await;
    assert_eq!(changed(&facts(&mut feed)), [endpoint.id]);
    assert!(store.directory().endpoint(endpoint.id).is_none());
}

#[tokio::test]
async fn work_that_a_person_asks_for_is_told() {
    let (store, endpoint, mut feed) = with_feed().await;
    let due = store.send_to(&endpoint, "order.created").await;
    facts(&mut feed);
    store.fails_for(&due, HOUR).await;
    assert!(news(&mut feed).is_none(), "the engine knows when to look for what it recorded itself");

    store.retry(&Actor::Admin, store.project, due.id).await.unwrap();
    assert!(matches!(&facts(&mut feed)[..], [CommitNotice::Due(told)] if told.id == due.id && told.attempt() == 2));

    store.fails(&store.only_due_at(&endpoint).await, crate::harness::FINAL).await;
    let task = Task::Recover { endpoint: endpoint.id, since: store.now(), until: store.now() + DAY, only: Only::All };
    let job = store.create_job(&Actor::Admin, store.project, task).await.unwrap();
    store.finish(&job).await;
    let told = facts(&mut feed);
    assert!(
        matches!(told[..], [CommitNotice::Check { endpoint: to, at }] if to == endpoint.id && at == store.now()),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_refused_or_failed_verb_is_not_told() {
    let (store, endpoint, mut feed) = with_feed().await;
    let due = store.send_to(&endpoint, "order.created").await;
    facts(&mut feed);
    store.delivers(&due).await;
    let mut watch = store.watch();

    let record = crate::harness::tried(&due, 204, model::retry::Next::Delivered);
    assert!(store.record(record).await.is_err(), "this attempt is recorded already");
    assert!(store.retry(&Actor::Admin, model::id::ProjectId::new(&*store.clock), due.id).await.unwrap().is_none());

    assert!(news(&mut feed).is_none());
    assert!(watch.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_with_many_deliveries_is_told_in_part_as_something_to_look_up() {
    const EVENTS: usize = 18;
    const ENDPOINTS: usize = 100;
    let (store, endpoint, mut feed) = with_feed().await;
    for _ in 1..ENDPOINTS {
        store.endpoint(&["*"]).await;
    }
    while news(&mut feed).is_some() {}

    let hold = Hold::on(&store, &endpoint).await;
    // This verb needs the tables, so those after it in the commit go there too, and are bounded in rows, not in bytes.
    let none = store.retry(&Actor::Admin, endpoint.project, model::id::DeliveryId::new(&*store.clock));
    let taking = futures_util::future::join_all((0..EVENTS).map(|_| store.send("order.created")));
    tokio::join!(none, taking, hold.let_go()).0.unwrap();

    let (mut dues, mut looks) = (0, 0);
    while let Some(FeedItem::Notices(told)) = news(&mut feed) {
        let of_commit = told.iter().filter(|fact| matches!(fact, CommitNotice::Due(_))).count();
        assert!(of_commit <= 1024, "{of_commit} deliveries in memory are too many");
        dues += of_commit;
        looks += told.iter().filter(|fact| matches!(fact, CommitNotice::Check { .. })).count();
    }
    assert!(dues > 0 && looks > 0 && dues + looks <= EVENTS * ENDPOINTS, "{dues} {looks}");
    assert_eq!(store.due_at(&endpoint).await.len(), EVENTS);
}

#[tokio::test]
async fn an_engine_that_is_too_slow_is_told_to_look_for_itself_and_then_goes_on() {
    let (store, endpoint, mut feed) = with_feed().await;
    for n in 0..1_100 {
        let name = format!("{n}");
        store.change(&endpoint, move |endpoint| endpoint.settings.name = Some(name.clone())).await;
    }

    assert!(matches!(news(&mut feed), Some(FeedItem::Lagged)));
    store.send("order.created").await;
    let mut told = facts(&mut feed);
    while matches!(told[..], [CommitNotice::Changed(_)]) {
        told = facts(&mut feed);
    }
    assert!(matches!(told[..], [CommitNotice::Due(_)]), "{told:?}");
    assert!(news(&mut feed).is_none());
}

#[tokio::test]
async fn the_feed_ends_when_the_store_has_stopped() {
    let (store, _, mut feed) = with_feed().await;
    store.close().await;
    assert!(feed.next().await.is_none());
}
