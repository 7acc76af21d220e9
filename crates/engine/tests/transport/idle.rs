//! Idle connections: their number, and the time they are kept.

use std::sync::Arc;
use std::time::Duration;

use testkit::certificate::Identity;
use tokio::sync::Barrier;

use crate::http2::{self, Then};
use crate::peer::{NAME, Peer};

/// More than are kept, all in flight at once.
const MANY: usize = 80;
/// Maximum idle connections kept to one host.
const KEPT: usize = 64;

/// Announces that it closes idle connections after this many seconds, or nothing.
async fn keeping(seconds: Option<u64>) -> Peer {
    let hint = seconds.map(|seconds| format!("Keep-Alive: timeout={seconds}, max=100\r\n")).unwrap_or_default();
    Peer::talking(move |mut conversation| {
        let answer = format!("HTTP/1.1 200 OK\r\n{hint}content-length: 6\r\n\r\nthanks");
        async move { conversation.answer_all(&answer).await }
    })
    .await
}

#[tokio::test]
async fn an_idle_connection_leaves_a_second_before_the_receiver_closes_it() {
    // A second before the time announced, or after four where the receiver announces none, and never later than after
    // half a minute.
    for (hint, kept) in [(Some(5), 4), (Some(2), 1), (Some(20), 19), (None, 4), (Some(3600), 30)] {
        let peer = keeping(hint).await;
        let sender = peer.sender();
        for expected in [1, 1] {
            assert!(sender.post(&peer.url).await.is_success());
            assert_eq!(peer.connections(), expected, "{hint:?}");
            sender.env.advance(Duration::from_secs(kept) - Duration::from_millis(1));
        }
        assert!(sender.post(&peer.url).await.is_success());
        assert_eq!(peer.connections(), 1, "{hint:?}");
        sender.env.advance(Duration::from_secs(kept));
        assert!(sender.post(&peer.url).await.is_success());
        assert_eq!(peer.connections(), 2, "{hint:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_closes_at_once_gets_a_connection_for_each_request() {
    for seconds in [0, 1] {
        let peer = keeping(Some(seconds)).await;
        let sender = peer.sender();
        for number in 1..=3 {
            assert!(sender.post(&peer.url).await.is_success());
            peer.ended(number).await;
        }
        assert_eq!(peer.connections(), 3);
    }
}

#[tokio::test]
async fn idle_connections_are_closed_although_nobody_asks_for_them() {
    let h2 = http2::peer(vec![Then::Answer]).await;
    let identity = Identity::valid_for([NAME]).without_h2();
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let tls =
        Peer::talking_tls(identity, move |mut conversation| async move { conversation.answer_all(answer).await }).await;
    for peer in [keeping(None).await, keeping(Some(3600)).await, tls, h2] {
        let sender = peer.sender();
        assert!(sender.post(&peer.url).await.is_success());
        // The pool has begun to watch it.
        sender.env.asleep(1).await;
        sender.env.advance(Duration::from_secs(30));
        peer.ended(1).await;
    }
}

#[tokio::test]
async fn so_many_idle_connections_are_kept_to_one_host_and_all_are_closed_in_the_end() {
    let all = Arc::new(Barrier::new(MANY));
    let peer = Peer::talking(move |mut conversation| {
        let all = all.clone();
        async move {
            assert!(conversation.request().await);
            all.wait().await;
            conversation.answer_all_after("HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    })
    .await;
    let sender = Arc::new(peer.sender());
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let (sender, url) = (sender.clone(), peer.url.clone());
        posts.spawn(async move { sender.post(&url).await.is_success() });
    }
    assert!(posts.join_all().await.into_iter().all(|is_success| is_success));
    assert_eq!(peer.connections(), MANY);
    peer.ended(MANY - KEPT).await;
    sender.env.asleep(1).await;
    sender.env.advance(Duration::from_secs(30));
    peer.ended(MANY).await;
}
