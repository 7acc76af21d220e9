//! What went over the line in an attempt: the headers that were sent, and the answer. A body of many lines is indented, so
//! that nothing in it can be taken for ours.

use serde_json::Value;

use crate::output::harmless;

/// Two paragraphs: what was sent, and what was answered if anything was.
pub(super) fn text(attempt: &Value) -> String {
    let number = &attempt["number"];
    let sent = paragraph(&format!("attempt {number}, sent"), &[headers(&attempt["request_headers"])]);
    let answered = match &attempt["status_code"] {
        Value::Null => String::new(),
        code => {
            let parts = [headers(&attempt["response_headers"]), body(attempt)];
            paragraph(&format!("attempt {number}, answered {code}"), &parts)
        }
    };
    sent + &answered
}

fn headers(headers: &Value) -> String {
    let line = |(name, value): (&String, &Value)| format!("{name}: {}", value.as_str().unwrap_or_default());
    headers.as_object().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

fn body(attempt: &Value) -> String {
    let body = attempt["response_body"].as_str().unwrap_or_default().trim_end();
    let is = |member: &str| attempt[member] == true;
    match (is("body_dropped"), is("response_truncated")) {
        (true, _) if body.is_empty() => "(the body was dropped because of its age)".to_owned(),
        (_, true) => format!("{body}\n(there was more, which was not read)"),
        _ => body.to_owned(),
    }
}

/// Nothing where there is nothing to say.
fn paragraph(title: &str, parts: &[String]) -> String {
    let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).map(|part| indented(part)).collect();
    if parts.is_empty() { String::new() } else { format!("\n{title}:\n{}", parts.join("\n")) }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}\n", harmless(line))).collect()
}
