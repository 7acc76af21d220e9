//! Discord's responses: JSON with a code, and headers with the remaining rate limit.
//! <https://docs.discord.com/developers/topics/rate-limits>,
//! <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>

use std::time::Duration;

use model::attempt::Answer;
use model::retry::RetryHint;
use serde_json::Value;

use super::answer::{Interpretation, json, pause, quote, retry_after, seconds};

/// Pause when Discord names none.
const BREATH: Duration = Duration::from_secs(5);

const UNKNOWN_CHANNEL: i64 = 10003;
const UNKNOWN_WEBHOOK: i64 = 10015;
const INVALID_WEBHOOK_TOKEN: i64 = 50027;

pub(super) fn read(answer: &Answer) -> Interpretation {
    if answer.is_success() {
        return Interpretation { rest: used_up(answer), ..Interpretation::default() };
    }
    let body = json(answer);
    let (status, said) = (answer.status, body["message"].as_str().unwrap_or_default());
    let in_words = |means: &str| format!("answered {status} {:?}: {means}", quote(said));
    match (status, body["code"].as_i64()) {
        (429, _) => {
            let said = body["retry_after"].as_f64().and_then(pause).or_else(|| retry_after(answer));
            Interpretation::throttled("Discord", answer, said.or_else(|| reset_after(answer)), BREATH)
        }
        (_, Some(UNKNOWN_WEBHOOK)) => Interpretation::failed(RetryHint::Gone, in_words("the webhook was deleted")),
        (_, Some(UNKNOWN_CHANNEL)) => Interpretation::failed(RetryHint::Gone, in_words("the channel was deleted")),
        (_, Some(INVALID_WEBHOOK_TOKEN)) => {
            Interpretation::failed(RetryHint::Gone, in_words("the webhook's URL is wrong"))
        }
        (400, _) => Interpretation::failed(RetryHint::Never, refused(status, said, &body)),
        _ if said.is_empty() => Interpretation::default(),
        _ => Interpretation {
            rest: used_up(answer),
            ..Interpretation::failed(RetryHint::ByPolicy, format!("answered {status} {:?}", quote(said)))
        },
    }
}

/// Discord refuses the message: `errors` says where, or in short form the members themselves do.
fn refused(status: u16, said: &str, body: &Value) -> String {
    let details = if body["errors"].is_null() { body } else { &body["errors"] };
    let details = if details.is_null() { String::new() } else { format!(": {}", quote(&details.to_string())) };
    let said = if said.is_empty() { "Discord does not take the message" } else { said };
    format!("answered {status}, {}{details}", quote(said))
}

/// The pause after the last message of a rate limit window.
fn used_up(answer: &Answer) -> Option<Duration> {
    let none_left = answer.header("x-ratelimit-remaining").is_some_and(|remaining| remaining.trim() == "0");
    none_left.then(|| reset_after(answer)).flatten()
}

fn reset_after(answer: &Answer) -> Option<Duration> {
    seconds(answer.header("x-ratelimit-reset-after")?)
}
