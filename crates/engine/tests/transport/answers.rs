//! Answers: how they are read and judged.

use model::attempt::{FailureKind, Outcome};
use testkit::behaviour::{Behaviour, OPENING, Reply};
use testkit::certificate::Identity;
use testkit::receiver::{Nobody, Receiver};

use crate::names::Names;
use crate::peer::{self, Peer};
use crate::sender::{BODY, RESPONSE_BYTES, Sender, assert_failure, failure, noted};

#[tokio::test]
async fn a_request_arrives_as_it_was_made_and_the_answer_is_read() {
    let reply = Reply::status(201).header("x-seen", "yes").body("thanks");
    let receiver = Receiver::behaving(vec![reply.into()]).start().await;
    let url = format!("{}?tenant=7&q=a%20b", receiver.url());

    let headers = [("content-type", "application/json"), ("webhook-id", "evt_1"), ("x-name", "Zürich")];
    let outcome = Sender::new().post_with(&url, &headers).await;

    let Outcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
    assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), (201, b"thanks".as_slice(), false));
    assert_eq!(answer.header("X-Seen"), Some("yes"));

    let requests = receiver.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook?tenant=7&q=a%20b"));
    assert_eq!(request.text(), BODY);
    let host = receiver.address().to_string();
    let length = BODY.len().to_string();
    let own = [("host", host.as_str()), ("content-length", length.as_str())];
    let expected: Vec<_> = headers.iter().chain(&own).map(|(name, value)| ((*name).into(), (*value).into())).collect();
    assert_eq!(request.headers, expected);
}

