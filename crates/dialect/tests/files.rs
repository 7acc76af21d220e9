//! Dialect files: the built-in one is as documented, others need only the differences, and every error is reported.

mod given;

use std::time::Duration;

use dialect::diagnostic::Diagnostic;
use dialect::{Dialect, EventsRule, RotateRule, SecretRule, built_in, built_in_names};
use given::standard;
use model::attempt::{Answer, FailureKind, Outcome};
use model::retry::Next;
use model::time::{Span, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_769_851_800_000);

fn diagnostics(text: &str) -> Vec<(String, Option<usize>, String)> {
    let diagnostics = Dialect::parse(text).map(|dialect| dialect.name).expect_err("there are mistakes");
    diagnostics.into_iter().map(|Diagnostic { key, line, message }| (key, line, message)).collect()
}

/// Keys and lines alone.
fn places(text: &str) -> Vec<(String, Option<usize>)> {
    diagnostics(text).into_iter().map(|(key, line, _)| (key, line)).collect()
}

fn place(key: &str, line: usize) -> (String, Option<usize>) {
    (key.to_owned(), Some(line))
}

#[test]
fn the_built_in_dialects_are_found_by_name() {
    let names = ["standard", "trackelio", "trakkr", "tracktile", "trackdesk", "helpdesk"];
    assert_eq!(built_in_names().collect::<Vec<_>>(), names);
    assert_eq!(built_in("standard").unwrap().title, "Standard Webhooks");
    assert!(built_in("nobody").is_none());
}

