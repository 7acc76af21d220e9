//! The endpoint's timeout covers everything, and its end says what was waited for.

use std::time::Duration;

use model::attempt::{FailureKind, Outcome};
use testkit::behaviour::{Behaviour, OPENING};
use testkit::certificate::Identity;
use testkit::receiver::Receiver;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::names::Names;
use crate::sender::{Sender, TIMEOUT, assert_failure, failure};

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
async fn a_body_that_stalls_is_a_timeout_with_what_came_of_it() {
    let receiver = Receiver::behaving(vec![Behaviour::StallInBody]).start().await;
    let sender = Sender::new();
    let answered = async {
        receiver.received(1).await;
        settle().await;
    };
    let outcome = post_until_late(&sender, receiver.url(), answered).await;
    let message = "no whole answer within 10s (answered 200, then stalled while reading the body, after 15 bytes)";
    assert_failure(&failure(&outcome), FailureKind::Timeout, message);
    let answer = outcome.answer().unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, OPENING.as_bytes()));
    receiver.disconnected(1).await;
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

/// What comes of a post when the time is up after `begun`.
async fn post_until_late<T>(sender: &Sender, url: &str, begun: impl Future<Output = T>) -> Outcome {
    let clock = async {
        let held = begun.await;
        sender.env.advance(TIMEOUT);
        held
    };
    tokio::join!(sender.post(url), clock).0
}

/// Lets everything happen that can while the clock stands. All of a test runs on one thread, and its sockets are
/// looked at every 61 turns.
async fn settle() {
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
}

async fn listen() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Reads one byte of what a client says, and answers nothing.
async fn first_byte(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}
