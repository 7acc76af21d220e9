//! Slack: a Block Kit message. <https://docs.slack.dev/reference/block-kit/blocks>
//!
//! Text is `plain_text` wherever it is foreign: Slack reads no markup, mentions or addresses in it. Names of facts are
//! bold where they are plain words.

use serde_json::{Value, json};

use super::content::{Content, more};
use super::facts::Fact;
use super::text::{self, Written, fit};

/// Characters of a notification and of the text read aloud. Slack takes 40,000.
const NOTIFICATION: usize = 300;
/// Characters of a header.
const HEADER: usize = 150;
/// Characters of a section's text.
const SECTION: usize = 3000;
/// Characters of a section's field.
const FIELD: usize = 2000;
/// Fields of a section; two are a fact.
const FIELDS: usize = 10;
/// Characters of a context's element; Slack names no limit but that of text objects.
const CONTEXT: usize = 1000;
/// Characters of all facts together. Slack names no limit, and refuses messages that it finds too long
/// (`msg_blocks_too_long`).
const FACTS: usize = 10_000;

pub(super) fn card(content: &Content<'_>) -> Value {
    let mut blocks = vec![json!({ "type": "header", "text": plain(&content.headline, HEADER) })];
    blocks.extend(content.subtitle.as_ref().map(|subtitle| context([plain(subtitle, CONTEXT)])));
    blocks
        .extend(content.summary.as_ref().map(|summary| json!({ "type": "section", "text": plain(summary, SECTION) })));
    let facts = fields(&content.facts);
    blocks.extend(facts.chunks(FIELDS / 2).map(|chunk| json!({ "type": "section", "fields": chunk.concat() })));
    let omitted = content.omitted + content.facts.len() - facts.len();
    let omitted = (omitted > 0).then(|| plain(&more(omitted), CONTEXT));
    blocks.push(context(omitted.into_iter().chain([plain(&content.footer(), CONTEXT)])));
    // The notification is plain as well: `*` and `_` have no escape in Slack's markup.
    json!({ "text": notification(content), "mrkdwn": false, "blocks": blocks })
}

/// The text shown where blocks are not.
fn notification(content: &Content<'_>) -> String {
    let text = match &content.summary {
        Some(summary) => format!("{}: {summary}", content.headline),
        None => content.headline.clone(),
    };
    fit(&text, NOTIFICATION, in_text)
}

/// A fact is two fields, side by side.
fn fields(facts: &[Fact]) -> Vec<[Value; 2]> {
    let mut left = FACTS;
    let mut fields = Vec::new();
    for fact in facts {
        let (name, value) = (name(&fact.name), plain(&fact.value, FIELD));
        let length = characters(&name) + characters(&value);
        let Some(rest) = left.checked_sub(length) else { break };
        left = rest;
        fields.push([name, value]);
    }
    fields
}

fn characters(object: &Value) -> usize {
    object["text"].as_str().map_or(0, text::count)
}

fn name(name: &str) -> Value {
    // Slack has no escape for its own markup, so anything that might be some stays plain.
    let is_words = name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-'));
    let is_words = is_words
        || name.split('_').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'));
    if is_words {
        json!({ "type": "mrkdwn", "text": format!("*{}*", fit(name, FIELD - 2, in_text)), "verbatim": true })
    } else {
        plain(name, FIELD)
    }
}

fn context(elements: impl IntoIterator<Item = Value>) -> Value {
    json!({ "type": "context", "elements": elements.into_iter().collect::<Vec<_>>() })
}

fn plain(text: &str, limit: usize) -> Value {
    json!({ "type": "plain_text", "text": fit(text, limit, in_text), "emoji": false })
}

/// Slack's three control characters: <https://docs.slack.dev/messaging/formatting-message-text#escaping>. Without them
/// there are no links and no mentions.
fn in_text(line: &str, character: char, after: &str) -> Written {
    match character {
        '&' => Written::As("&amp;"),
        '<' => Written::As("&lt;"),
        '>' => Written::As("&gt;"),
        _ => text::in_plain_text(line, character, after),
    }
}
