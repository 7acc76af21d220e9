//! A node that is cut off, clocks that are wrong, nodes that come and go: told by `GET /v1/cluster` and by what arrives.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::http::Http;
use testkit::proxy::{Cut, Proxy};
use testkit::receiver::Receiver;

use crate::cluster::{Cluster, Node};
use crate::wait;

/// Endpoints, each with a shard of its own.
const ENDPOINTS: usize = 64;

/// Looks at something until it is so.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(found) = look().await {
            return found;
        }
        wait(Duration::from_millis(100)).await;
    }
    panic!("not within half a minute: {what}");
}

/// How many shards each node holds that is heard of, fewest first.
async fn shares(door: &Http) -> Vec<u64> {
    let cluster = door.get("/v1/cluster").await.expect(200);
    let nodes = cluster["nodes"].as_array().unwrap();
    let mut shares: Vec<u64> =
        nodes.iter().filter(|node| node["alive"] == true).map(|node| node["shards"].as_u64().unwrap()).collect();
    shares.sort_unstable();
    shares
}

async fn until_shared_out(door: &Http, nodes: usize) {
    until(&format!("256 shards evenly on {nodes} nodes"), async || {
        let shares = shares(door).await;
        let even = shares.iter().all(|share| *share as usize <= 256usize.div_ceil(nodes));
        (shares.len() == nodes && even && shares.iter().sum::<u64>() == 256).then_some(())
    })
    .await;
}

async fn endpoints(door: &Http, receiver: &Receiver) {
    for _ in 0..ENDPOINTS {
        door.post("/v1/endpoints", &json!({ "url": receiver.url() })).await.expect(201);
    }
}

async fn send(door: &Http) -> Value {
    let answer = door.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    assert_eq!(answer["deliveries"], ENDPOINTS);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_spread_evenly_when_nodes_join_and_at_once_when_they_leave() {
    let mut cluster = Cluster::new("30s").await;
    let receiver = Receiver::healthy().counting().start().await;
    let first = cluster.join(&[]).await;
    assert_eq!(shares(&first).await, [256]);
    endpoints(&first, &receiver).await;
    cluster.join(&[]).await;
    cluster.join(&[]).await;
    until_shared_out(&first, 3).await;

    for _ in 0..5 {
        send(&first).await;
    }
    receiver.received(5 * ENDPOINTS).await;

    let mut leaver = cluster.take_last();
    leaver.process.signal("TERM").await;
    assert!(leaver.process.ended().await.success());
    until_shared_out(&first, 2).await;
    for _ in 0..5 {
        send(&first).await;
    }
    receiver.received(10 * ENDPOINTS).await;
    assert_eq!(receiver.count(), 10 * ENDPOINTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_held_that_is_cut_off_from_the_database_others_deliver() {
    let mut cluster = Cluster::new("2s").await;
    let receiver = Receiver::healthy().counting().start().await;
    let wire = Proxy::to(cluster.database().upstream());
    let url = cluster.database().url_at(wire.address());
    let near = cluster.join(&[]).await;
    endpoints(&near, &receiver).await;
    let far = cluster.join(&[("POSTHASTE_DATABASE_URL", &url)]).await;
    until_shared_out(&near, 2).await;
    send(&far).await;
    receiver.received(ENDPOINTS).await;

    wire.cut(Cut::Silent).await;
    for _ in 0..5 {
        send(&near).await;
    }
    receiver.received(6 * ENDPOINTS).await;
    until_shared_out(&near, 1).await;
    assert_eq!(far.get("/readyz").await.status, 503);

    wire.heal().await;
    until_shared_out(&near, 2).await;
    send(&far).await;
    receiver.received(7 * ENDPOINTS).await;
    let more = receiver.count() - 7 * ENDPOINTS;
    assert!(more <= ENDPOINTS, "{more} deliveries came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_whose_clocks_are_wrong_by_half_a_minute_agree_on_the_time() {
    let mut cluster = Cluster::new("2s").await;
    let receiver = Receiver::replying([500, 204]).start().await;
    let right = cluster.join(&[]).await;
    let fast = cluster.join(&Node::with_clock("+30s")).await;
    let slow = cluster.join(&Node::with_clock("-30s")).await;
    until_shared_out(&right, 3).await;

    let endpoint = json!({ "url": receiver.url(), "retry": { "schedule": ["1s"] } });
    right.post("/v1/endpoints", &endpoint).await.expect(201);
    for door in [&fast, &slow] {
        // Another node's change is known within a second.
        until("the endpoint on every node", async || {
            let known = door.get("/v1/endpoints").await.expect(200)["data"].as_array().unwrap().len();
            (known == 1).then_some(())
        })
        .await;
    }
    for (number, door) in [&fast, &slow, &right].into_iter().enumerate() {
        let before = receiver.count();
        let accepted = door.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
        receiver.received(before + if number == 0 { 2 } else { 1 }).await;
        let event = door.get(&format!("/v1/events/{}", accepted["id"].as_str().unwrap())).await.expect(200);
        let sent = receiver.requests().last().unwrap().header("webhook-timestamp").unwrap().parse::<i64>().unwrap();
        assert!((sent - now()).abs() <= 3, "sent at {sent}, and it is {}: {event}", now());
    }
    until_shared_out(&right, 3).await;
}

/// By this machine's clock, which the database has too.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