#[test]
fn standard_retries_everything_but_410_along_the_specifications_schedule() {
    let retry = &standard().retry;
    let schedule: Vec<String> = retry.schedule.iter().map(|wait| Span(*wait).to_string()).collect();
    assert_eq!(schedule, ["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "1d"]);
    let next = |outcome: &Outcome| retry.next(0, outcome, NOW, 0.5);
    let answered = |status| Outcome::Answered(Answer { status, ..Answer::default() });
    let again = Next::Again(NOW + Duration::from_secs(5));
    for status in [100, 199, 301, 400, 404, 409, 411, 429, 500, 503, 599] {
        assert_eq!(next(&answered(status)), again, "{status}");
    }
    for kind in [
        FailureKind::Timeout,
        FailureKind::Connect,
        FailureKind::Dns,
        FailureKind::Tls,
        FailureKind::Reset,
        FailureKind::Protocol,
    ] {
        assert_eq!(next(&Outcome::failed(kind, "")), again, "{kind:?}");
    }
    assert_eq!(next(&answered(410)), Next::GiveUp { exhausted: false });
    assert_eq!(next(&answered(204)), Next::Delivered);
}

#[test]
fn standards_rules_are_the_documented_ones() {
    let dialect = standard();
    assert_eq!(dialect.retry.jitter, 0.1);
    assert_eq!(dialect.retry.retry_after.on, [429, 503]);
    assert_eq!(dialect.retry.retry_after.max, Duration::from_secs(86_400));
    assert_eq!(dialect.disable.on_status, [410]);
    assert_eq!(dialect.disable.consecutive_failures, 10);
    assert_eq!(dialect.disable.failing_for, Duration::from_secs(5 * 86_400));
    assert!(dialect.notify);
    let endpoints = &dialect.endpoints;
    assert_eq!(endpoints.word, "endpoint");
    assert!(endpoints.editable && endpoints.pausable && endpoints.https_only);
    assert_eq!((endpoints.secret, endpoints.events), (SecretRule::Always, EventsRule::Many));
    assert_eq!(endpoints.rotate, RotateRule::Overlap);
    assert_eq!(endpoints.tenant, None);
    assert_eq!(dialect.limits.timeout, Duration::from_secs(10));
    assert_eq!((dialect.limits.response_bytes, dialect.limits.payload_bytes), (4096, 1_048_576));
    assert!(dialect.surfaces.is_empty() && dialect.providers.detect && dialect.providers.cards);
    assert!(dialect.catalogue.open && dialect.catalogue.types().len() == 0);
}

#[test]
fn a_file_says_only_what_differs_from_standard() {
    let text = "name = 'acme'\n[retry]\nschedule = ['1s']\nretry_after = { max = '1h' }\n[endpoints]\ntenant = 'brand'";
    let dialect = Dialect::parse(text).unwrap();
    assert_eq!((dialect.name.as_str(), dialect.title.as_str(), dialect.accent_color), ("acme", "acme", None));
    assert_eq!(dialect.retry.schedule, [Duration::from_secs(1)]);
    assert_eq!(dialect.retry.on, standard().retry.on);
    assert_eq!(dialect.retry.retry_after.on, [429, 503]);
    assert_eq!(dialect.retry.retry_after.max, Duration::from_secs(3600));
    assert_eq!(dialect.endpoints.tenant.as_deref(), Some("brand"));
    assert_eq!(dialect.endpoints.word, "endpoint");
}

#[test]
fn endpoints_name_many_types_some_or_one() {
    for (word, rule) in [("many", EventsRule::Many), ("some", EventsRule::AtLeastOne), ("one", EventsRule::One)] {
        let dialect = Dialect::parse(&format!("name = 'acme'\nendpoints.events = '{word}'")).unwrap();
        assert_eq!(dialect.endpoints.events, rule);
    }
}

#[test]
fn statuses_that_disable_are_not_retried_though_their_class_is() {
    let dialect = Dialect::parse("name = 'acme'\nretry.on = ['408', '5xx']\ndisable.on_status = [410, 501]").unwrap();
    let next = |status| dialect.retry.next(0, &Outcome::Answered(Answer { status, ..Answer::default() }), NOW, 0.5);
    assert!(matches!(next(408), Next::Again(_)));
    assert!(matches!(next(500), Next::Again(_)));
    for status in [404, 410, 501] {
        assert_eq!(next(status), Next::GiveUp { exhausted: false }, "{status}");
    }
}

#[test]
fn a_catalogue_lists_the_types_of_a_product() {
    let text = r#"
        name = "acme"
        [catalogue]
        open = false
        [[event_types]]
        name = "invoice.paid"
        group = "Invoices"
        description = "An invoice was paid."
        schema = '''{"type":"object"}'''
        example = '''{ "id": "inv_1" }'''
        [[event_types]]
        name = "invoice.void"
    "#;
    let catalogue = Dialect::parse(text).unwrap().catalogue;
    let paid = catalogue.find(&"invoice.paid".parse().unwrap()).unwrap();
    assert_eq!(paid.event_type.example.as_ref().unwrap().as_str(), r#"{ "id": "inv_1" }"#);
    assert!(catalogue.accepts(&"invoice.void".parse().unwrap()));
    assert!(!catalogue.accepts(&"invoice.lost".parse().unwrap()));
}

#[test]
fn a_catalogue_says_which_names_types_may_have() {
    let file =
        |names: &str, name: &str| format!("name = 'acme'\n[catalogue]\n{names}\n[[event_types]]\nname = '{name}'\n");
    for name in ["invoice-paid", "orders/create", "a:b", "Ä"] {
        let refused = &diagnostics(&file("", name))[0];
        assert_eq!((refused.0.as_str(), refused.1), ("event_types[0].name", Some(5)));
        assert!(refused.2.contains("names = \"any\""), "{}", refused.2);
        let any = Dialect::parse(&file("names = 'any'", name));
        assert_eq!(any.is_ok(), name.is_ascii(), "{name}: {any:?}");
    }
    for name in ["a b", "a,b", "a.*", "*", ""] {
        let refused = &diagnostics(&file("names = 'any'", name))[0];
        assert!(refused.2.contains("visible ASCII characters"), "{name}: {}", refused.2);
    }
    assert_eq!(diagnostics(&file("names = 'some'", "orders/create"))[0].0, "catalogue.names");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let found = diagnostics("name = \"acme\"\n\n[retry\nschedule = 3");
    assert_eq!(found[0].1, Some(3), "{found:?}");
    let found = diagnostics("name = \"acme\"\ntitle = \"a\"\ntitle = \"b\"");
    assert_eq!(found[0].1, Some(3), "{found:?}");
}

#[test]
fn an_unknown_key_is_told_with_what_there_is() {
    let found = diagnostics("name = \"acme\"\n[retry]\nschedule = []\njiter = 0.1");
    assert_eq!((found[0].0.as_str(), found[0].1), ("retry.jiter", Some(4)));
    assert!(found[0].2.contains("did you mean jitter? there are schedule, on, jitter, retry_after"), "{}", found[0].2);
    assert_eq!(
        places("name = \"acme\"\n[[signatures]]\n[[signatures]]\nheder = 'a'"),
        [place("signatures[1].heder", 4)]
    );
}

#[test]
fn a_table_in_the_place_of_a_value_is_told() {
    assert_eq!(places("name = 'acme'\nretry = 3"), [place("retry", 2)]);
    assert_eq!(places("name = 'acme'\n[limits]\ntimeout = { a = 1 }"), [place("limits.timeout", 3)]);
    assert_eq!(places("name = 'acme'\n[headers]\nX-A = 1"), [place("headers.X-A", 3)]);
}

#[test]
fn a_misfit_does_not_hide_the_rest() {
    let text = r#"name = "acme"
retry = [1]
headers = []
signatures = "none"
event_types = [7, { name = "a", nmae = "b" }, { name = "a b" }]
evnts = "one"
[endpoint]
word = "hook"
[endpoints]
word = 1
secert = "x"
events = [1]
[limits]
timeout = { a = 1 }
payload_bytes = 0
[nothing.like.that]
a = 1
[disable]
failing_for = 5
"#;
    let expected = [
        place("retry", 2),
        place("headers", 3),
        place("signatures", 4),
        place("event_types[0]", 5),
        place("event_types[1].nmae", 5),
        place("event_types[2].name", 5),
        place("evnts", 6),
        place("endpoint", 7),
        place("endpoints.word", 10),
        place("endpoints.secert", 11),
        place("endpoints.events", 12),
        place("limits.timeout", 14),
        place("limits.payload_bytes", 15),
        place("nothing", 16),
        place("disable.failing_for", 19),
    ];
    assert_eq!(places(text), expected);
    let all = diagnostics(text);
    for (index, hint) in [
        (0, "is a table, not a list: write [retry]"),
        (2, "is a list, not a text"),
        (4, "did you mean name?"),
        (7, "did you mean endpoints?"),
        (9, "did you mean secret?"),
    ] {
        assert!(all[index].2.contains(hint), "{:?}", all[index]);
    }
    assert!(!all[13].2.contains("did you mean"), "{:?}", all[13]);
}

#[test]
fn what_is_no_toml_does_not_hide_the_rest() {
    let text = r#"name = "acme"
title = Acme
[retry]
jitter 0.1
on = ["2xx"]
[disable
notify = "yes"
[limits]
timeout = "10s
payload_bytes = 0
title = "what"
title = "twice"
"#;
    let lines: Vec<Option<usize>> = diagnostics(text).into_iter().map(|(_, line, _)| line).collect();
    // Line 7 belongs to a table whose heading does not read.
    assert_eq!(lines, [2, 4, 5, 6, 9, 10, 11, 12].map(Some));
}

#[test]
fn a_file_has_its_bounds() {
    let found = diagnostics(&format!("name = 'acme'\n#{}", "x".repeat(256 * 1024)));
    assert!(found[0].2.contains("at most 262144 bytes"), "{found:?}");
    let types: String = (0..1001).map(|index| format!("[[event_types]]\nname = 't{index}'\n")).collect();
    let found = diagnostics(&format!("name = 'acme'\n{types}"));
    assert_eq!((found.len(), found[0].0.as_str()), (1, "event_types"), "{found:?}");
    assert!(found[0].2.contains("at most 1000 entries, and here are 1001"), "{found:?}");
    let found = diagnostics(&format!("name = 'acme'\nheaders = {{ A = '{}' }}", "x".repeat(4097)));
    assert!(found[0].2.contains("at most 4096 bytes"), "{found:?}");
}

#[test]
fn every_list_of_a_file_has_its_bound() {
    let list = |item: &str, count: usize| vec![item; count].join(", ");
    let headers: String = (0..33).map(|index| format!("X-{index} = 'a'\n")).collect();
    let cases = [
        (format!("[retry]\nschedule = [{}]", list("'1s'", 101)), "retry.schedule", "at most 100 waits"),
        (format!("[retry]\non = [{}]", list("'5xx'", 501)), "retry.on", "at most 500 entries"),
        (format!("[disable]\non_status = [{}]", list("410", 501)), "disable.on_status", "at most 500 statuses"),
        (format!("[headers]\n{headers}"), "headers", "at most 32 headers"),
        ("[[signatures]]\nheader = 'X-A'\n".repeat(9), "signatures", "at most 8 signatures"),
    ];
    for (text, key, bound) in cases {
        let found = diagnostics(&format!("name = 'acme'\n{text}"));
        let told = found.iter().find(|(found, ..)| found == key);
        assert!(told.is_some_and(|(.., message)| message.contains(bound)), "{key}: {found:?}");
    }
}

#[test]
fn mistakes_end_at_99_and_say_how_many_more_there_are() {
    let keys: String = (0..250).map(|index| format!("k{index} = 1\n")).collect();
    let found = diagnostics(&format!("name = 'acme'\n{keys}"));
    assert_eq!(found.len(), 100);
    assert_eq!((&found[0].0, &found[98].0), (&"k0".to_owned(), &"k98".to_owned()));
    assert_eq!(found[99], (String::new(), None, "and 151 more".to_owned()));
}

#[test]
fn a_file_needs_a_name() {
    assert_eq!(diagnostics("title = 'Acme'")[0].0, "name");
    for name in ["Acme", "9acme", "-a", "a b", "ä", &"a".repeat(64)] {
        assert_eq!(places(&format!("name = '{name}'")), [place("name", 1)]);
    }
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_key_and_line() {
    let text = r#"name = "acme"
accent_color = "green"
[headers]
"X Space" = "a"
Host = "b"
X-Who = "{{nobody}}"
X-Twice = "1"
x-twice = "2"
X-Data = "{{event.data | json}}"
[[signatures]]
header = "X-Sig"
algorithm = "md5"
key = "rot13"
signs = "{{everything}}"
format = "v1"
join = "\n"
[body]
template = "{"
spread = "event.id"
[retry]
schedule = [
  "1s",
  "soon",
  5,
]
on = ["timeout", "2xx", "teapot", "200"]
jitter = 2
retry_after = { on = [200], max = "long" }
[disable]
on_status = [99]
consecutive_failures = -1
[endpoints]
secret = "sometimes"
events = "few"
editable = "yes"
[limits]
timeout = "1h"
response_bytes = 99999999
[[event_types]]
name = "a b"
[[event_types]]
name = "a"
schema = "{"
"#;
    let expected = [
        place("accent_color", 2),
        place("headers.X Space", 4),
        place("headers.Host", 5),
        place("headers.X-Who", 6),
        place("headers.x-twice", 8),
        place("headers.X-Data", 9),
        place("signatures[0].algorithm", 12),
        place("signatures[0].key", 13),
        place("signatures[0].signs", 14),
        place("signatures[0].format", 15),
        place("signatures[0].join", 16),
        place("body.template", 18),
        place("body.spread", 19),
        place("retry.schedule[1]", 23),
        place("retry.schedule[2]", 24),
        place("retry.on[1]", 26),
        place("retry.on[2]", 26),
        place("retry.on[3]", 26),
        place("retry.jitter", 27),
        place("retry.retry_after.on[0]", 28),
        place("retry.retry_after.max", 28),
        place("disable.on_status[0]", 30),
        place("disable.consecutive_failures", 31),
        place("endpoints.secret", 33),
        place("endpoints.events", 34),
        place("endpoints.editable", 35),
        place("limits.timeout", 37),
        place("limits.response_bytes", 38),
        place("event_types[0].name", 40),
        place("event_types[1].schema", 43),
    ];
    assert_eq!(places(text), expected);
}

#[test]
fn a_mistake_says_what_would_be_right() {
    let cases = [
        ("retry.schedule = ['soon']", "\"10s\""),
        ("retry.on = ['2xx']", "timeout, connection"),
        ("signatures = [{ algorithm = 'md5' }]", "hmac-sha256"),
        ("signatures = [{ format = 'v1' }]", "{{signature}}"),
        ("signatures = [{ format = '' }]", "{{signature}}"),
        ("signatures = [{ format = \"{{signature}}\\n\" }]", "control characters"),
        ("signatures = [{ signs = '' }]", "{{body}}"),
        ("signatures = [{ header = 'Content-Type' }]", "already"),
        ("headers = { X-A = \"a\\r\\nX-B: b\" }", "control characters"),
        ("headers = { Host = 'a' }", "connection"),
        ("headers = { X-Id = '{{event.id | json}}' }", "write {{event.id}} without"),
        ("body.spread = 'event'", "event.data, brand or workflow"),
        ("body.spread = 'event.database'", "event.data, brand or workflow"),
        ("body.spread = 'brand.'", "event.data, brand or workflow"),
        ("body = { template = '[]', spread = 'event.data' }", "is none: write { … }"),
        ("body.spread = 'event.id'", "event.data, brand or workflow"),
        ("signatures = [{ signs = '{{body | upper}}' }]", "without filters"),
    ];
    for (line, hint) in cases {
        let found = diagnostics(&format!("name = 'acme'\n{line}"));
        assert_eq!((found.len(), found[0].1), (1, Some(2)), "{found:?}");
        assert!(found[0].2.contains(hint), "{line}: {}", found[0].2);
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    let cases = [
        ("endpoints.secret = 'optional'", "endpoints.secret"),
        ("headers = { X-Sig = 'a' }\nsignatures = [{ header = 'x-sig' }]", "signatures[0].header"),
        ("event_types = [{ name = 'a' }, { name = 'a' }]", "event_types[1].name"),
        ("signatures = [{ }, { join = ',' }]", "signatures[0].join signatures[1].join"),
        ("endpoints.secret = 'optional'\nsignatures = [{ when = 'often' }]", "signatures[0].when"),
        ("endpoints.secret = 'never'\nsignatures = [{ when = 'secret' }]", "endpoints.secret"),
        ("signatures = [{ key = 'utf8', algorithm = 'ed25519' }]", "signatures[0].key"),
        ("signatures = [{ key = 'base64' }, { }]", "signatures[0].key"),
        ("retry.on = ['410', '4xx']", "retry.on[0]"),
        ("retry = { on = ['5xx'], retry_after = { on = [503, 429] } }", "retry.retry_after.on[1]"),
        ("disable = { consecutive_failures = 0, failing_for = '1d' }", "disable.failing_for"),
        ("routes.surfaces = ['hooks', 'webhooks']", "routes.surfaces[1]"),
        ("routes.surfaces = ['hooks', 'rest', 'hooks']", "routes.surfaces[1] routes.surfaces[2]"),
        ("endpoints.tenant = \"a\\nb\"", "endpoints.tenant"),
        ("title = ' '", "title"),
    ];
    for (lines, key) in cases {
        let found = diagnostics(&format!("name = 'acme'\n{lines}"));
        assert_eq!(found.iter().map(|found| found.0.as_str()).collect::<Vec<_>>().join(" "), key);
    }
}

#[test]
fn what_comes_from_standard_contradicts_nobody() {
    for lines in [
        "disable.consecutive_failures = 0",
        "retry.on = ['timeout', '5xx']",
        "endpoints.secret = 'never'\nsignatures = []",
        "signatures = [{ algorithm = 'ed25519' }, { key = 'utf8' }]",
        "routes.surfaces = ['webhooks', 'hooks']\nendpoints.tenant = 'brand'",
    ] {
        assert!(Dialect::parse(&format!("name = 'acme'\n{lines}")).is_ok(), "{lines}");
    }
}

#[test]
fn a_mistake_reads_as_a_line() {
    let found = Dialect::parse("name = 'acme'\n[limits]\ntimeout = '10'").map(|dialect| dialect.name).unwrap_err();
    assert!(found[0].to_string().starts_with("line 3: limits.timeout: not a duration"), "{}", found[0]);
}
