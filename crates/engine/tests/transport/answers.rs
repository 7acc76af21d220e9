//! What comes back, read and judged.

use model::attempt::{FailureKind, Outcome};
use testkit::behaviour::{Behaviour, OPENING, Reply};
use testkit::certificate::Identity;
use testkit::receiver::{Nobody, Receiver};

use crate::names::Names;
use crate::sender::{BODY, RESPONSE_BYTES, Sender, assert_beginning, assert_failure, failure};

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
async fn a_broken_answer_is_a_failure_that_says_how_it_broke() {
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}").into_bytes();
    let many: String = (0..101).map(|number| format!("x-{number}: 1\r\n")).collect();
    let cases = [
        (Behaviour::Close, FailureKind::Reset, "the connection was closed before an answer came"),
        (Behaviour::Reset, FailureKind::Reset, "the receiver reset the connection before an answer came"),
        (Behaviour::Garbage, FailureKind::Protocol, "what came back is not HTTP: "),
        (Behaviour::Raw(head("content-le")), FailureKind::Reset, "the connection was closed before an answer came"),
        (
            Behaviour::Raw(head(&format!("x-large: {}", "x".repeat(20_000)))),
            FailureKind::Protocol,
            "what came back is not HTTP: ",
        ),
        (Behaviour::Raw(head(&format!("{many}\r\n"))), FailureKind::Protocol, "what came back is not HTTP: "),
    ];
    for (behaviour, kind, message) in cases {
        let receiver = Receiver::behaving(vec![behaviour]).start().await;
        let outcome = Sender::new().post(receiver.url()).await;
        assert_beginning(&failure(&outcome), kind, message);
        assert_eq!(outcome.answer(), None);
        receiver.disconnected(1).await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_is_a_failure_with_what_came_of_it() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthe body begins".to_vec();
    let bad_chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nf\r\nthe body begins\r\nzz\r\n".to_vec();
    let cases = [
        (
            Behaviour::ResetInBody,
            FailureKind::Reset,
            "the receiver reset the connection in the middle of the answer's body",
        ),
        (Behaviour::Raw(short), FailureKind::Reset, "the connection was closed in the middle of the answer's body"),
        (Behaviour::Raw(bad_chunk), FailureKind::Body, "the answer's body cannot be read: "),
    ];
    for (behaviour, kind, message) in cases {
        let receiver = Receiver::behaving(vec![behaviour]).start().await;
        let outcome = Sender::new().post(receiver.url()).await;
        assert_beginning(&failure(&outcome), kind, message);
        let answer = outcome.answer().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, OPENING.as_bytes()));
    }
}

#[tokio::test]
async fn over_http2_too_failures_say_what_they_are() {
    let cases = [
        (Behaviour::Close, FailureKind::Reset),
        (Behaviour::Reset, FailureKind::Reset),
        (Behaviour::ResetInBody, FailureKind::Reset),
    ];
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
        reply = reply.header(&format!("x-{number:02}"), &"v".repeat(300));
    }
    let latin1 = b"HTTP/1.1 200 OK\r\nx-town: Z\xfcrich\r\ncontent-length: 0\r\n\r\n".to_vec();
    let receiver = Receiver::behaving(vec![reply.into(), Behaviour::Raw(latin1)]).start().await;
    let sender = Sender::new();

    let outcome = sender.post(receiver.url()).await;
    let headers = &outcome.answer().unwrap().headers;
    assert_eq!(headers.iter().next(), Some(("x-first", "1")));
    let kept: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!((7_000..=8_192).contains(&kept), "{kept}");

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
