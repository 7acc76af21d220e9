//! Headers: their order, their owners, and credentials among them.

mod given;

use dialect::Dialect;
use dialect::header::TEST;
use dialect::renderer::Message;
use given::{dialect, endpoint, event, header, said, speak, standard};
use model::attempt::FailureKind;
use model::endpoint::Auth;
use model::event::Event;

fn names(message: &Message) -> Vec<&str> {
    message.headers.iter().map(|header| &*header.name).collect()
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn headers_stand_in_order_and_in_lower_case() {
    let mut endpoint = endpoint();
    endpoint.settings.auth = Auth::Bearer { token: "t0k3n".into() };
    endpoint.settings.headers = pairs(&[("X-Second", "2"), ("X-First", "1")]);
    let message = said(&standard(), &endpoint, event("{}"));
    let expected = [
        "content-type",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "authorization",
        "x-second",
        "x-first",
    ];
    assert_eq!(names(&message), expected);
    assert_eq!(header(&message, "content-type"), "application/json");
    assert_eq!(header(&message, "user-agent"), concat!("Posthaste/", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_dialects_headers_stand_in_the_order_of_its_file() {
    let dialect =
        dialect("[headers]\nX-Zebra = '{{event.type}}'\nX-Attempt = 'no. {{delivery.attempt}}'\nUser-Agent = 'Acme/2'");
    let message = said(&dialect, &endpoint(), event("{}"));
    assert_eq!(names(&message), ["content-type", "x-zebra", "x-attempt", "user-agent", "webhook-signature"]);
    assert_eq!(header(&message, "x-zebra"), "invoice.paid");
    assert_eq!(header(&message, "x-attempt"), "no. 2");
    assert_eq!(header(&message, "user-agent"), "Acme/2");
}

#[test]
fn a_time_in_a_header_is_in_seconds_unless_it_is_told_otherwise() {
    let dialect = dialect(
        "[headers]\nX-Sent = '{{timestamp}}'\nX-Text = 'at {{timestamp | upper}}'\nX-Event = '{{event.timestamp}}'\n\
         X-Unix = '{{event.timestamp | unix}}'\nX-Date = '{{timestamp | date(\"%a, %d %b %Y %H:%M:%S GMT\")}}'\nX-Ms = '{{timestamp | unix_ms}}'\n\
         X-Rfc = '{{timestamp | rfc3339}}'",
    );
    let message = said(&dialect, &endpoint(), event("{}"));
    let expected = [
        ("x-sent", "1614265330"),
        ("x-text", "at 1614265330"),
        ("x-event", "2021-02-25T15:02:10.000Z"),
        ("x-unix", "1614265330"),
        ("x-date", "Thu, 25 Feb 2021 15:02:10 GMT"),
        ("x-ms", "1614265330000"),
        ("x-rfc", "2021-02-25T15:02:10.000Z"),
    ];
    for (name, value) in expected {
        assert_eq!(header(&message, name), value, "{name}");
    }
}

#[test]
fn each_kind_of_authentication_is_sent_and_marked_as_secret() {
    let cases = [
        (Auth::Bearer { token: "abc".into() }, "authorization", "Bearer abc"),
        (
            Auth::Basic { username: "Aladdin".into(), password: "open sesame".into() },
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (Auth::ApiKey { header: "X-Door".into(), value: "abc".into() }, "x-door", "abc"),
    ];
    for (auth, name, value) in cases {
        let mut endpoint = endpoint();
        endpoint.settings.auth = auth;
        let message = said(&standard(), &endpoint, event("{}"));
        assert_eq!(header(&message, name), value);
        let secrets: Vec<&str> =
            message.headers.iter().filter(|header| header.secret).map(|header| &*header.name).collect();
        assert_eq!(secrets, [name]);
        assert!(!format!("{message:?}").contains(value), "credentials never reach a log");
    }
}

#[test]
fn custom_headers_that_look_like_credentials_are_marked_as_secret() {
    let mut endpoint = endpoint();
    endpoint.settings.headers = pairs(&[("X-Api-Key", "k"), ("Cookie", "c"), ("X-Env", "live")]);
    let message = said(&standard(), &endpoint, event("{}"));
    let secrets: Vec<&str> =
        message.headers.iter().filter(|header| header.secret).map(|header| &*header.name).collect();
    assert_eq!(secrets, ["x-api-key", "cookie"]);
}

#[test]
fn an_endpoint_cannot_speak_for_the_dialect_or_the_connection() {
    let taken = [
        "Webhook-Id",
        "WEBHOOK-SIGNATURE",
        "Content-Type",
        "User-Agent",
        "Host",
        "Content-Length",
        "Transfer-Encoding",
    ];
    for name in taken {
        assert!(standard().reserved(name), "{name}");
        let mut endpoint = endpoint();
        endpoint.settings.headers = pairs(&[(name, "forged")]);
        endpoint.settings.auth = Auth::ApiKey { header: name.into(), value: "forged".into() };
        let message = said(&standard(), &endpoint, event("{}"));
        assert!(message.headers.iter().all(|header| *header.value != *"forged"), "{name}");
    }
    assert!(!standard().reserved("X-Mine"));
    assert!(!standard().reserved("Authorization"));
}

#[test]
fn authentication_goes_before_a_custom_header_of_its_name() {
    let mut endpoint = endpoint();
    endpoint.settings.auth = Auth::Bearer { token: "real".into() };
    endpoint.settings.headers = pairs(&[("Authorization", "other")]);
    assert_eq!(header(&said(&standard(), &endpoint, event("{}")), "authorization"), "Bearer real");
}

#[test]
fn data_cannot_begin_another_header() {
    let dialect = dialect("[headers]\nX-Summary = '{{summary}}'");
    for summary in ["a\r\nX-Admin: yes", "a\nb", "a\0b"] {
        let mut event = event("{}");
        event.summary = Some(summary.into());
        let failure = speak(&dialect, &endpoint(), event).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Render);
        assert!(failure.message.contains("x-summary"), "{}", failure.message);
    }
    let mut event = event("{}");
    event.summary = Some("Größe".into());
    assert_eq!(header(&said(&dialect, &endpoint(), event), "x-summary"), "Größe");
}

#[test]
fn a_header_can_show_what_is_inside_of_data() {
    let dialect = dialect(
        r#"[headers]
X-Order = "{{event.data.order.id}}/{{event.data.lines.0.sku | upper}}"
X-Amount = "{{event.data.amount}}"
X-None = "<{{event.data.nothing}}{{event.data.null}}{{brand.id}}>"
X-Else = "{{event.data.nothing | default('n/a') | upper}}"
X-Lines = "{{event.data.lines}}"
X-Short = "{{event.data.order.note | truncate(4)}}""#,
    );
    let data = r#"{"order":{"id":"A\u002d\ud83d\ude00","note":"Gr\u00f6ße"},"amount":12345678901234567890.10,
        "lines":[ {"sku":"x7"} ],"null":null}"#;
    let message = said(&dialect, &endpoint(), event(data));
    let expected = [
        ("x-order", "A-😀/X7"),
        ("x-amount", "12345678901234567890.10"),
        ("x-none", "<>"),
        ("x-else", "N/A"),
        ("x-lines", r#"[{"sku":"x7"}]"#),
        ("x-short", "Grö…"),
    ];
    for (name, value) in expected {
        assert_eq!(header(&message, name), value);
    }
    let failure = speak(&dialect, &endpoint(), event(r#"{"order":{"id":"a\r\nX-Admin: yes"}}"#)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Render);
    assert!(failure.message.contains("x-order"), "{}", failure.message);
}

#[test]
fn an_endpoints_own_header_that_cannot_be_sent_is_told_at_the_attempt() {
    for bad in [("X-Bad", "a\r\nb"), ("X Bad", "a")] {
        let mut endpoint = endpoint();
        endpoint.settings.headers = pairs(&[bad]);
        let failure = speak(&standard(), &endpoint, event("{}")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Render);
    }
}

#[test]
fn a_test_is_marked_and_nothing_else_can_be() {
    let mut own = endpoint();
    own.settings.headers = vec![("Posthaste-Test".into(), "no".into())];
    let is_marked = |message: Message| message.headers.iter().filter(|header| *header.name == *TEST).count();
    assert_eq!(is_marked(said(&standard(), &own, event("{}"))), 0);
    let message = said(&standard(), &own, Event { test: true, ..event("{}") });
    assert_eq!(header(&message, TEST), "true");

    let diagnostics = Dialect::parse("name = 'acme'\nheaders = { Posthaste-Test = 'true' }").unwrap_err();
    assert_eq!(diagnostics[0].key, "headers.Posthaste-Test");
    assert!(Dialect::parse("name = 'acme'\nsignatures = [{ header = 'posthaste-test' }]").is_err());
}

#[test]
fn a_header_that_would_hold_too_much_is_not_sent() {
    let dialect = dialect("headers = { X-Data = \"{{event.data}}{{event.data}}\" }");
    let data = |length: usize| format!("\"{}\"", "x".repeat(length));
    assert_eq!(header(&said(&dialect, &endpoint(), event(&data(4096))), "x-data").len(), 8192);
    let failure = speak(&dialect, &endpoint(), event(&data(4097))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Render);
    assert!(failure.message.contains("8192 bytes"), "{failure:?}");
}
