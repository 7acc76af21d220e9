//! Candidate ids and times in a captured request: the values that may be signed beside the body.

use model::time::Timestamp;

use super::captured::Sample;
use super::json;
use crate::header;

/// Maximum ids tried, and maximum times: every id is combined with every time.
const MOST: usize = 12;
const LONGEST_ID: usize = 128;

pub(super) struct Candidates {
    pub(super) ids: Vec<String>,
    pub(super) times: Vec<String>,
}

/// Headers that say nothing about a dialect: added on the way, by the receiver's side, or sent by every client.
const OF_NO_DIALECT: [&str; 17] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "cdn-loop",
    "cookie",
    "date",
    "forwarded",
    "origin",
    "pragma",
    "referer",
    "traceparent",
    "tracestate",
    "via",
    "x-amzn-trace-id",
    "x-real-ip",
];

const PREFIXES_OF_NO_DIALECT: [&str; 6] = ["cf-", "fly-", "sec-", "x-envoy-", "x-forwarded-", "x-vercel-"];

/// True if this header is not part of a dialect.
pub(super) fn is_of_no_dialect(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_usual = value.eq_ignore_ascii_case("application/json");
    header::is_transport(&name)
        || name == "content-type" && (is_usual || !is_json(value))
        || OF_NO_DIALECT.contains(&name.as_str())
        || PREFIXES_OF_NO_DIALECT.iter().any(|prefix| name.starts_with(prefix))
}

/// True if a content type is JSON, with parameters or without.
pub(super) fn is_json(content_type: &str) -> bool {
    content_type.to_ascii_lowercase().starts_with("application/json")
}

/// The words of a name in lower case: `X-Event-Id` and `eventId` both contain `event id`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        let begins = letter.is_uppercase() && before.is_lowercase();
        if !letter.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            words.last_mut().expect("there is always one").extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Candidates {
    pub(super) fn of(sample: &Sample) -> Self {
        let mut clues = Self { ids: Vec::new(), times: Vec::new() };
        let headers = || sample.headers.iter().filter(|(name, value)| !is_of_no_dialect(name, value));
        // Values whose name says id come first: only the first `MOST` are tried.
        for (_, value) in headers().filter(|(name, _)| is_called_id(name)) {
            clues.add(value);
        }
        let body = std::str::from_utf8(&sample.body).ok();
        for (name, value) in body.and_then(json::members).unwrap_or_default() {
            clues.add_member(&name, value);
            for (name, value) in json::members(value).unwrap_or_default() {
                clues.add_member(&name, value);
            }
        }
        for (_, value) in headers() {
            clues.add(value);
            let parts = value.split([',', ';', ' ']).map(|part| part.split_once('=').map_or(part, |(_, value)| value));
            parts.for_each(|part| clues.add(part));
        }
        clues.ids.truncate(MOST);
        clues.times.truncate(MOST);
        clues
    }

    fn add_member(&mut self, name: &str, value: &str) {
        let text = json::string(value).unwrap_or_else(|| value.to_owned());
        if is_called_id(name) || is_time(&text) {
            self.add(&text);
        }
    }

    fn add(&mut self, value: &str) {
        let value = value.trim();
        let list = if is_time(value) { &mut self.times } else { &mut self.ids };
        let fits = (1..=LONGEST_ID).contains(&value.len()) && !value.contains(char::is_whitespace);
        if fits && !list.iter().any(|other| other == value) {
            list.push(value.to_owned());
        }
    }
}

fn is_called_id(name: &str) -> bool {
    words(name).iter().any(|word| ["id", "uuid", "guid", "delivery", "nonce"].contains(&word.as_str()))
}

/// Unix seconds or milliseconds, or RFC 3339.
fn is_time(text: &str) -> bool {
    is_seconds(text) || is_millis(text) || text.parse::<Timestamp>().is_ok()
}

/// Ten digits: 2001 to 2286.
pub(super) fn is_seconds(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

pub(super) fn is_millis(text: &str) -> bool {
    text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_into_its_words() {
        for (name, expected) in [
            ("X-GitHub-Delivery", &["x", "git", "hub", "delivery"][..]),
            ("eventId", &["event", "id"]),
            ("created_at", &["created", "at"]),
            ("X-Event-ID", &["x", "event", "id"]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }
}
