//! Slack's responses: `ok`, or an error word.
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>

use std::time::Duration;

use model::attempt::Answer;
use model::retry::RetryHint;

use super::answer::{Interpretation, json, retry_after, text};

/// Pause when Slack names none: it takes one message a second.
const BREATH: Duration = Duration::from_secs(1);

/// The webhook is gone: nothing will be accepted there again.
const GONE: [(&str, &str); 8] = [
    ("no_service", "the webhook was removed or disabled"),
    ("no_service_id", "the webhook was removed or disabled"),
    ("no_active_hooks", "the webhook was disabled"),
    ("invalid_token", "the webhook's URL is wrong, or was revoked"),
    ("no_team", "the workspace does not exist"),
    ("team_disabled", "the workspace is disabled"),
    ("channel_not_found", "the channel does not exist any more"),
    ("channel_is_archived", "the channel is archived"),
];

/// Sending the same message again brings the same response.
const NEVER: [(&str, &str); 12] = [
    ("action_prohibited", "the workspace does not allow this webhook to post; an admin of it can change that"),
    (
        "posting_to_general_channel_denied",
        "only some may post to that channel; an admin of the workspace can change that",
    ),
    ("user_not_found", "whom the webhook writes to does not exist"),
    ("invalid_payload", "Slack cannot read the message"),
    ("invalid_blocks", "Slack does not take the message's blocks"),
    ("invalid_blocks_format", "Slack does not take the message's blocks"),
    ("invalid_attachments", "Slack does not take the message's attachments"),
    ("too_many_attachments", "the message has more attachments than Slack takes"),
    ("no_text", "the message has no text"),
    ("missing_text_or_fallback_or_attachments", "the message has no text"),
    ("msg_too_long", "the message is longer than Slack takes"),
    ("msg_blocks_too_long", "the message's blocks are longer than Slack takes"),
];

pub(super) fn read(answer: &Answer) -> Interpretation {
    if answer.status == 429 {
        return Interpretation::throttled("Slack", answer, retry_after(answer), BREATH);
    }
    let body = json(answer);
    let said = text(answer);
    // Webhooks say a word; those of Workflow Builder say `{"ok":false,"error":"a_word"}`.
    let refused = body["ok"] == false;
    let word = if refused { body["error"].as_str().unwrap_or("no reason") } else { first_word(&said) };
    // A body cut off within its word says nothing: it may have been another word.
    let word = if answer.incomplete.is_some() && word.len() == said.len() { "" } else { word };
    if answer.is_success() && !refused {
        return Interpretation::default();
    }
    let find = |words: &'static [(&str, &str)]| words.iter().find(|(known, _)| *known == word).map(|(_, means)| *means);
    let status = answer.status;
    if let Some(means) = find(&GONE) {
        Interpretation::failed(RetryHint::Gone, format!("answered {status} {word}: {means}"))
    } else if let Some(means) = find(&NEVER) {
        Interpretation::failed(RetryHint::Never, format!("answered {status} {word}: {means}"))
    } else if refused || (word == said && !said.is_empty()) {
        Interpretation::failed(RetryHint::ByPolicy, format!("answered {status} {word}"))
    } else {
        Interpretation::default()
    }
}

/// The first word, if it is lower case and short: an HTML page has none.
fn first_word(said: &str) -> &str {
    const LONGEST: usize = 64;
    let end = said.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(said.len());
    if end <= LONGEST { &said[..end] } else { "" }
}
