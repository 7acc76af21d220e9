//! HTTP/2 frame by frame: requests that the receiver refuses unprocessed, and those that it wants over HTTP/1.1.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::attempt::FailureKind;
use testkit::certificate::Identity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::{Conversation, NAME, Peer};
use crate::sender::{assert_failure, failure, noted};

/// The reaction to a whole request. One that ends the connection closes it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Answer,
    /// RST_STREAM with this code.
    Reset(u32),
    /// GOAWAY with this code. The request was not processed.
    GoAwayBelow(u32),
    /// GOAWAY with this code, then the end, in order. The request may have been processed.
    GoAway(u32),
    /// Answers with a head and this many bytes of a body, then RST_STREAM with this code.
    ResetInBody(u32),
    Close,
}

const NO_ERROR: u32 = 0x0;
const INTERNAL_ERROR: u32 = 0x2;
const REFUSED_STREAM: u32 = 0x7;
const HTTP_1_1_REQUIRED: u32 = 0xd;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
/// `:status: 200`, as HPACK has it.
const STATUS_200: &[u8] = &[0x88];

const SENT_AGAIN: &str = "the receiver refused the request without processing it; it was sent again at once";
const OVER_HTTP1: &str = "the receiver asked for HTTP/1.1; the request was sent again over that";

