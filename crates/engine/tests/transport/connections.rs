//! Connections are reused, bounded and replaced when they have gone stale.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use model::attempt::FailureKind;
use testkit::behaviour::{Behaviour, Reply};
use testkit::certificate::Identity;
use testkit::patiently;
use testkit::receiver::{Builder, Receiver};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::names::Names;
use crate::sender::{Sender, TIMEOUT, failure};

/// Maximum connections being opened to one host at a time.
const OPENING: usize = 32;

#[tokio::test]
async fn many_requests_share_few_connections() {
    let receiver = Receiver::healthy().start().await;
    let sender = Sender::new();
    for _ in 0..200 {
        assert!(sender.post(receiver.url()).await.is_success());
    }
    assert_eq!((receiver.count(), receiver.connections()), (200, 1));
}

#[tokio::test]
async fn answers_with_bodies_leave_their_connections_to_the_next() {
    let receiver = Receiver::behaving(vec![Reply::status(200).body("ok").into()]).start().await;
    let sender = Sender::new();
    for _ in 0..50 {
        assert!(sender.post(receiver.url()).await.is_success());
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn over_http2_endless_answers_leave_the_connection_to_the_next() {
    let endless = Receiver::behaving(vec![Behaviour::EndlessBody]);
    let (receiver, sender) = over_tls(endless, Identity::valid_for(["hooks.example"])).await;
    for _ in 0..200 {
        let outcome = sender.post(receiver.url()).await;
        assert!(outcome.is_success() && outcome.answer().unwrap().truncated, "{outcome:?}");
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_large_body_arrives_whole_over_every_kind_of_connection() {
    let body: Bytes = (0..1_048_576_u32).map(|number| number as u8).collect();
    let plain = Receiver::healthy().start().await;
    assert!(Sender::new().post_body(plain.url(), body.clone()).await.is_success());
    assert_eq!(plain.requests()[0].body, body);

    let identities = [Identity::valid_for(["hooks.example"]), Identity::valid_for(["hooks.example"]).without_h2()];
    for identity in identities {
        let (receiver, sender) = over_tls(Receiver::healthy(), identity).await;
        assert!(sender.post_body(receiver.url(), body.clone()).await.is_success());
        assert_eq!(receiver.requests()[0].body, body);
    }
}

#[tokio::test]
async fn a_connection_that_went_stale_costs_no_attempt() {
    let then_closes = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
    let receiver = Receiver::behaving(vec![Behaviour::Raw(then_closes)]).start().await;
    let sender = Sender::new();
    for number in 1..=20 {
        let outcome = sender.post(receiver.url()).await;
        assert!(outcome.is_success(), "{outcome:?}");
        receiver.disconnected(number).await;
    }
    assert_eq!((receiver.count(), receiver.connections()), (20, 20));
}

#[tokio::test]
async fn a_receiver_that_restarts_is_connected_to_again() {
    let receiver = Receiver::healthy().start().await;
    let (address, url) = (receiver.address(), receiver.url().to_owned());
    let sender = Sender::new();
    assert!(sender.post(&url).await.is_success());
    receiver.stop().await;
    let receiver = Receiver::healthy().at(address).start().await;
    assert!(sender.post(&url).await.is_success());
    assert_eq!(receiver.count(), 1);
}

async fn over_tls(receiver: Builder, identity: Identity) -> (Receiver, Sender) {
    let receiver = receiver.tls(identity).start().await;
    let names = Names::default().with("hooks.example", &["127.0.0.1"]);
    let sender = Sender::allowed(&["127.0.0.1/32"]).names(names).trusting(receiver.ca_pem()).start();
    (receiver, sender)
}

#[tokio::test]
async fn so_many_connections_are_opened_to_a_host_at_a_time_and_waiting_for_one_costs_no_time() {
    const MORE: usize = 8;
    // It accepts connections and sends nothing, so no handshake ends.
    let host = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", host.local_addr().unwrap());
    let sender = Arc::new(Sender::new());
    let mut posts = JoinSet::new();
    for _ in 0..OPENING + MORE {
        let (sender, url) = (sender.clone(), url.clone());
        posts.spawn(async move { sender.post(&url).await });
    }
    let mut held = take_calls(&host, OPENING).await;
    // The timeouts of all requests run, and those of the connections.
    sender.env.asleep(OPENING + MORE + OPENING).await;
    let mut next = pin!(host.accept());
    assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_pending())).await, "more than {OPENING} at a time");
    let other = Receiver::healthy().start().await;
    assert!(sender.post(other.url()).await.is_success(), "another host is another matter");

    sender.env.advance(TIMEOUT);
    for _ in 0..OPENING {
        let outcome = posts.join_next().await.unwrap().unwrap();
        assert_eq!(failure(&outcome).kind, FailureKind::Timeout);
    }
    held.push(patiently(next, || "nobody calls any more".to_owned()).await.unwrap().0);
    held.extend(take_calls(&host, MORE - 1).await);
    assert!(posts.try_join_next().is_none(), "they have their whole time before them");
    sender.env.advance(TIMEOUT);
    while let Some(outcome) = posts.join_next().await {
        assert_eq!(failure(&outcome.unwrap()).kind, FailureKind::Timeout);
    }
}

async fn take_calls(host: &TcpListener, count: usize) -> Vec<TcpStream> {
    let mut calls = Vec::new();
    for _ in 0..count {
        calls.push(patiently(host.accept(), || format!("fewer than {count} calls came")).await.unwrap().0);
    }
    calls
}
