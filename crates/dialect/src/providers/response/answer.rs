//! A response, interpreted, and helpers to read services' responses.

use std::borrow::Cow;
use std::time::Duration;

use model::attempt::{Answer, Failure, FailureKind};
use model::retry::RetryHint;
use serde_json::Value;

/// Maximum pause kept for a service: one that asks for more is asked again after that.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(3600);

/// Maximum bytes of a service's own words that a failure repeats.
const LONGEST_QUOTE: usize = 300;

/// A response, interpreted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interpretation {
    /// The actual failure: a success status that is none, or a failure in clearer words.
    pub failure: Option<Failure>,
    /// Hint for the next attempt.
    pub next: RetryHint,
    /// Pause before the endpoint gets another request.
    pub rest: Option<Duration>,
}

impl Interpretation {
    pub(super) fn failed(next: RetryHint, message: impl Into<String>) -> Self {
        Self { failure: Some(Failure::new(FailureKind::Status, message)), next, rest: None }
    }

    /// The rate limit is reached. `wait` is the pause that the service asks for; without it the endpoint rests for
    /// `unless_said` and the schedule decides.
    pub(super) fn throttled(service: &str, answer: &Answer, wait: Option<Duration>, unless_said: Duration) -> Self {
        let status = answer.status;
        let message = match wait {
            Some(wait) => {
                format!("answered {status}: {service} is being sent too much and asks for a pause of {wait:?}")
            }
            None => format!("answered {status}: {service} is being sent too much"),
        };
        let next = wait.map_or(RetryHint::ByPolicy, RetryHint::After);
        Self { rest: Some(wait.unwrap_or(unless_said)), ..Self::failed(next, message) }
    }
}

pub(super) fn text(answer: &Answer) -> Cow<'_, str> {
    String::from_utf8_lossy(answer.body.trim_ascii())
}

/// The body as JSON; null if it is none, or was cut off.
pub(super) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

/// `Retry-After` in seconds, which is the only form these services use.
pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    seconds(answer.header("retry-after")?)
}

pub(super) fn seconds(text: &str) -> Option<Duration> {
    pause(text.trim().parse().ok()?)
}

/// Rounded up to a millisecond, so that the next request is never early.
pub(super) fn pause(seconds: f64) -> Option<Duration> {
    let whole = (seconds * 1000.0).ceil() / 1000.0;
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(whole).unwrap_or(LONGEST_REST).min(LONGEST_REST))
}

/// The beginning of `text`, at most [`LONGEST_QUOTE`] bytes.
pub(super) fn quote(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_QUOTE)]
}