/// Reacts to one request after the other by the script, and answers those that follow; in HTTP/1.1 it answers all.
pub(crate) async fn peer(script: Vec<Then>) -> Peer {
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    Peer::talking_tls(Identity::valid_for([NAME]), move |mut conversation| {
        let script = script.clone();
        async move {
            if conversation.is_h2 {
                _ = converse(&mut conversation, &script).await;
            } else {
                conversation.answer_all("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
            }
        }
    })
    .await
}

async fn converse(conversation: &mut Conversation, script: &Mutex<VecDeque<Then>>) -> std::io::Result<()> {
    let mut preface = [0; 24];
    conversation.stream.read_exact(&mut preface).await?;
    conversation.say(frame(SETTINGS, 0, 0, &[])).await;
    loop {
        let (kind, flags, stream, payload) = read_frame(conversation).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => conversation.say(frame(SETTINGS, ACK, 0, &[])).await,
            PING if flags & ACK == 0 => conversation.say(frame(PING, ACK, 0, &payload)).await,
            DATA | HEADERS if flags & END_STREAM != 0 => {
                conversation.has_come();
                let then = script.lock().unwrap().pop_front().unwrap_or(Then::Answer);
                if act(conversation, then, stream).await {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
}

/// Kind, flags, stream and payload.
async fn read_frame(conversation: &mut Conversation) -> std::io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    conversation.stream.read_exact(&mut head).await?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    conversation.stream.read_exact(&mut payload).await?;
    Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// True if that ends the connection.
async fn act(conversation: &mut Conversation, then: Then, stream: u32) -> bool {
    let go_away = |last: u32, code: u32| frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat());
    match then {
        Then::Answer => conversation.say(frame(HEADERS, END_HEADERS | END_STREAM, stream, STATUS_200)).await,
        Then::Reset(code) => conversation.say(frame(RST_STREAM, 0, stream, &code.to_be_bytes())).await,
        Then::GoAwayBelow(code) => conversation.say(go_away(stream.saturating_sub(2), code)).await,
        Then::GoAway(code) => {
            conversation.say(go_away(stream, code)).await;
            _ = conversation.stream.shutdown().await;
        }
        Then::ResetInBody(code) => {
            conversation.say(frame(HEADERS, END_HEADERS, stream, STATUS_200)).await;
            conversation.say(frame(DATA, 0, stream, b"the body begins")).await;
            conversation.say(frame(RST_STREAM, 0, stream, &code.to_be_bytes())).await;
        }
        Then::Close => {}
    }
    matches!(then, Then::GoAway(_) | Then::Close)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = &(payload.len() as u32).to_be_bytes()[1..];
    [length, &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn a_request_that_was_refused_unprocessed_is_sent_again_at_once() {
    for then in [Then::Reset(REFUSED_STREAM), Then::GoAwayBelow(NO_ERROR), Then::GoAwayBelow(INTERNAL_ERROR)] {
        for refused in 0..=3 {
            let peer = peer(vec![then; refused]).await;
            let exchange = peer.sender().exchange(&peer.url).await;
            assert!(exchange.outcome.is_success(), "{then:?} {refused}: {exchange:?}");
            assert_eq!(exchange.notes, vec![SENT_AGAIN; refused], "{then:?}");
            assert_eq!(peer.requests(), refused + 1, "{then:?}");
        }
    }
}

#[tokio::test]
async fn it_is_sent_again_three_times_and_no_more() {
    let cases = [
        (Then::Reset(REFUSED_STREAM), "the receiver reset the HTTP/2 stream before an answer came (REFUSED_STREAM)"),
        (Then::GoAwayBelow(NO_ERROR), "the receiver ended the HTTP/2 connection before an answer came (NO_ERROR)"),
    ];
    for (then, message) in cases {
        let peer = peer(vec![then; 9]).await;
        let failure = peer.sender().failure(&peer.url).await;
        assert_failure(&failure, FailureKind::Reset, message);
        assert_eq!(peer.requests(), 4, "{then:?}");
    }
}

#[tokio::test]
async fn a_stream_that_was_reset_for_any_other_reason_is_a_failure_at_once() {
    for code in [NO_ERROR, INTERNAL_ERROR, 0x8, 0xb, 0xff] {
        let peer = peer(vec![Then::Answer, Then::Reset(code)]).await;
        let sender = peer.sender();
        assert!(sender.post(&peer.url).await.is_success());
        let exchange = sender.exchange(&peer.url).await;
        assert_eq!((failure(&exchange.outcome).kind, exchange.notes.len()), (FailureKind::Reset, 0), "{code}");
        assert_eq!((peer.requests(), peer.connections()), (2, 1), "{code}");
    }
}

#[tokio::test]
async fn a_stream_that_was_reset_in_its_body_is_an_answer_that_is_not_whole() {
    for code in [NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, HTTP_1_1_REQUIRED] {
        let peer = peer(vec![Then::ResetInBody(code)]).await;
        let exchange = peer.sender().exchange(&peer.url).await;
        let (answer, note) = noted(&exchange);
        assert_eq!((answer.status, answer.truncated, peer.requests()), (200, true, 1), "{code}");
        assert!(note.contains("HTTP/2 stream in the middle of the answer's body"), "{code}: {note}");
    }
}

#[tokio::test]
async fn a_receiver_that_wants_http1_gets_the_request_over_it_and_is_not_offered_http2_for_an_hour() {
    let wanting =
        [Then::Reset(HTTP_1_1_REQUIRED), Then::GoAwayBelow(HTTP_1_1_REQUIRED), Then::GoAway(HTTP_1_1_REQUIRED)];
    for then in wanting {
        let peer = peer(vec![then]).await;
        let sender = peer.sender();
        let exchange = sender.exchange(&peer.url).await;
        assert_eq!(exchange.outcome.status(), Some(201), "{then:?}: {exchange:?}");
        assert_eq!((exchange.notes, peer.requests(), peer.connections()), (vec![OVER_HTTP1.to_owned()], 2, 2));

        // Over the connection that is there, and over new ones.
        for (later, connections) in [(0, 2), (60, 3), (3000, 4), (539, 5)] {
            sender.env.advance(Duration::from_secs(later));
            assert_eq!(sender.post(&peer.url).await.status(), Some(201), "{then:?} {later}");
            assert_eq!(peer.connections(), connections, "{then:?} {later}");
        }
        sender.env.advance(Duration::from_secs(5));
        assert_eq!(sender.post(&peer.url).await.status(), Some(200), "{then:?}");
    }
}

#[tokio::test]
async fn others_on_the_same_connection_are_sent_over_http1_too() {
    let peer = peer(vec![Then::Answer, Then::Reset(HTTP_1_1_REQUIRED), Then::Reset(HTTP_1_1_REQUIRED)]).await;
    let sender = peer.sender();
    assert_eq!(sender.post(&peer.url).await.status(), Some(200));
    let (one, other) = tokio::join!(sender.post(&peer.url), sender.post(&peer.url));
    assert_eq!((one.status(), other.status()), (Some(201), Some(201)));
}
