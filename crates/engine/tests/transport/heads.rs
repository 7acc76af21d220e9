//! Heads of answers as receivers really write them: the status line decides, and nothing that follows it undoes that.

use model::attempt::{FailureKind, Outcome};
use testkit::behaviour::Behaviour;
use testkit::receiver::Receiver;

use crate::peer::Peer;
use crate::sender::{Sender, noted};

/// Answers each request with `head`, an empty line and `body`, and keeps its connections open.
async fn answering(head: &str, body: &str) -> Peer {
    let answer = format!("{head}\r\n\r\n{body}");
    Peer::talking(move |mut conversation| {
        let answer = answer.clone();
        async move { conversation.answer_all(&answer).await }
    })
    .await
}

#[tokio::test]
async fn an_odd_line_in_the_head_is_skipped_and_noted_and_the_answer_read() {
    let cases = [
        ("PHP Warning: PHP Startup: unable to load library", "has a name that no header can have, and was skipped"),
        ("this is no header", "has no colon, and was skipped"),
        (" x-leading: nosniff", "begins with a blank, and was skipped"),
        ("x-powered-by : x", "has a blank before its colon, and was read without it"),
        ("content-security-policy: \r\n\tdefault-src 'self'", "goes on in the next one; they were read as one line"),
        ("x-nul: a\0b", "has control characters in its value, and was skipped"),
    ];
    for (line, told) in cases {
        let peer = answering(&format!("HTTP/1.1 200 OK\r\n{line}\r\nx-seen: yes\r\ncontent-length: 6"), "thanks").await;
        let sender = peer.sender();
        for _ in 0..3 {
            let exchange = sender.exchange(&peer.url).await;
            let (answer, note) = noted(&exchange);
            assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), (200, b"thanks".as_slice(), false));
            assert_eq!(answer.header("x-seen"), Some("yes"), "{line:?}");
            assert_eq!(note, format!("line 2 of the answer's head {told}"));
        }
        assert_eq!(peer.connections(), 1, "{line:?}");
    }
}

#[tokio::test]
async fn many_and_long_headers_are_kept_up_to_a_bound() {
    let many = |count: usize| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    let policy = format!("content-security-policy: {}\r\n", "a".repeat(17_000));
    for (headers, count) in [(many(101), 103), (policy.clone(), 3), (many(250) + &policy, 253)] {
        let peer = answering(&format!("HTTP/1.1 200 OK\r\n{headers}x-last: yes\r\ncontent-length: 6"), "thanks").await;
        let exchange = peer.sender().exchange(&peer.url).await;
        let Outcome::Answered(answer) = &exchange.outcome else { panic!("{exchange:?}") };
        assert_eq!((answer.headers.iter().count(), answer.header("x-last")), (count, Some("yes")));
        assert_eq!((answer.body.as_slice(), exchange.notes.len()), (b"thanks".as_slice(), 0));
    }

    let peer = answering(&format!("HTTP/1.1 200 OK\r\n{}content-length: 6", many(5_000)), "thanks").await;
    let exchange = peer.sender().exchange(&peer.url).await;
    let (answer, note) = noted(&exchange);
    assert_eq!((answer.headers.iter().count(), answer.body.as_slice()), (256, b"thanks".as_slice()));
    assert_eq!(note, "of the 5001 headers of the answer the first 256 are kept");
}

#[tokio::test]
async fn a_head_that_is_longer_than_is_read_is_an_answer() {
    let many: String = (0..10_000).map(|number| format!("x-{number}: 1\r\n")).collect();
    let long = format!("x-first: 1\r\nx-long: {}\r\n", "y".repeat(4 << 20));
    for headers in [many, long] {
        for status in [200, 503] {
            let peer = answering(&format!("HTTP/1.1 {status} X\r\n{headers}content-length: 0"), "").await;
            let exchange = peer.sender().exchange(&peer.url).await;
            let Outcome::Answered(answer) = &exchange.outcome else { panic!("{exchange:?}") };
            assert_eq!((answer.status, answer.truncated), (status, true));
            assert!(!answer.headers.is_empty());
            let note = exchange.notes.last().unwrap();
            assert!(note.ends_with("head has more than 64 KiB; what came behind them was not read"), "{note}");
            peer.ended(1).await;
        }
    }
}

#[tokio::test]
async fn a_head_that_breaks_off_behind_its_status_line_is_an_answer() {
    let cases = [
        (Behaviour::Raw(b"HTTP/1.1 200 OK\r\n".to_vec()), 0),
        (Behaviour::Raw(b"HTTP/1.1 200 OK\r\nx-a: 1\r\nx-b".to_vec()), 1),
        (Behaviour::Raw(b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\nx-a: 1\n".to_vec()), 1),
    ];
    for (behaviour, headers) in cases {
        let receiver = Receiver::behaving(vec![behaviour]).start().await;
        let exchange = Sender::new().exchange(receiver.url()).await;
        let (answer, note) = noted(&exchange);
        assert_eq!((answer.status, answer.headers.iter().count(), answer.truncated), (200, headers, true));
        assert_eq!(note, "the connection was closed in the middle of the answer's head");
    }
}

#[tokio::test]
async fn where_it_is_in_doubt_how_the_body_ends_it_is_not_read_and_the_connection_closed() {
    let cases = [
        ("content-length: 6\r\ncontent-length: 7", "its content-length is not one number"),
        ("content-length: six", "its content-length is not one number"),
        ("transfer-encoding: xchunked", "its transfer-encoding is none that HTTP/1.1 has"),
        ("content-length : 6", "a line of its head that is about the body's length is not as HTTP has it"),
        (
            "content-length: 6\r\ntransfer-encoding\t: chunked",
            "a line of its head that is about the body's length is not as HTTP has it",
        ),
    ];
    for (headers, why) in cases {
        for status in [200, 500] {
            let peer = answering(&format!("HTTP/1.1 {status} X\r\n{headers}"), "thanks").await;
            let sender = peer.sender();
            for number in 1..=2 {
                let exchange = sender.exchange(&peer.url).await;
                let Outcome::Answered(answer) = &exchange.outcome else { panic!("{exchange:?}") };
                assert_eq!((answer.status, answer.body.len(), answer.truncated), (status, 0, true), "{headers:?}");
                let note = exchange.notes.last().map(String::as_str);
                assert_eq!(note, Some(format!("the answer's body was not read, because {why}").as_str()));
                peer.ended(number).await;
            }
            assert_eq!((peer.connections(), peer.requests()), (2, 2), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn empty_lines_before_an_answer_mean_nothing_and_do_not_go_on_for_ever() {
    let peer = answering("\r\n\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6", "thanks").await;
    let sender = peer.sender();
    for _ in 0..2 {
        let exchange = sender.exchange(&peer.url).await;
        assert_eq!((exchange.outcome.status(), exchange.notes.len()), (Some(200), 0));
    }
    assert_eq!(peer.connections(), 1);

    let peer = answering(&"\r\n".repeat(64 * 1024), "").await;
    let failure = peer.sender().failure(&peer.url).await;
    let message = "what came back is not HTTP: more than 64 KiB without an answer";
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Protocol, message));
}