#[tokio::test]
async fn an_answer_without_2xx_is_an_answer() {
    let receiver = Receiver::replying([200, 204, 404, 410, 500]).start().await;
    let sender = Sender::new();
    for status in [200, 204, 404, 410, 500] {
        let outcome = sender.post(receiver.url()).await;
        assert!(matches!(&outcome, Outcome::Answered(answer) if answer.status == status), "{outcome:?}");
        assert_eq!(outcome.is_success(), status < 300);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_that_says_how_it_broke() {
    let closed = "the connection was closed before an answer came";
    let not_http = "what came back is not HTTP: it does not begin with a status line such as HTTP/1.1 200 OK";
    let cases = [
        (Behaviour::Close, FailureKind::Reset, closed),
        (Behaviour::Reset, FailureKind::Reset, "the receiver reset the connection before an answer came"),
        (Behaviour::Garbage, FailureKind::Protocol, not_http),
        (Behaviour::Raw(b"HTTP/1.1 200 O".to_vec()), FailureKind::Reset, closed),
        (Behaviour::Raw(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n".to_vec()), FailureKind::Reset, closed),
        (Behaviour::Raw(b"HTTP/1.1 OK\r\n\r\n".to_vec()), FailureKind::Protocol, not_http),
    ];
    for (behaviour, kind, message) in cases {
        let receiver = Receiver::behaving(vec![behaviour]).start().await;
        let outcome = Sender::new().post(receiver.url()).await;
        assert_failure(&failure(&outcome), kind, message);
        assert_eq!(outcome.answer(), None);
        receiver.disconnected(1).await;
    }
}

#[tokio::test]
async fn a_status_is_an_answer_whatever_becomes_of_the_body_behind_it() {
    let cases = [
        (
            "content-length: 100\r\n\r\nthe body begins",
            "the connection was closed in the middle of the answer's body, after 15 of 100 bytes",
        ),
        (
            "transfer-encoding: chunked\r\n\r\nf\r\nthe body begins\r\n",
            "the connection was closed in the middle of the answer's body, after 15 bytes and before the last chunk",
        ),
        (
            "transfer-encoding: chunked\r\n\r\nf\r\nthe body begins\r\nzz\r\n",
            "the answer's body cannot be read in chunks: a chunk does not begin with its size",
        ),
        (
            "transfer-encoding: chunked\r\n\r\nf\r\nthe body begins\n0\n\n",
            "the answer's body cannot be read in chunks: a line of it ends with LF and not with CR LF",
        ),
    ];
    for (rest, told) in cases {
        for status in [200, 204 + 2, 404, 503] {
            let answer = format!("HTTP/1.1 {status} X\r\n{rest}").into_bytes();
            let receiver = Receiver::behaving(vec![Behaviour::Raw(answer)]).start().await;
            let exchange = Sender::new().exchange(receiver.url()).await;
            let (answer, note) = noted(&exchange);
            let expected = (status, OPENING.as_bytes(), true);
            assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), expected, "{rest:?}");
            assert_eq!(note, told);
            assert_eq!(exchange.outcome.is_success(), status < 300);
            let kind = exchange.outcome.failure().map(|failure| failure.kind);
            assert_eq!(kind, (status >= 300).then_some(FailureKind::Status));
            receiver.disconnected(1).await;
        }
    }

    let receiver = Receiver::behaving(vec![Behaviour::ResetInBody]).start().await;
    let exchange = Sender::new().exchange(receiver.url()).await;
    let (answer, note) = noted(&exchange);
    assert_eq!((answer.status, answer.truncated), (200, true));
    assert!(note.starts_with("the receiver reset the connection in the middle of the answer's body, after "), "{note}");
}

/// Chunks with LF are reported at once, not when the time is up.
#[tokio::test]
async fn chunks_that_end_with_lf_are_not_waited_for() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\nthanks\n0\n\n";
    let peer = Peer::talking(move |mut conversation| async move { conversation.answer_all(answer).await }).await;
    let exchange = peer.sender().exchange(&peer.url).await;
    let (answer, note) = noted(&exchange);
    assert_eq!((answer.status, answer.body.len(), answer.truncated), (200, 0, true));
    assert_eq!(note, "the answer's body cannot be read in chunks: a line of it ends with LF and not with CR LF");
}

#[tokio::test]
async fn a_body_that_ends_without_a_close_notify_is_marked_and_acknowledged() {
    let cases = [
        ("HTTP/1.0 200 OK\r\n\r\nok", "", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", "", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", "", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "", false),
        ("HTTP/1.1 200 OK\r\n\r\n", "ok", true),
    ];
    for (first, then, truncated) in cases {
        let identity = Identity::valid_for([peer::NAME]).without_h2();
        let peer = Peer::talking_tls(identity, move |mut conversation| async move {
            assert!(conversation.request().await);
            conversation.say(first).await;
            conversation.say(then).await;
        })
        .await;
        let exchange = peer.sender().exchange(&peer.url).await;
        let Outcome::Answered(answer) = &exchange.outcome else { panic!("{first:?}: {exchange:?}") };
        assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), (200, b"ok".as_slice(), truncated));
        let told = "the connection was closed without the close_notify of TLS, so the answer's body may not be whole (2 bytes came)";
        assert_eq!(exchange.notes, vec![told; usize::from(truncated)], "{first:?}");
        assert_eq!(peer.requests(), 1);
    }
}

#[tokio::test]
async fn over_http2_too_failures_say_what_they_are() {
    let cases = [(Behaviour::Close, FailureKind::Reset), (Behaviour::Reset, FailureKind::Reset)];
    for (behaviour, kind) in cases {
        let told = format!("{behaviour:?}");
        let identity = Identity::valid_for(["hooks.example"]);
        let receiver = Receiver::behaving(vec![behaviour]).tls(identity).start().await;
        let names = Names::default().with("hooks.example", &["127.0.0.1"]);
        let sender = Sender::allowed(&["127.0.0.1/32"]).names(names).trusting(receiver.ca_pem()).start();
        let failure = sender.failure(receiver.url()).await;
        assert_eq!(failure.kind, kind, "{told}: {}", failure.message);
        assert_eq!(receiver.requests()[0].version, http::Version::HTTP_2);
    }
}

#[tokio::test]
async fn over_http2_too_a_status_is_an_answer_whatever_becomes_of_the_body() {
    let identity = Identity::valid_for(["hooks.example"]);
    let receiver = Receiver::behaving(vec![Behaviour::ResetInBody]).tls(identity).start().await;
    let names = Names::default().with("hooks.example", &["127.0.0.1"]);
    let sender = Sender::allowed(&["127.0.0.1/32"]).names(names).trusting(receiver.ca_pem()).start();
    let exchange = sender.exchange(receiver.url()).await;
    let (answer, note) = noted(&exchange);
    assert_eq!((answer.status, answer.truncated, receiver.count()), (200, true, 1));
    assert!(note.contains("in the middle of the answer's body"), "{note}");
}

