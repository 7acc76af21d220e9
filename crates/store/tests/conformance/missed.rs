//! Notifications between nodes of a cluster, and the recovery when a node misses them. Tested on PostgreSQL in every
//! run.

use model::endpoint::Status;
use store::feed::{CommitNotice, FeedItem};
use testkit::proxy::Cut;

use crate::harness::Opened;
use crate::harness::cluster::{Cluster, LONG, SHORT, lags, next, told, woken};

/// More concurrent notifications than a node queues.
const MORE_THAN_CAN_BE_HEARD: usize = 10_000;

/// URL and status of the endpoints that a node knows, sorted.
fn endpoints(node: &Opened) -> Vec<(String, Status)> {
    let directory = node.directory();
    let known = directory.endpoints().map(|endpoint| (endpoint.settings.url.as_str().to_owned(), endpoint.status));
    let mut known: Vec<_> = known.collect();
    known.sort_by(|one, other| one.0.cmp(&other.0));
    known
}

fn at(place: &str) -> String {
    format!("https://example.com/{place}")
}

#[tokio::test]
async fn a_node_whose_line_broke_looks_for_whatever_it_may_have_missed() {
    let cluster = Cluster::new().await;
    let wire = cluster.wire();
    let first = cluster.node(LONG).await;
    let second = cluster.listening_over(&wire, &first, LONG).await;
    let mut feed = second.feed().unwrap();
    woken(&second);
    assert_eq!(woken(&second), [false; 3]);

    wire.cut(Cut::Refused).await;
    first.plan().url(&at("new")).create().await;
    wire.heal().await;

    lags(&mut feed).await;
    assert_eq!(endpoints(&second), [(at("new"), Status::Active)]);
    assert_eq!(woken(&second), [true; 3]);
    assert!(second.has_lease());
}

#[tokio::test]
async fn a_node_that_is_told_more_than_it_can_hear_looks_for_itself_and_keeps_its_lease() {
    let cluster = Cluster::new().await;
    let node = cluster.node(SHORT).await;
    let mut feed = node.feed().unwrap();
    woken(&node);

    // At the same time it renews its lease over the same connection.
    let told =
        format!("SELECT pg_notify('posthaste', 'work:' || n) FROM generate_series(1, {MORE_THAN_CAN_BE_HEARD}) AS n");
    cluster.run(&format!("BEGIN; NOTIFY posthaste, 'shards'; {told}; COMMIT")).await;

    let news = next(&mut feed).await;
    assert!(matches!(news, FeedItem::Lagged), "{news:?}");
    assert_eq!(woken(&node), [true; 3]);
    assert!(node.has_lease());
}

/// One node misses a change, a deletion and a new endpoint, and finds `remembered` of them in the database.
async fn misses(remembered: &str) {
    let cluster = Cluster::new().await;
    let wire = cluster.wire();
    let first = cluster.node(LONG).await;
    let second = cluster.listening_over(&wire, &first, LONG).await;
    let mut feed = second.feed().unwrap();
    let changed = first.plan().url(&at("changed")).create().await;
    let deleted = first.plan().url(&at("deleted")).create().await;
    // A commit reads the changes before it.
    second.send("order.created").await;
    assert_eq!(endpoints(&second), endpoints(&first));

    wire.cut(Cut::Refused).await;
    first.set_status(&changed, Status::Paused).await;
    first.delete(&deleted).await;
    first.plan().url(&at("new")).create().await;
    cluster.run(&format!("DELETE FROM changes WHERE NOT ({remembered})")).await;
    wire.heal().await;

    lags(&mut feed).await;
    assert_eq!(endpoints(&second), [(at("changed"), Status::Paused), (at("new"), Status::Active)], "{remembered}");
}

#[tokio::test]
async fn a_node_that_missed_more_changes_than_are_remembered_reads_the_whole_directory() {
    misses("true").await;
    misses("revision = (SELECT revision FROM directory)").await;
    misses("false").await;
}

#[tokio::test]
async fn of_changes_that_are_not_remembered_an_engine_is_told_of_all_its_endpoints() {
    let cluster = Cluster::new().await;
    let first = cluster.node(LONG).await;
    let changing = cluster.changed_beside(&first, |postgres| postgres.delivers = false).await;
    let (kept, deleted) = (first.endpoint(&["*"]).await, first.endpoint(&["*"]).await);
    let mut feed = first.feed().unwrap();
    for endpoint in [&kept, &deleted] {
        told(&mut feed, |fact| matches!(fact, CommitNotice::Changed(id) if *id == endpoint.id).then_some(())).await;
    }
    let forgets = "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER forget BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION forget()";
    cluster.run(forgets).await;

    changing.delete(&deleted).await;

    let FeedItem::Notices(facts) = next(&mut feed).await else { panic!("its line is whole") };
    for id in [kept.id, deleted.id] {
        assert!(facts.iter().any(|fact| matches!(fact, CommitNotice::Changed(changed) if *changed == id)), "{facts:?}");
    }
    assert!(first.directory().endpoint(deleted.id).is_none());
}
