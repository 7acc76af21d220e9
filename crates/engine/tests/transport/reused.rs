//! Connections that earlier requests have used, when something goes wrong on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use model::attempt::FailureKind;
use testkit::certificate::Identity;
use testkit::patiently;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::http2::{self, Then};
use crate::peer::{Conversation, NAME, Peer};
use crate::sender::{BODY, RESPONSE_BYTES, Sender, assert_failure, failure};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks";
const SENT_AGAIN: &str = "the connection, which earlier requests had used, ended before an answer came; the request was sent again over a new one";

/// Answers the first request on the first connection and sends `then` for the second before it closes; all other
/// connections `go_on`.
async fn dying<T>(then: &'static str, go_on: impl Fn(Conversation) -> T + Clone + Send + Sync + 'static) -> Peer
where
    T: Future<Output = ()> + Send + 'static,
{
    Peer::talking(move |mut conversation| {
        let go_on = go_on.clone();
        async move {
            if conversation.number > 1 {
                return go_on(conversation).await;
            }
            assert!(conversation.request().await);
            conversation.say(OK).await;
            if conversation.request().await {
                conversation.say(then).await;
            }
        }
    })
    .await
}

async fn answer(mut conversation: Conversation) {
    conversation.answer_all(OK).await;
}

async fn die(mut conversation: Conversation) {
    conversation.request().await;
}

#[tokio::test]
async fn a_request_whose_reused_connection_ends_without_a_byte_is_sent_again_over_a_new_one() {
    let peer = dying("", answer).await;
    let sender = peer.sender();
    let first = sender.exchange(&peer.url).await;
    assert!(first.outcome.is_success() && first.notes.is_empty(), "{first:?}");
    let second = sender.exchange(&peer.url).await;
    assert!(second.outcome.is_success(), "{second:?}");
    assert_eq!(second.notes, [SENT_AGAIN]);
    assert_eq!((peer.requests(), peer.connections()), (3, 2));
}

#[tokio::test]
async fn it_is_sent_again_once_and_no_more() {
    let peer = dying("", die).await;
    let sender = peer.sender();
    assert!(sender.post(&peer.url).await.is_success());
    let second = sender.exchange(&peer.url).await;
    let message = "the connection was closed before an answer came";
    assert_failure(&failure(&second.outcome), FailureKind::Reset, message);
    assert_eq!(second.notes, [SENT_AGAIN]);
    assert_eq!((peer.requests(), peer.connections()), (3, 2));
}

#[tokio::test]
async fn with_many_idle_connections_that_die_it_is_sent_again_once_and_over_a_new_one() {
    // All three answer once, together, and then die with their second request.
    let came = Arc::new(tokio::sync::Barrier::new(3));
    let peer = Peer::talking(move |mut conversation| {
        let came = came.clone();
        async move {
            assert!(conversation.request().await);
            if conversation.number <= 3 {
                came.wait().await;
                conversation.say(OK).await;
                conversation.request().await;
            } else {
                conversation.say(OK).await;
                conversation.closed().await;
            }
        }
    })
    .await;
    let sender = peer.sender();
    tokio::join!(sender.post(&peer.url), sender.post(&peer.url), sender.post(&peer.url));
    assert_eq!(peer.connections(), 3);
    let exchange = sender.exchange(&peer.url).await;
    assert!(exchange.outcome.is_success(), "{exchange:?}");
    assert_eq!((peer.requests(), peer.connections()), (5, 4));
}

#[tokio::test]
async fn a_fresh_connection_that_ends_is_a_failure_at_once() {
    let peer = Peer::talking(die).await;
    let exchange = peer.sender().exchange(&peer.url).await;
    assert_eq!((failure(&exchange.outcome).kind, exchange.notes.len()), (FailureKind::Reset, 0));
    assert_eq!((peer.requests(), peer.connections()), (1, 1));
}

