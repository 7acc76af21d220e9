//! What the page for receivers says in figures and names, held against the dialect and the code.

use std::time::Duration;

use dialect::Dialect;
use model::time::Span;

use super::PAGE;
use super::code;

fn standard() -> std::sync::Arc<Dialect> {
    dialect::built_in("standard").expect("it comes with us")
}

fn spans(spans: &[Duration]) -> String {
    spans.iter().map(|span| in_hours(*span)).collect::<Vec<_>>().join(", ")
}

/// As the dialect's file has it: a day is 24h there.
fn in_hours(span: Duration) -> String {
    let hours = span.as_secs() / 3600;
    if hours > 0 && span == Duration::from_secs(hours * 3600) { format!("{hours}h") } else { Span(span).to_string() }
}

fn numbers(numbers: &[u16]) -> String {
    numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// The rows of the page's table of figures.
fn rows() -> Vec<(&'static str, &'static str)> {
    let (_, section) = PAGE.split_once("\n## The figures\n").expect("the page has them");
    let section = section.split_once("\n## ").expect("another section follows").0;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    rows.collect()
}

#[test]
fn the_pages_figures_are_those_of_the_standard_dialect() {
    let dialect = standard();
    let schedule = &dialect.retry.schedule;
    let total = schedule.iter().sum::<Duration>().as_secs();
    let (hours, minutes) = (total / 3600, total % 3600 / 60);
    let disable = &dialect.disable;
    let expected = [
        ("time you have, from connecting to your status line", Span(dialect.limits.timeout).to_string()),
        ("tolerance for `webhook-timestamp` (yours to keep, both ways)", "5m".to_owned()),
        ("waits before the 2nd, 3rd, … attempt", spans(schedule)),
        ("attempts in all", format!("{}, over {hours} hours and {minutes} minutes", schedule.len() + 1)),
        ("spread of each wait", format!("± {} %", dialect.retry.jitter * 100.0)),
        ("statuses whose `Retry-After` counts", numbers(&dialect.retry.retry_after.on)),
        ("longest `Retry-After`", Span(dialect.retry.retry_after.max).to_string()),
        ("statuses that disable the endpoint at once", numbers(&disable.on_status)),
        (
            "failures that disable it",
            format!(
                "{} in a row, over at least {} without a success",
                disable.consecutive_failures,
                Span(disable.failing_for)
            ),
        ),
        ("bytes of your answer that are read", dialect.limits.response_bytes.to_string()),
        ("bytes of an event's `data` at most", dialect.limits.payload_bytes.to_string()),
    ];
    let expected: Vec<(&str, &str)> = expected.iter().map(|(what, figure)| (*what, figure.as_str())).collect();
    assert_eq!(rows(), expected);
}

#[test]
fn what_the_page_says_in_words_goes_with_its_figures() {
    let dialect = standard();
    let seconds = dialect.limits.timeout.as_secs();
    assert!(PAGE.contains(&format!("You have {seconds} seconds for the whole of it")));
    assert!(PAGE.contains("more than 5 minutes off your clock"));
    for language in ["python", "javascript", "rust", "ruby", "php", "java", "csharp"] {
        assert!(code(language).to_uppercase().contains("TOLERANCE") && code(language).contains("300"), "{language}");
    }
    assert!(code("go").contains("tolerance = 5 * time.Minute"));
    for status in dialect.disable.on_status.iter().chain(&dialect.retry.retry_after.on) {
        assert!(PAGE.contains(&format!("`{status}")), "{status}");
    }
    let [at_once] = dialect.disable.on_status[..] else { panic!("the page speaks of one status") };
    assert!(PAGE.contains(&format!("`{at_once} Gone`")) && PAGE.contains(&format!("when it answers `{at_once}`")));
}

/// Names that the page has in its tables of headers and of events.
fn named(section: &str) -> Vec<&'static str> {
    let (_, rest) = PAGE.split_once(&format!("\n## {section}\n")).expect("the page has that section");
    let rest = rest.split_once("\n## ").map_or(rest, |(section, _)| section);
    rest.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).map(|(name, _)| name).collect()
}

#[test]
fn the_pages_headers_are_those_that_are_sent() {
    let settings =
        dialect::settings::of(dialect::built_in_text("standard").expect("it comes with us")).expect("it reads");
    let headers = settings.keys().filter_map(|key| key.strip_prefix("headers.")).map(str::to_owned);
    let signatures = settings.iter().filter(|(key, _)| key.starts_with("signatures[") && key.ends_with("].header"));
    let mut sent: Vec<String> =
        headers.chain(signatures.map(|(_, header)| header.trim_matches('"').to_owned())).collect();
    sent.push(dialect::header::TEST.to_owned());
    sent.sort();
    sent.dedup();
    let mut told = named("A request");
    told.sort_unstable();
    assert_eq!(told, sent);
}

#[test]
fn the_pages_example_is_what_the_server_sends() {
    let (_, example) = PAGE.split_once("```http\n").expect("the page has one");
    let (head, body) = example.split_once("\n```").expect("it ends").0.split_once("\n\n").expect("a body follows");
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).expect("it has it");
    assert_eq!(header("user-agent"), concat!("Posthaste/", env!("CARGO_PKG_VERSION")));
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(body).expect("JSON");
    assert_eq!(members.keys().collect::<Vec<_>>().len(), 3);
    for member in ["type", "timestamp", "data"] {
        assert!(members.contains_key(member), "{member}");
    }
}
