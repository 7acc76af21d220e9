//! The endpoint's timeout covers everything, and its message names the step that was waited for.

use std::time::Duration;

use engine::transport::Exchange;
use model::attempt::{FailureKind, Outcome};
use testkit::behaviour::{Behaviour, OPENING};
use testkit::certificate::Identity;
use testkit::receiver::Receiver;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::names::Names;
use crate::peer::Peer;
use crate::sender::{Sender, TIMEOUT, assert_failure, failure, noted};

#[tokio::test]
async fn a_receiver_that_hangs_costs_the_timeout_and_its_connection_is_closed() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let sender = Sender::new();
    let outcome = post_until_late(&sender, receiver.url(), receiver.received(1)).await;
    let message = "no answer within 10s (connected, request sent, no headers came)";
    assert_failure(&failure(&outcome), FailureKind::Timeout, message);
    receiver.disconnected(1).await;
}

#[tokio::test]
async fn over_http2_a_hanging_request_leaves_the_connection_to_the_others() {
    let hangs_then_answers = vec![Behaviour::HangBeforeHeaders, Behaviour::Status(204)];
    let receiver = Receiver::behaving(hangs_then_answers).tls(Identity::valid_for(["hooks.example"])).start().await;
    let names = Names::default().with("hooks.example", &["127.0.0.1"]);
    let sender = Sender::allowed(&["127.0.0.1/32"]).names(names).trusting(receiver.ca_pem()).start();
    let outcome = post_until_late(&sender, receiver.url(), receiver.received(1)).await;
    assert_eq!(failure(&outcome).kind, FailureKind::Timeout);
    assert!(sender.post(receiver.url()).await.is_success());
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn nobody_is_given_up_before_the_timeout() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let sender = Sender::new();
    let almost = async {
        receiver.received(1).await;
        sender.env.advance(TIMEOUT - Duration::from_millis(1));
        settle().await;
    };
    tokio::select! {
        outcome = sender.post(receiver.url()) => panic!("{outcome:?}"),
        () = almost => {}
    }
}

#[tokio::test]
async fn a_body_that_stalls_leaves_the_answer_and_a_note() {
    let over_tls = Receiver::behaving(vec![Behaviour::StallInBody]).tls(Identity::valid_for(["hooks.example"]));
    for receiver in [Receiver::behaving(vec![Behaviour::StallInBody]), over_tls] {
        let receiver = receiver.start().await;
        let names = Names::default().with("hooks.example", &["127.0.0.1"]);
        let sender = Sender::allowed(&["127.0.0.1/32"]).names(names);
        let sender = if receiver.url().starts_with("https") { sender.trusting(receiver.ca_pem()) } else { sender };
        let sender = sender.start();
        let exchange = exchange_until_late(&sender, receiver.url(), receiver.received(1)).await;
        let (answer, note) = noted(&exchange);
        assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), (200, OPENING.as_bytes(), true));
        assert_eq!(note, "the answer's body did not end within 10s: it stalled after 15 bytes");
        assert_eq!(answer.incomplete.as_ref().map(|failure| failure.kind), Some(FailureKind::Timeout));
        assert!(exchange.outcome.is_success());
    }
}

#[tokio::test]
async fn a_body_that_stalls_closes_its_connection() {
    let receiver = Receiver::behaving(vec![Behaviour::StallInBody]).start().await;
    let sender = Sender::new();
    exchange_until_late(&sender, receiver.url(), receiver.received(1)).await;
    receiver.disconnected(1).await;
}

#[tokio::test]
async fn a_head_that_stalls_behind_its_status_line_leaves_the_answer_and_a_note() {
    for (begun, status) in
        [("HTTP/1.1 200 OK\r\nx-a: 1\r\nx-b", Some(200)), ("HTTP/1.1 503 No\r\n", Some(503)), ("HTTP/1.1 200 OK", None)]
    {
        let peer = Peer::talking(move |mut conversation| async move {
            assert!(conversation.request().await);
            conversation.say(begun).await;
            conversation.closed().await;
        })
        .await;
        let sender = peer.sender();
        let exchange = exchange_until_late(&sender, &peer.url, peer.requested(1)).await;
        assert_eq!(exchange.outcome.status(), status, "{begun:?}");
        match status {
            Some(_) => assert_eq!(noted(&exchange).1, "the answer's head did not end within 10s"),
            None => assert_eq!(failure(&exchange.outcome).kind, FailureKind::Timeout),
        }
        peer.ended(1).await;
    }
}

#[tokio::test]
async fn a_lookup_that_hangs_costs_no_more_than_the_timeout() {
    let sender = Sender::allowed(&[]).names(Names::default().silent("slow.example")).start();
    // The timeout sleeps, and the dialer's own limit.
    let outcome = post_until_late(&sender, "https://slow.example/", sender.env.asleep(2)).await;
    let message = "no answer within 10s (the name was still being looked up)";
    assert_failure(&failure(&outcome), FailureKind::Timeout, message);
}

#[tokio::test]
async fn a_handshake_or_a_proxy_that_hangs_costs_no_more_than_the_timeout() {
    let (listener, address) = listen().await;
    let sender = Sender::new();
    let outcome = post_until_late(&sender, &format!("https://{address}/"), first_byte(&listener)).await;
    let message = "no answer within 10s (connected, but the TLS handshake did not end)";
    assert_failure(&failure(&outcome), FailureKind::Timeout, message);

    let sender = Sender::allowed(&["127.0.0.1/32"]).through(&format!("http://{address}")).start();
    let outcome = post_until_late(&sender, "http://127.0.0.1/", first_byte(&listener)).await;
    assert_failure(&failure(&outcome), FailureKind::Timeout, "no answer within 10s (still connecting)");
}

/// The outcome of a post when the time is up after `begun`.
async fn post_until_late<T>(sender: &Sender, url: &str, begun: impl Future<Output = T>) -> Outcome {
    let clock = async {
        let held = begun.await;
        sender.env.advance(TIMEOUT);
        held
    };
    tokio::join!(sender.post(url), clock).0
}

/// The same as an exchange, with time to read what came after `begun`.
async fn exchange_until_late<T>(sender: &Sender, url: &str, begun: impl Future<Output = T>) -> Exchange {
    let clock = async {
        let held = begun.await;
        settle().await;
        sender.env.advance(TIMEOUT);
        held
    };
    tokio::join!(sender.exchange(url), clock).0
}

/// Lets everything happen that can while the clock stands. All of a test runs on one thread, and its sockets are
/// looked at every 61 turns.
pub(crate) async fn settle() {
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
}

async fn listen() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Reads one byte from a client, and answers nothing.
async fn first_byte(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}
