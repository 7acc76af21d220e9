//! What follows an attempt, whatever the receiver did: the delivery's state, the endpoint's, and words for a person.

use std::time::Duration;

use model::time::Timestamp;
use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::certificate::{Authority, Identity};
use testkit::receiver::{Nobody, Receiver};

use crate::gateway::{Gateway, Project, span, text, time};

#[tokio::test]
async fn a_failing_endpoint_is_retried_until_it_answers() {
    let receiver = Receiver::replying([500, 503, 204]).start().await;
    let gateway = Gateway::new().retry(["1s", "5s"]).start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;

    project.send("invoice.paid", json!({ "id": 7 })).await;
    gateway.advance("7s").await;

    assert_eq!(receiver.statuses(), [500, 503, 204]);
    assert_eq!(project.only_delivery().await["status"], "delivered");
}

/// What a first attempt left behind.
struct Aftermath {
    delivery: Value,
    endpoint: Value,
    attempt: Value,
    /// When the attempt was over.
    ended: Timestamp,
}

/// Sends an event to `url` and lets its first attempt happen.
async fn first_attempt(gateway: &Gateway, url: &str) -> Aftermath {
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": url })).await;
    project.send("invoice.paid", json!({ "id": 7 })).await;
    gateway.at_rest().await;
    Aftermath::of(gateway, &project, &endpoint).await
}

/// The first attempt at a receiver on this machine that behaves so.
async fn first_answer(behaviour: impl Into<Behaviour>) -> Aftermath {
    let receiver = Receiver::behaving(vec![behaviour.into()]).start().await;
    let gateway = Gateway::new().start().await;
    first_attempt(&gateway, receiver.url()).await
}

