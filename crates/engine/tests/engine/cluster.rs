//! Engines of several nodes on one PostgreSQL: each delivery is made by the node that holds its endpoint's shard, and
//! by no other. Tested whichever database the other tests use.

use std::collections::HashSet;

use model::delivery::Status;
use model::env::Env;
use model::rate::RateLimit;
use testkit::behaviour::Behaviour;
use testkit::proxy::{Cut, Proxy};
use testkit::receiver::Receiver;

use crate::nodes::{Cluster, LONG, SHORT, until};
use crate::stage::SECOND;
use crate::standstill::at_rest;

const ENDPOINTS: usize = 16;

const DELIVERED: (Status, u32) = (Status::Delivered, 1);

fn per_minute(requests: u32) -> Option<RateLimit> {
    Some(RateLimit { requests, per: "1m".parse().unwrap() })
}

#[tokio::test]
async fn what_comes_to_one_node_another_delivers_once_that_holds_its_endpoint() {
    let receiver = Receiver::healthy().start().await;
    let cluster = Cluster::new().await;
    let first = cluster.node(LONG).await;
    let mut endpoints = HashSet::new();
    for _ in 0..ENDPOINTS {
        endpoints.insert(first.endpoint(receiver.url(), "a").await.id);
    }
    let second = cluster.node(LONG).await;
    until("half of the shards are the second node's", || {
        endpoints.iter().all(|endpoint| first.store.holds(*endpoint) != second.store.holds(*endpoint))
            && endpoints.iter().any(|endpoint| second.store.holds(*endpoint))
    })
    .await;

    let mut delivered_by_second = second.store.watch();
    first.send("a").await;
    receiver.received(ENDPOINTS).await;
    at_rest(&first.engine).await;
    at_rest(&second.engine).await;

    assert_eq!((receiver.count(), first.deliveries().await), (ENDPOINTS, vec![DELIVERED; ENDPOINTS]));
    let seconds: HashSet<_> =
        std::iter::from_fn(|| delivered_by_second.try_recv().ok()).map(|one| one.endpoint).collect();
    endpoints.retain(|endpoint| second.store.holds(*endpoint));
    assert_eq!(seconds, endpoints);
}

#[tokio::test]
async fn what_a_node_leaves_undone_another_delivers_at_once() {
    let receiver = Receiver::healthy().start().await;
    let cluster = Cluster::new().await;
    let first = cluster.without_engine(LONG).await;
    first.endpoint(receiver.url(), "a").await;
    for _ in 0..3 {
        first.send("a").await;
    }
    let second = cluster.node(LONG).await;
    at_rest(&second.engine).await;
    assert_eq!(receiver.count(), 0, "it is the first node's");

    first.store.close().await;

    receiver.received(3).await;
    at_rest(&second.engine).await;
    assert_eq!((receiver.count(), second.deliveries().await), (3, vec![DELIVERED; 3]));
}

#[tokio::test]
async fn a_request_is_abandoned_when_the_lease_is_lost_and_made_again_by_another_node() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders, Behaviour::Status(204)]).start().await;
    let cluster = Cluster::new().await;
    let wire = cluster.wire();
    let first = cluster.node_over(&wire, SHORT).await;
    first.endpoint(receiver.url(), "a").await;
    first.send("a").await;
    receiver.received(1).await;
    let second = cluster.node(SHORT).await;

    wire.cut(Cut::Silent).await;

    receiver.disconnected(1).await;
    receiver.received(2).await;
    at_rest(&second.engine).await;
    assert_eq!(second.deliveries().await, [DELIVERED]);
}

#[tokio::test]
async fn a_node_that_stood_still_while_its_lease_ran_out_sends_nothing_of_what_it_had_in_hand() {
    let receiver = Receiver::healthy().start().await;
    let elsewhere = Receiver::healthy().start().await;
    let cluster = Cluster::new().await;
    let first = cluster.slow_node(SHORT).await;
    let stuck = first.endpoint(&first.names.stuck(elsewhere.url()), "a").await;
    first.clock.advance(SECOND);
    let endpoint = first.endpoint(receiver.url(), "a").await;
    assert!(stuck.id < endpoint.id, "its turn is first");
    at_rest(&first.engine).await;
    first.send("a").await;
    first.names.until_stuck().await;
    assert_eq!(receiver.count(), 0, "it has this in hand, and its turn has been given");

    let second = cluster.node(SHORT).await;
    receiver.received(1).await;
    at_rest(&second.engine).await;
    first.names.wake();
    until("the first node holds shards again", || first.store.has_lease()).await;
    at_rest(&first.engine).await;
    at_rest(&second.engine).await;

    assert_eq!((receiver.count(), second.deliveries().await), (1, vec![DELIVERED; 2]));
}

#[tokio::test]
async fn a_rate_limit_that_a_node_used_up_is_not_there_anew_for_the_next() {
    let receiver = Receiver::healthy().start().await;
    let cluster = Cluster::new().await;
    let first = cluster.node(LONG).await;
    first.limited_endpoint(receiver.url(), "a", per_minute(1)).await;
    first.send("a").await;
    receiver.received(1).await;
    first.leave().await;

    let second = cluster.node(LONG).await;
    second.send("a").await;
    assert_eq!(at_rest(&second.engine).await, Some(second.clock.now() + 60 * SECOND));
    assert_eq!(receiver.count(), 1);
    second.clock.advance(60 * SECOND);
    receiver.received(2).await;
}

/// An engine stands still while its node loses all its shards and takes them again.
async fn loses_and_takes_again(notices: impl AsyncFnOnce(&Cluster, &Proxy)) {
    let (receiver, elsewhere) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let cluster = Cluster::new().await;
    let wire = cluster.wire();
    let node = cluster.node_with_a_slow_engine(&wire, LONG).await;
    let endpoint = node.limited_endpoint(receiver.url(), "a", per_minute(2)).await;
    node.endpoint(&node.names.stuck(elsewhere.url()), "stuck").await;
    node.send("a").await;
    receiver.received(1).await;
    node.send_later("a", 5 * SECOND).await;
    at_rest(&node.engine).await;
    node.send("stuck").await;
    node.names.until_stuck().await;

    cluster.expire_all().await;
    notices(&cluster, &wire).await;
    until("it was lost and is held again", || node.store.taken_over_at(endpoint.id).is_some()).await;
    let next = node.clock.now() + 30 * SECOND;
    node.clock.advance(5 * SECOND);
    node.names.wake();

    assert_eq!(at_rest(&node.engine).await, Some(next), "another node may have used up the limit meanwhile");
    assert_eq!(receiver.count(), 1);
    node.clock.advance_to(next);
    receiver.received(2).await;
}

#[tokio::test]
async fn an_engine_that_hears_late_of_shards_that_were_lost_and_taken_again_begins_anew_with_them() {
    loses_and_takes_again(async |cluster, _| cluster.tell_of_shards().await).await;
}

#[tokio::test]
async fn an_engine_that_missed_that_shards_were_lost_and_taken_again_begins_anew_with_them() {
    let breaks = async |_: &Cluster, wire: &Proxy| {
        wire.cut(Cut::Refused).await;
        wire.heal().await;
    };
    loses_and_takes_again(breaks).await;
}