#[tokio::test]
async fn a_request_is_not_sent_again_once_any_byte_of_the_answer_came() {
    for begun in
        ["H", "\r\n", "HTTP/1.1 2", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHT"]
    {
        let peer = dying(begun, answer).await;
        let sender = peer.sender();
        assert!(sender.post(&peer.url).await.is_success());
        let second = sender.exchange(&peer.url).await;
        assert_eq!((failure(&second.outcome).kind, second.notes.len()), (FailureKind::Reset, 0), "{begun:?}");
        assert_eq!((peer.requests(), peer.connections()), (2, 1), "{begun:?}");
    }
}

#[tokio::test]
async fn over_http2_a_request_whose_reused_connection_ends_is_sent_again_once_over_a_new_one() {
    let peer = http2::peer(vec![Then::Answer, Then::Close, Then::Answer]).await;
    let sender = peer.sender();
    assert!(sender.post(&peer.url).await.is_success());
    let exchange = sender.exchange(&peer.url).await;
    assert!(exchange.outcome.is_success(), "{exchange:?}");
    assert_eq!(exchange.notes, [SENT_AGAIN]);
    assert_eq!((peer.requests(), peer.connections()), (3, 2));

    let peer = http2::peer(vec![Then::Answer, Then::Close, Then::Close]).await;
    let sender = peer.sender();
    assert!(sender.post(&peer.url).await.is_success());
    assert_eq!(failure(&sender.post(&peer.url).await).kind, FailureKind::Reset);
    assert_eq!((peer.requests(), peer.connections()), (3, 2));

    let peer = http2::peer(vec![Then::Close]).await;
    assert_eq!(failure(&peer.sender().post(&peer.url).await).kind, FailureKind::Reset);
    assert_eq!((peer.requests(), peer.connections()), (1, 1));
}

/// The rest of the body comes with the next request: nothing shows before that the connection is not free.
#[tokio::test]
async fn a_connection_with_a_body_that_was_not_read_gets_no_other_request() {
    let length = RESPONSE_BYTES + 1;
    let chunk = "x".repeat(RESPONSE_BYTES);
    let heads = [
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{RESPONSE_BYTES:x}\r\n"),
    ];
    for head in heads {
        let answer = head.clone() + &chunk;
        let peer = Peer::talking(move |mut conversation| {
            let answer = answer.clone();
            async move {
                assert!(conversation.request().await);
                conversation.say(answer).await;
                assert!(!conversation.request().await, "another request came");
            }
        })
        .await;
        let sender = peer.sender();
        for number in 1..=2 {
            let exchange = sender.exchange(&peer.url).await;
            let answer = exchange.outcome.answer().expect("it was answered");
            assert_eq!((answer.body.len(), answer.truncated), (RESPONSE_BYTES, true), "{head}");
            assert_eq!((peer.connections(), peer.requests()), (number, number), "{head}");
            peer.ended(number).await;
        }
    }
}

#[tokio::test]
async fn a_connection_with_a_request_that_was_not_written_whole_gets_no_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // More than the sockets hold.
    let body = Bytes::from(vec![b'x'; 32 * 1024 * 1024]);
    let sender = Sender::new();
    let refuse = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        stream
    };
    let (outcome, mut first) = tokio::join!(sender.post_body(&url, body), refuse);
    assert_eq!(outcome.status(), Some(413));

    let accept = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(BODY.as_bytes()) {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0);
        }
        stream.write_all(OK.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        first.read_to_end(&mut rest).await.unwrap();
        rest.len()
    };
    let both = async { tokio::join!(sender.post(&url), accept) };
    let (outcome, rest) = patiently(both, || "the next request did not come over a new connection".to_owned()).await;
    assert!(outcome.is_success());
    assert!(rest < 32 * 1024 * 1024, "the connection was closed, the rest not written");
}

/// The receiver of the first request restarts: its other connections are dead as well, and say so.
#[tokio::test]
async fn over_tls_too_a_reused_connection_that_ends_costs_no_attempt() {
    let came = Arc::<AtomicUsize>::default();
    let identity = Identity::valid_for([NAME]).without_h2();
    let peer = Peer::talking_tls(identity, move |mut conversation| {
        let came = came.clone();
        async move {
            while conversation.request().await {
                if came.fetch_add(1, Ordering::Relaxed) % 3 == 1 {
                    return;
                }
                conversation.say(OK).await;
            }
        }
    })
    .await;
    let sender = peer.sender();
    for _ in 0..9 {
        let exchange = sender.exchange(&peer.url).await;
        assert!(exchange.outcome.is_success(), "{exchange:?}");
    }
    assert_eq!(peer.requests(), 13);
}
