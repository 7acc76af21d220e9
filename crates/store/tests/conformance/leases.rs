//! Shards and leases of a cluster: their holders, and the takeover when a node leaves, is not heard from or comes back.
//! Tested on PostgreSQL in every run.

use store::feed::CommitNotice;
use store::shard::{self, Shards};
use testkit::proxy::Cut;

use crate::harness::cluster::{Cluster, LONG, SHORT, in_shard, lags, told, until, woken};
use crate::harness::{FINAL, SECOND, news};

fn gained(fact: &CommitNotice) -> Option<Shards> {
    if let CommitNotice::Gained(shards) = fact { Some(*shards) } else { None }
}

fn lost(fact: &CommitNotice) -> Option<Shards> {
    if let CommitNotice::Lost(shards) = fact { Some(*shards) } else { None }
}

fn wanted(fact: &CommitNotice) -> Option<Shards> {
    if let CommitNotice::LetGo(shards) = fact { Some(*shards) } else { None }
}

#[tokio::test]
async fn a_node_alone_holds_everything_and_is_told_nothing_of_it() {
    let cluster = Cluster::new().await;
    let node = cluster.node(LONG).await;
    assert_eq!((node.shards(), node.has_lease()), (Shards::ALL, true));
    assert_eq!(node.taken_over_at(in_shard(7)), None, "nobody held it before");
    assert!(news(&mut node.feed().unwrap()).is_none(), "its engine asks when it starts");
}

#[tokio::test]
async fn what_a_node_lets_go_another_takes_at_once() {
    let cluster = Cluster::new().await;
    let first = cluster.node(LONG).await;
    let mut first_feed = first.feed().unwrap();
    let second = cluster.beside(&first, LONG).await;
    let mut second_feed = second.feed().unwrap();
    let surplus = told(&mut first_feed, wanted).await;
    assert_eq!((surplus.len(), first.shards(), second.shards().len()), (shard::COUNT / 2, Shards::ALL, 0));

    first.give_back(&surplus);
    assert_eq!(first.shards(), Shards::ALL.without(&surplus));
    assert_eq!(told(&mut second_feed, gained).await, surplus);
    assert_eq!(second.shards(), surplus);
    let of_the_second = surplus.iter().next().unwrap();
    assert_eq!(second.taken_over_at(in_shard(of_the_second)), Some(second.now()));
}

#[tokio::test]
async fn what_a_node_held_that_leaves_another_takes_at_once() {
    let cluster = Cluster::new().await;
    let first = cluster.node(LONG).await;
    let second = cluster.beside(&first, LONG).await;
    let mut feed = second.feed().unwrap();
    assert!(second.shards().is_empty() && second.has_lease(), "that it holds nothing is known");
    woken(&second);

    first.close().await;

    assert_eq!(told(&mut feed, gained).await, Shards::ALL);
    assert_eq!(woken(&second), [true; 3], "the first may have left jobs, deliveries to make and mail");
    assert_eq!((second.shards(), first.shards().len()), (Shards::ALL, 0));
    assert_eq!(second.taken_over_at(in_shard(7)), Some(second.now()));
    let nodes = second.cluster().await.unwrap().nodes;
    assert_eq!(nodes.iter().map(|node| (node.alive, node.shards)).collect::<Vec<_>>(), [(true, shard::COUNT)]);
}

#[tokio::test]
async fn what_a_node_held_that_is_cut_off_another_takes_after_its_lease() {
    let cluster = Cluster::new().await;
    let wire = cluster.wire();
    let first = cluster.node_over(&wire, SHORT).await;
    let mut first_feed = first.feed().unwrap();
    let second = cluster.beside(&first, SHORT).await;
    let mut second_feed = second.feed().unwrap();
    let under_way = first.lost().unwrap();

    wire.cut(Cut::Silent).await;
    assert_eq!(told(&mut first_feed, lost).await, Shards::ALL);
    assert!(under_way.is_cancelled(), "nobody waits for it: another node does it again");
    assert_eq!((first.shards().len(), first.has_lease()), (0, false));
    until("the second node holds everything", || second.shards() == Shards::ALL).await;

    wire.heal().await;
    let surplus = told(&mut second_feed, |fact| wanted(fact).filter(|wanted| !wanted.is_empty())).await;
    assert!(first.shards().is_empty(), "it comes back with nothing");
    second.give_back(&surplus);
    until("the first node holds what the second gave back", || first.shards() == surplus).await;
    assert_eq!(second.shards(), Shards::ALL.without(&surplus));
}

#[tokio::test]
async fn a_node_that_comes_back_after_its_lease_has_lost_all_it_held() {
    let cluster = Cluster::new().await;
    let wire = cluster.wire();
    let first = cluster.node_over(&wire, LONG).await;
    let mut first_feed = first.feed().unwrap();
    // Its lease is no longer than the database has run, so it can take expired shards.
    let second = cluster.beside(&first, SHORT).await;
    let mut second_feed = second.feed().unwrap();
    let under_way = first.lost().unwrap();
    told(&mut first_feed, wanted).await;

    cluster.expire(&first).await;
    wire.cut(Cut::Refused).await;
    assert_eq!(told(&mut second_feed, gained).await, Shards::ALL);
    wire.heal().await;

    lags(&mut first_feed).await;
    assert!(under_way.is_cancelled() && first.shards().is_empty());
    assert_eq!(second.shards(), Shards::ALL);
}

#[tokio::test]
async fn a_node_alone_that_was_not_heard_of_for_its_lease_begins_anew() {
    let cluster = Cluster::new().await;
    let node = cluster.node(LONG).await;
    let mut feed = node.feed().unwrap();
    let under_way = node.lost().unwrap();

    cluster.expire(&node).await;
    node.advance(SECOND);
    cluster.tell_of_shards().await;

    assert_eq!(told(&mut feed, lost).await, Shards::ALL);
    assert!(under_way.is_cancelled());
    assert_eq!(told(&mut feed, gained).await, Shards::ALL);
    assert_eq!((node.shards(), node.lost().unwrap().is_cancelled()), (Shards::ALL, false));
    // The node no longer knows its state from before.
    assert_eq!(node.taken_over_at(in_shard(7)), Some(node.now()));
}

#[tokio::test]
async fn what_a_node_knew_of_an_endpoint_it_does_not_rely_on_when_another_delivered_meanwhile() {
    let cluster = Cluster::new().await;
    let first = cluster.node(LONG).await;
    let endpoint = first.endpoint(&["*"]).await;
    first.delivers(&first.send_to(&endpoint, "a").await).await;
    let mut feed = first.feed().unwrap();
    let second = cluster.beside(&first, LONG).await;
    let mut second_feed = second.feed().unwrap();

    first.give_back(&Shards::from_iter([shard::of(endpoint.id)]));
    told(&mut second_feed, gained).await;
    second.advance(SECOND);
    let failed = second.send_to(&endpoint, "b").await;
    second.fails(&failed, FINAL).await;
    assert_eq!(first.health_of(&endpoint).await.failure_count, 1);
    second.close().await;
    told(&mut feed, gained).await;

    first.advance(SECOND);
    first.delivers(&first.send_to(&endpoint, "c").await).await;
    assert_eq!(first.health_of(&endpoint).await.failure_count, 0, "it has recovered");
}