/// The first attempt at a receiver that keeps it waiting for the ten seconds that it has.
async fn first_wait(behaviour: Behaviour) -> Aftermath {
    let receiver = Receiver::behaving(vec![behaviour]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    project.send("invoice.paid", json!({ "id": 7 })).await;
    receiver.received(1).await;
    gateway.lose_patience("10s").await;
    Aftermath::of(&gateway, &project, &endpoint).await
}

/// The first attempt at `https://hooks.example`, which shows `identity`. Besides the system's authorities the gateway
/// trusts `trusted`.
async fn first_handshake(identity: Identity, trusted: Option<&Authority>) -> Aftermath {
    let receiver = Receiver::healthy().tls(identity).start().await;
    let gateway = Gateway::new().resolving_here();
    let gateway = match trusted {
        Some(authority) => gateway.trusting(&authority.pem()).start().await,
        None => gateway.start().await,
    };
    let aftermath = first_attempt(&gateway, &receiver.url_as("hooks.example")).await;
    assert_eq!(receiver.count(), 0, "the request was sent in spite of the certificate");
    aftermath
}

impl Aftermath {
    async fn of(gateway: &Gateway, project: &Project<'_>, endpoint: &Value) -> Self {
        let delivery = project.only_delivery().await;
        let attempts = delivery["attempts"].as_array().expect("a delivery shows its attempts");
        assert_eq!(attempts.len(), 1, "{delivery:#}");
        let attempt = attempts[0].clone();
        let endpoint = project.show(endpoint).await;
        let told = Self { attempt, endpoint, delivery, ended: gateway.now() };
        told.is_told_in_full();
        told
    }

    /// Every field that the contract names is there, and right as far as it is the same for all.
    #[track_caller]
    fn is_told_in_full(&self) {
        let fields = [
            "number",
            "started_at",
            "duration_ms",
            "status_code",
            "error",
            "request_headers",
            "response_headers",
            "response_body",
            "response_truncated",
            "body_dropped",
            "next_attempt_at",
        ];
        for field in fields {
            assert!(self.attempt.get(field).is_some(), "no {field} in {:#}", self.attempt);
        }
        assert_eq!(self.attempt["number"], 1);
        let took = Duration::from_millis(self.attempt["duration_ms"].as_u64().expect("a number"));
        assert_eq!(time(&self.attempt["started_at"]) + took, self.ended);
        assert_eq!(self.attempt["next_attempt_at"], self.delivery["next_attempt_at"]);
    }

    #[track_caller]
    fn is_delivered(&self) {
        assert_eq!(self.delivery["status"], "delivered", "{:#}", self.delivery);
        assert_eq!(self.attempt["error"], Value::Null);
        assert_eq!(self.delivery["next_attempt_at"], Value::Null);
        assert_eq!(self.endpoint["status"], "active");
        assert_eq!(self.endpoint["failure_count"], 0);
    }

    /// It failed, the endpoint stays, and there is another attempt after `wait`, give or take a tenth.
    #[track_caller]
    fn is_retried_in(&self, wait: &str) -> &Self {
        let waits = self.waits();
        let (least, most) = (span(wait).mul_f64(0.9), span(wait).mul_f64(1.1));
        assert!(least <= waits && waits <= most, "waits {waits:?}, not {wait}: {:#}", self.delivery);
        self
    }

    /// How long it waits for the next attempt.
    #[track_caller]
    fn waits(&self) -> Duration {
        assert_eq!(self.delivery["status"], "pending", "{:#}", self.delivery);
        assert_eq!(self.endpoint["status"], "active", "{:#}", self.endpoint);
        assert_eq!(self.endpoint["disabled_reason"], Value::Null);
        assert_eq!(self.endpoint["failure_count"], 1, "{:#}", self.endpoint);
        let next = time(&self.delivery["next_attempt_at"]);
        assert!(next >= self.ended, "the next attempt is over already: {:#}", self.delivery);
        next.since(self.ended)
    }

    #[track_caller]
    fn answered(&self, status: u16) -> &Self {
        assert_eq!(self.attempt["status_code"], status, "{:#}", self.attempt);
        self
    }

    #[track_caller]
    fn got_no_answer(&self) -> &Self {
        assert_eq!(self.attempt["status_code"], Value::Null, "{:#}", self.attempt);
        assert_eq!(self.attempt["response_truncated"], false);
        self
    }

    /// One of the attempt's notes has these words. Alternatives stand between bars.
    #[track_caller]
    fn is_noted(&self, words: &[&str]) -> &Self {
        let notes = self.attempt["notes"].as_array().expect("a list");
        let has = |note: &Value, word: &&str| word.split('|').any(|alternative| text(note).contains(alternative));
        let told = notes.iter().any(|note| words.iter().all(|word| has(note, word)));
        assert!(told, "a person wants to read {words:?} in {notes:?}");
        self
    }

    /// The error is of that kind, and a person finds these words in it. Alternatives stand between bars.
    #[track_caller]
    fn because(&self, kind: &str, words: &[&str]) -> &Self {
        let error = &self.attempt["error"];
        assert_eq!(error["kind"], kind, "{error}");
        let message = text(&error["message"]).to_lowercase();
        for word in words {
            let said = word.split('|').any(|alternative| message.contains(&alternative.to_lowercase()));
            assert!(said, "a person wants to read {word:?} in {message:?}");
        }
        self
    }
}

#[tokio::test]
async fn every_answer_that_is_not_2xx_is_retried_by_the_schedule() {
    for status in [300, 304, 400, 401, 403, 404, 408, 409, 422, 429, 451, 500, 501, 502, 503, 504, 599] {
        let aftermath = first_answer(status).await;
        aftermath.answered(status).because("status", &[&status.to_string()]).is_retried_in("5s");
        assert_eq!(aftermath.delivery["status_code"], status);
    }
}

#[tokio::test]
async fn every_2xx_is_an_acknowledgement() {
    for status in [200, 201, 202, 204, 206, 299] {
        let aftermath = first_answer(status).await;
        aftermath.answered(status).is_delivered();
    }
}

#[tokio::test]
async fn what_was_answered_is_kept() {
    let aftermath = first_answer(Reply::status(500).header("x-trace", "abc").body("out of stock")).await;
    assert_eq!(aftermath.attempt["response_body"], "out of stock");
    assert_eq!(aftermath.attempt["response_headers"]["x-trace"], "abc");
    assert_eq!(aftermath.attempt["response_truncated"], false);
    let sent = &aftermath.attempt["request_headers"];
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature", "content-type"] {
        assert!(sent[name].is_string(), "no {name} in {sent}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured_on_429_and_503_in_seconds_and_as_a_date() {
    // The gateway's time begins at 2026-01-05T09:00:00Z and stands still.
    for status in [429, 503] {
        let two_minutes = [
            "120",
            "Mon, 05 Jan 2026 09:02:00 GMT",
            "Fri, 05 Jan 2026 09:02:00 GMT",
            "Monday, 05-Jan-26 09:02:00 GMT",
            "Mon Jan  5 09:02:00 2026",
        ];
        for two_minutes in two_minutes {
            let aftermath = first_answer(Reply::status(status).header("retry-after", two_minutes)).await;
            let waits = aftermath.answered(status).waits();
            let asked = span("120s");
            assert!(waits >= asked, "{two_minutes}: asked not to come before {asked:?}, it comes after {waits:?}");
            aftermath.is_retried_in("120s");
        }
    }
}

#[tokio::test]
async fn a_receiver_cannot_use_up_the_schedule_by_asking_for_too_little() {
    let soon =
        ["0", "1", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"];
    for soon in soon {
        first_answer(Reply::status(429).header("retry-after", soon)).await.is_retried_in("5s");
    }
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_a_cap() {
    first_answer(Reply::status(503).header("retry-after", "3600")).await.is_retried_in("1h");
    for long in ["8640000", "99999999999999999999", "Thu, 31 Dec 2099 23:59:59 GMT"] {
        let waits = first_answer(Reply::status(503).header("retry-after", long)).await.waits();
        assert!(waits <= span("2d"), "{long}: the receiver may come back, and nobody asks for {waits:?}");
    }
}

#[tokio::test]
async fn retry_after_that_means_nothing_or_comes_with_another_status_leaves_the_schedule_as_it_is() {
    for nonsense in ["", "soon", "-5", "1.5.2", "Mon, 99 Foo 2026 09:02:00 GMT"] {
        first_answer(Reply::status(503).header("retry-after", nonsense)).await.is_retried_in("5s");
    }
    for status in [400, 404, 500, 502] {
        first_answer(Reply::status(status).header("retry-after", "120")).await.is_retried_in("5s");
    }
}

#[tokio::test]
async fn gone_ends_the_delivery_and_disables_the_endpoint_and_others_wait() {
    let receiver = Receiver::replying([410, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let in_an_hour = (gateway.now() + span("1h")).to_string();
    let waiting = project.send_event(json!({ "type": "a.later", "data": {}, "deliver_at": in_an_hour })).await;
    let gone = project.send("a.now", json!({})).await;
    gateway.advance("2h").await;

    let delivery = project.delivery_of(&gone).await;
    assert_eq!(delivery["status"], "failed");
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(delivery["next_attempt_at"], Value::Null);
    assert_eq!(delivery["attempts"][0]["next_attempt_at"], Value::Null);
    assert_eq!(delivery["attempts"][0]["status_code"], 410);
    assert_eq!(delivery["attempts"][0]["error"]["kind"], "status");
    let endpoint = project.show(&endpoint).await;
    assert_eq!(endpoint["status"], "disabled");
    assert!(text(&endpoint["disabled_reason"]).contains("410"), "{endpoint:#}");
    assert_eq!(endpoint["failure_count"], 1);

    // What was pending waits, what comes now makes no delivery; resumed, the first goes on its way.
    assert_eq!(project.delivery_of(&text(&waiting["id"])).await["status"], "pending");
    assert_eq!(project.send_event(json!({ "type": "a.third", "data": {} })).await["deliveries"], 0);
    assert_eq!(receiver.count(), 1);
    let resumed = project.ask(&endpoint, "resume").await;
    assert_eq!((&resumed["status"], &resumed["failure_count"]), (&json!("active"), &json!(0)), "{resumed:#}");
    assert_eq!(resumed["disabled_reason"], Value::Null);
    gateway.at_rest().await;
    assert_eq!(project.delivery_of(&text(&waiting["id"])).await["status"], "delivered");
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let elsewhere = Receiver::healthy().start().await;
    for status in [301, 302, 303, 307, 308] {
        let aftermath = first_answer(Reply::status(status).header("location", elsewhere.url())).await;
        aftermath.answered(status).because("status", &[&status.to_string(), "redirect|follow"]).is_retried_in("5s");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn no_answer_within_ten_seconds_is_a_timeout() {
    let aftermath = first_wait(Behaviour::HangBeforeHeaders).await;
    aftermath.because("timeout", &["no answer", "10s|10 s"]).got_no_answer().is_retried_in("5s");
    assert_eq!(aftermath.attempt["duration_ms"], 10_000);
}

#[tokio::test]
async fn a_body_that_stalls_does_not_undo_its_status() {
    let aftermath = first_wait(Behaviour::StallInBody).await;
    aftermath.answered(200).is_noted(&["body", "10s|10 s", "stalled"]).is_delivered();
    assert_eq!(aftermath.attempt["response_truncated"], true);
    assert_eq!(aftermath.attempt["duration_ms"], 10_000);
}

#[tokio::test]
async fn an_endpoint_may_give_its_receiver_less_time() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "timeout_ms": 500 })).await;
    project.send("invoice.paid", json!({})).await;
    receiver.received(1).await;
    gateway.lose_patience("500ms").await;
    let aftermath = Aftermath::of(&gateway, &project, &endpoint).await;
    aftermath.because("timeout", &["500ms|500 ms|0.5"]).is_retried_in("5s");
}

#[tokio::test]
async fn of_a_body_that_never_ends_4096_bytes_are_read_and_the_status_decides() {
    let receiver = Receiver::behaving(vec![Behaviour::EndlessBody]).start().await;
    let gateway = Gateway::new().start().await;
    let aftermath = first_attempt(&gateway, receiver.url()).await;
    aftermath.answered(200).is_delivered();
    assert_eq!(aftermath.attempt["response_truncated"], true);
    assert_eq!(text(&aftermath.attempt["response_body"]), ".".repeat(4096));
    receiver.disconnected(1).await;

    let mut long_refusal = b"HTTP/1.1 500 Oh\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    long_refusal.extend(vec![b'x'; 1_000_000]);
    let aftermath = first_answer(Behaviour::Raw(long_refusal)).await;
    aftermath.answered(500).because("status", &["500"]).is_retried_in("5s");
    assert_eq!(aftermath.attempt["response_truncated"], true);
    assert_eq!(text(&aftermath.attempt["response_body"]), "x".repeat(4096));
}

#[tokio::test]
async fn a_body_of_exactly_as_much_as_is_kept_is_whole() {
    let aftermath = first_answer(Reply::status(200).body("y".repeat(4096))).await;
    aftermath.is_delivered();
    assert_eq!(aftermath.attempt["response_truncated"], false);
    assert_eq!(text(&aftermath.attempt["response_body"]).len(), 4096);
}

#[tokio::test]
async fn an_answers_headers_are_bounded_too() {
    let many: String = (0..50_000).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(4 << 20));
    for headers in [many, long] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
        let aftermath = first_answer(Behaviour::Raw(answer.into_bytes())).await;
        aftermath.answered(200).is_noted(&["head", "64 KiB"]).is_delivered();
        let kept = aftermath.attempt["response_headers"].as_object().expect("an object");
        assert!(kept.len() <= 256, "{}", kept.len());
    }
}

#[tokio::test]
async fn odd_lines_in_the_head_do_not_undo_the_status() {
    let many: String = (0..100).map(|number| format!("x-h{number}: v\r\n")).collect();
    let policy = format!("content-security-policy: {}\r\n", "a".repeat(17_000));
    let cases = [
        (many.as_str(), None),
        (policy.as_str(), None),
        ("PHP Warning: PHP Startup: unable to load library\r\n", Some("line 2")),
        ("X-Powered-By : x\r\n", Some("line 2")),
        ("content-security-policy: \r\n\tdefault-src 'self'\r\n", Some("line 2")),
        (" X-Content-Type-Options: nosniff\r\n", Some("line 2")),
        ("x-nul: \0\r\n", Some("line 2")),
        ("content-length: 7\r\n", Some("content-length")),
    ];
    for (head, note) in cases {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}x-last: yes\r\ncontent-length: 0\r\n\r\n");
        let aftermath = first_answer(Behaviour::Raw(answer.into_bytes())).await;
        aftermath.answered(200).is_delivered();
        assert_eq!(aftermath.attempt["response_headers"]["x-last"], "yes", "{head:.40}");
        match note {
            Some(word) => drop(aftermath.is_noted(&[word])),
            None => assert_eq!(aftermath.attempt["notes"], json!([]), "{head:.40}"),
        }
    }
}

#[tokio::test]
async fn an_answer_may_come_after_hints() {
    let hint = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";
    let answer = format!("{}HTTP/1.1 204 No Content\r\n\r\n", hint.repeat(3));
    first_answer(Behaviour::Raw(answer.into_bytes())).await.answered(204).is_delivered();
}

#[tokio::test]
async fn an_answer_that_is_cut_short_counts_by_its_status() {
    let cut = |status: u16| {
        let answer = format!("HTTP/1.1 {status} X\r\nretry-after: 60\r\ncontent-length: 100\r\n\r\nthe first words");
        Behaviour::Raw(answer.into_bytes())
    };
    let aftermath = first_answer(cut(200)).await;
    aftermath.answered(200).is_noted(&["closed", "15 of 100 bytes"]).is_delivered();
    assert_eq!(aftermath.attempt["response_body"], "the first words");
    assert_eq!(aftermath.attempt["response_truncated"], true);

    let aftermath = first_answer(cut(500)).await;
    aftermath.answered(500).because("status", &["500"]).is_noted(&["15 of 100 bytes"]).is_retried_in("5s");
    first_answer(cut(503)).await.answered(503).because("status", &["503"]).is_retried_in("60s");
    let aftermath = first_answer(cut(410)).await;
    assert_eq!((&aftermath.delivery["status"], &aftermath.endpoint["status"]), (&json!("failed"), &json!("disabled")));
}

#[tokio::test]
async fn an_answer_that_is_no_text_can_be_looked_up() {
    let aftermath = first_answer(Reply::status(500).header("x-odd", "\u{e9}").body(vec![0xff, 0, b'a', 0xc3])).await;
    assert!(text(&aftermath.attempt["response_body"]).contains('a'), "{:#}", aftermath.attempt);
    aftermath.is_retried_in("5s");
}

#[tokio::test]
async fn a_connection_that_breaks_before_an_answer_is_a_reset() {
    let aftermath = first_answer(Behaviour::Reset).await;
    aftermath.because("reset", &["connection", "reset|closed|broke|ended"]).got_no_answer().is_retried_in("5s");
    let aftermath = first_answer(Behaviour::Close).await;
    aftermath.because("reset", &["connection", "closed|ended", "answer"]).got_no_answer().is_retried_in("5s");
}

#[tokio::test]
async fn a_connection_that_breaks_within_the_body_does_not_undo_the_status() {
    let aftermath = first_answer(Behaviour::ResetInBody).await;
    aftermath.answered(200).is_noted(&["body", "reset|closed|broke|ended"]).is_delivered();
    let aftermath = first_answer(Behaviour::Raw(b"HTTP/1.1 200 OK\r\nx-a: 1\r\n".to_vec())).await;
    aftermath.answered(200).is_noted(&["head", "closed"]).is_delivered();
}

#[tokio::test]
async fn what_is_not_http_is_said_to_be_so() {
    let aftermath = first_answer(Behaviour::Garbage).await;
    aftermath.because("protocol", &["not", "http"]).got_no_answer().is_retried_in("5s");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let aftermath = first_handshake(Identity::valid_for(["hooks.example"]), None).await;
    aftermath
        .because("tls", &["certificate", "authority|issuer", "unknown|not known|not trusted|trust"])
        .got_no_answer()
        .is_retried_in("5s");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let aftermath = first_handshake(authority.vouch_for(["other.example"]), Some(&authority)).await;
    aftermath.because("tls", &["certificate", "hooks.example"]).got_no_answer().is_retried_in("5s");
}

#[tokio::test]
async fn a_certificate_that_ran_out_is_refused() {
    let authority = Authority::new();
    let aftermath = first_handshake(authority.vouched_once_for(["hooks.example"]), Some(&authority)).await;
    aftermath.because("tls", &["certificate", "expired|ran out|no longer valid"]).got_no_answer().is_retried_in("5s");
}

#[tokio::test]
async fn a_receiver_with_a_trusted_certificate_gets_the_event() {
    let authority = Authority::new();
    let receiver = Receiver::healthy().tls(authority.vouch_for(["hooks.example"])).start().await;
    let gateway = Gateway::new().trusting(&authority.pem()).resolving_here().start().await;
    first_attempt(&gateway, receiver.url()).await.is_delivered();
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn https_to_a_receiver_that_speaks_no_tls_is_a_tls_failure() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().resolving_here().start().await;
    let url = receiver.url_as("hooks.example").replace("http:", "https:");
    let aftermath = first_attempt(&gateway, &url).await;
    aftermath.because("tls", &["tls"]).got_no_answer().is_retried_in("5s");
}

#[tokio::test]
async fn a_refused_connection_is_said_to_be_so() {
    let nobody = Nobody::refusing();
    let gateway = Gateway::new().start().await;
    let aftermath = first_attempt(&gateway, &nobody.url()).await;
    aftermath
        .because("connect", &["connection", "refused", &nobody.address().to_string()])
        .got_no_answer()
        .is_retried_in("5s");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_said_to_be_so() {
    let gateway = Gateway::new().start().await;
    let aftermath = first_attempt(&gateway, "https://nowhere.example/hook").await;
    aftermath
        .because("dns", &["nowhere.example", "does not exist|not resolve|not found"])
        .got_no_answer()
        .is_retried_in("5s");
}

#[tokio::test]
async fn the_standard_schedule_takes_ten_attempts_over_three_days_and_gives_up() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let begin = gateway.now();
    project.send("invoice.paid", json!({ "id": 7 })).await;
    gateway.advance("7d").await;

    let delivery = project.only_delivery().await;
    let attempts = delivery["attempts"].as_array().expect("a list");
    let starts: Vec<Timestamp> = attempts.iter().map(|attempt| time(&attempt["started_at"])).collect();
    assert_eq!(starts[0], begin);
    let waits: Vec<Duration> = starts.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    let schedule = ["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"];
    assert_eq!(waits.len(), schedule.len(), "{waits:?}");
    for (wait, planned) in waits.iter().zip(schedule) {
        let (least, most) = (span(planned).mul_f64(0.9), span(planned).mul_f64(1.1) + Duration::from_millis(1));
        assert!(least <= *wait && *wait <= most, "waited {wait:?}, not {planned}");
    }
    let jittered = waits.iter().zip(schedule).filter(|(wait, planned)| **wait != span(planned)).count();
    assert!(jittered > 0, "no wait was spread: {waits:?}");

    for (attempt, next) in attempts.iter().zip(&starts[1..]) {
        assert_eq!(time(&attempt["next_attempt_at"]), *next);
    }
    let numbers: Vec<_> = attempts.iter().map(|attempt| attempt["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=10).map(Some).collect::<Vec<_>>());
    assert_eq!(attempts[9]["next_attempt_at"], Value::Null);
    assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(receiver.count(), 10);
    let endpoint = project.show(&endpoint).await;
    assert_eq!((&endpoint["status"], &endpoint["failure_count"]), (&json!("active"), &json!(10)));
}

#[tokio::test]
async fn every_attempt_has_the_same_id_and_a_timestamp_of_its_own() {
    let receiver = Receiver::replying([500, 500, 204]).start().await;
    let gateway = Gateway::new().retry(["1m", "1m"]).start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let event = project.send("invoice.paid", json!({})).await;
    gateway.advance("3m").await;

    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.header("webhook-id") == Some(&event)));
    let delivery = project.only_delivery().await;
    for (request, attempt) in requests.iter().zip(delivery["attempts"].as_array().expect("a list")) {
        let seconds = time(&attempt["started_at"]).as_seconds().to_string();
        assert_eq!(request.header("webhook-timestamp"), Some(seconds.as_str()));
        assert_eq!(text(&delivery["request_body"]), request.text());
    }
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn a_success_sets_the_failure_count_to_zero() {
    let receiver = Receiver::replying([500, 500, 500, 204]).start().await;
    let gateway = Gateway::new().retry(["1s", "1s", "1m"]).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    project.send("invoice.paid", json!({})).await;
    gateway.advance("30s").await;
    assert_eq!(project.show(&endpoint).await["failure_count"], 3);
    gateway.advance("1m").await;
    assert_eq!(project.show(&endpoint).await["failure_count"], 0);
}

#[tokio::test]
async fn a_manual_retry_is_one_attempt_without_a_schedule() {
    let receiver = Receiver::replying([500, 500, 500, 204]).start().await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let event = project.send("invoice.paid", json!({})).await;
    gateway.advance("1m").await;
    let failed = project.only_delivery().await;
    assert_eq!((&failed["status"], receiver.count()), (&json!("failed"), 2));
    let retry = format!("/v1/deliveries/{}/retry", text(&failed["id"]));

    let answer = project.http.post(&retry, &json!({})).await.expect(202);
    assert_eq!(answer["id"], failed["id"]);
    gateway.advance("7d").await;
    let delivery = project.delivery_of(&event).await;
    assert_eq!((&delivery["status"], receiver.count()), (&json!("failed"), 3));
    assert_eq!(delivery["next_attempt_at"], Value::Null);
    assert_eq!(delivery["attempts"][2]["number"], 3);
    assert_eq!(delivery["attempts"][2]["next_attempt_at"], Value::Null);

    project.http.post(&retry, &json!({})).await.expect(202);
    gateway.at_rest().await;
    let delivery = project.delivery_of(&event).await;
    assert_eq!((&delivery["status"], receiver.count()), (&json!("delivered"), 4));
}

#[tokio::test]
async fn attempts_by_hand_use_no_step_of_the_schedule_and_move_no_planned_attempt() {
    for ordering in ["none", "fifo"] {
        let receiver = Receiver::replying([500]).start().await;
        let gateway = Gateway::new().retry(["30s", "10m", "1h"]).start().await;
        let project = gateway.project("acme").await;
        project.register(json!({ "url": receiver.url(), "ordering": ordering })).await;
        let event = project.send("invoice.paid", json!({})).await;
        gateway.at_rest().await;
        let planned = project.delivery_of(&event).await["next_attempt_at"].clone();
        let retry = format!("/v1/deliveries/{}/retry", text(&project.only_delivery().await["id"]));
        for attempts in 2..5 {
            project.http.post(&retry, &json!({})).await.expect(202);
            gateway.at_rest().await;
            let delivery = project.delivery_of(&event).await;
            assert_eq!((&delivery["status"], receiver.count()), (&json!("pending"), attempts), "{ordering}");
            assert_eq!(delivery["next_attempt_at"], planned, "{ordering}");
        }
        gateway.advance("7d").await;
        assert_eq!(receiver.count(), 7, "three by hand, the first and three of the schedule");
        let delivery = project.delivery_of(&event).await;
        assert_eq!(delivery["status"], "failed");
        let times: Vec<_> =
            delivery["attempts"].as_array().unwrap()[3..].iter().map(|attempt| time(&attempt["started_at"])).collect();
        for (waited, step) in times.windows(2).map(|pair| pair[1].since(pair[0])).zip(["30s", "10m", "1h"]) {
            assert!(waited.abs_diff(span(step)) <= span(step) / 8, "{ordering}: waited {waited:?}, not {step}");
        }
    }
}

#[tokio::test]
async fn a_paused_delivery_tried_by_hand_keeps_its_whole_schedule() {
    let receiver = Receiver::replying([500, 500, 500, 500, 204]).start().await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let later = (gateway.now() + span("1m")).to_string();
    let event = project.send_event(json!({ "type": "a.b", "data": {}, "deliver_at": later })).await;
    project.ask(&endpoint, "pause").await;
    gateway.advance("1h").await;
    let retry = format!("/v1/deliveries/{}/retry", text(&project.only_delivery().await["id"]));
    for attempts in 1..4 {
        project.http.post(&retry, &json!({})).await.expect(202);
        gateway.at_rest().await;
        assert_eq!((receiver.count(), &project.only_delivery().await["status"]), (attempts, &json!("pending")));
    }
    project.ask(&endpoint, "resume").await;
    gateway.advance("1m").await;
    let delivery = project.delivery_of(&text(&event["id"])).await;
    assert_eq!((&delivery["status"], receiver.count()), (&json!("delivered"), 5));
}

#[tokio::test]
async fn what_is_delivered_by_hand_lets_those_behind_it_go() {
    let receiver = Receiver::replying([500, 204, 204]).start().await;
    let gateway = Gateway::new().retry(["1h"]).start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "ordering": "fifo" })).await;
    let first = project.send("a.first", json!({})).await;
    gateway.at_rest().await;
    project.send("a.second", json!({})).await;
    gateway.at_rest().await;
    let retry = format!("/v1/deliveries/{}/retry", text(&project.delivery_of(&first).await["id"]));
    project.http.post(&retry, &json!({})).await.expect(202);
    gateway.at_rest().await;
    assert_eq!(receiver.statuses(), [500, 204, 204], "nothing holds back the second any more");
}

#[tokio::test]
async fn a_manual_retry_does_not_wait_for_the_schedule_and_what_it_delivers_is_not_sent_again() {
    let receiver = Receiver::replying([500, 204]).start().await;
    let gateway = Gateway::new().retry(["1h", "1h"]).start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let event = project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;
    let pending = project.only_delivery().await;
    assert_eq!(pending["status"], "pending");
    let retry = format!("/v1/deliveries/{}/retry", text(&pending["id"]));
    project.http.post(&retry, &json!({})).await.expect(202);
    gateway.at_rest().await;
    assert_eq!((receiver.count(), gateway.now()), (2, testkit::clock::START));
    assert_eq!(project.delivery_of(&event).await["status"], "delivered");
    gateway.advance("1d").await;
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn what_was_delivered_can_be_sent_once_more() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let event = project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;
    let retry = format!("/v1/deliveries/{}/retry", text(&project.only_delivery().await["id"]));
    project.http.post(&retry, &json!({})).await.expect(202);
    gateway.advance("1d").await;
    assert_eq!(receiver.count(), 2);
    assert!(receiver.requests().iter().all(|request| request.header("webhook-id") == Some(&event)));
    assert_eq!(project.only_delivery().await["status"], "delivered");
}