#[tokio::test]
async fn an_answer_of_just_the_cap_is_whole_and_one_byte_more_is_truncated() {
    for (length, truncated) in [(0, false), (RESPONSE_BYTES, false), (RESPONSE_BYTES + 1, true)] {
        let receiver = Receiver::behaving(vec![Reply::status(200).body(vec![b'x'; length]).into()]).start().await;
        let outcome = Sender::new().post(receiver.url()).await;
        let Outcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
        assert_eq!((answer.body.len(), answer.truncated), (length.min(RESPONSE_BYTES), truncated));
    }
}

#[tokio::test]
async fn a_long_or_endless_body_is_read_to_the_cap_and_the_connection_closed() {
    let long = Reply::status(200).body(vec![b'x'; 10_000_000]);
    for behaviour in [long.into(), Behaviour::EndlessBody] {
        let receiver = Receiver::behaving(vec![behaviour]).start().await;
        let outcome = Sender::new().post(receiver.url()).await;
        let Outcome::Answered(answer) = &outcome else { panic!("{outcome:?}") };
        assert!(outcome.is_success() && answer.truncated && answer.body.len() == RESPONSE_BYTES);
        receiver.disconnected(1).await;
    }
}

#[tokio::test]
async fn headers_are_kept_up_to_a_bound_and_whatever_bytes_they_hold() {
    let mut reply = Reply::status(200).header("x-first", "1");
    for number in 0..40 {
        reply = reply.header(&format!("x-{number:02}"), &"v".repeat(1_600));
    }
    let latin1 = b"HTTP/1.1 200 OK\r\nx-town: Z\xfcrich\r\ncontent-length: 0\r\n\r\n".to_vec();
    let receiver = Receiver::behaving(vec![reply.into(), Behaviour::Raw(latin1)]).start().await;
    let sender = Sender::new();

    let outcome = sender.post(receiver.url()).await;
    let headers = &outcome.answer().unwrap().headers;
    assert_eq!(headers.iter().next(), Some(("x-first", "1")));
    let kept: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!((60_000..=65_536).contains(&kept), "{kept}");

    let outcome = sender.post(receiver.url()).await;
    assert_eq!(outcome.answer().unwrap().header("x-town"), Some("Z\u{fffd}rich"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Receiver::healthy().start().await;
    let receiver = Receiver::behaving(vec![Behaviour::RedirectTo(elsewhere.url().to_owned())]).start().await;
    let outcome = Sender::new().post(receiver.url()).await;
    assert_eq!(outcome.status(), Some(302));
    assert!(failure(&outcome).message.contains(elsewhere.url()));
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn nobody_there_is_a_connection_refused() {
    let nobody = Nobody::refusing();
    let failure = Sender::new().failure(&nobody.url()).await;
    assert_failure(&failure, FailureKind::Connect, &format!("connection refused by {}", nobody.address()));
}

#[tokio::test]
async fn a_name_that_does_not_exist_or_has_no_address_is_a_dns_failure() {
    let names = Names::default().with("empty.example", &[]);
    let sender = Sender::allowed(&[]).names(names).start();
    let unknown = sender.failure("https://hooks.example/").await;
    assert_failure(&unknown, FailureKind::Dns, "the name hooks.example does not exist");
    let empty = sender.failure("https://empty.example/").await;
    assert_failure(&empty, FailureKind::Dns, "the name empty.example exists but has no address");
}

#[tokio::test]
async fn a_header_that_http_cannot_carry_is_not_sent() {
    let receiver = Receiver::healthy().start().await;
    let outcome = Sender::new().post_with(receiver.url(), &[("x-bad", "a\r\nb: c")]).await;
    assert_failure(&failure(&outcome), FailureKind::Render, "the header x-bad cannot be sent in an HTTP request");
    assert_eq!(receiver.connections(), 0);
}
