//! Discord: a message with one embed. <https://docs.discord.com/developers/resources/message#embed-object>
//!
//! Limits are in code points: <https://github.com/discord/discord-api-docs/issues/1315>.

use serde_json::{Map, Value, json};

use super::content::{Content, more};
use super::facts::Fact;
use super::text::{self, fit};

const TITLE: usize = 256;
/// Discord takes 4,096; facts need a part of the whole as well.
const DESCRIPTION: usize = 2500;
const FIELDS: usize = 25;
const NAME: usize = 256;
const VALUE: usize = 1024;
/// Discord takes 2,048.
const FOOTER: usize = 512;
/// Maximum of all these together.
const WHOLE: usize = 6000;

/// Facts whose name and value each are at most this long stand beside each other.
const SHORT: usize = 40;

pub(super) fn card(content: &Content<'_>) -> Value {
    let title = fit(&content.headline, TITLE, text::in_markdown);
    let description = description(content);
    let room = WHOLE - FOOTER - text::count(&title) - text::count(description.as_deref().unwrap_or_default());
    let fields = fields(&content.facts, room);
    let omitted = content.omitted + content.facts.len() - fields.len();

    let mut embed = Map::new();
    embed.insert("title".into(), title.into());
    embed.extend(description.map(|description| ("description".into(), description.into())));
    embed.extend(content.accent_color.and_then(color).map(|color| ("color".into(), color.into())));
    if !fields.is_empty() {
        embed.insert("fields".into(), fields.into());
    }
    embed.insert("footer".into(), json!({ "text": footer(content, omitted) }));
    embed.extend(timestamp(content).map(|timestamp| ("timestamp".into(), timestamp.into())));
    // No text, ours or from the data, mentions anybody, wherever Discord looks for mentions.
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
}

fn description(content: &Content<'_>) -> Option<String> {
    let parts: Vec<&str> = content.summary.iter().chain(&content.subtitle).map(String::as_str).collect();
    let text = parts.join("\n");
    (!text.is_empty()).then(|| fit(&text, DESCRIPTION, text::in_markdown))
}

fn fields(facts: &[Fact], mut room: usize) -> Vec<Value> {
    let mut fields = Vec::new();
    for fact in facts.iter().take(FIELDS) {
        let name = fit(&fact.name, NAME, text::in_markdown);
        let value = fit(&fact.value, VALUE, text::in_markdown);
        let (name_length, value_length) = (text::count(&name), text::count(&value));
        let Some(rest) = room.checked_sub(name_length + value_length) else { break };
        room = rest;
        let inline = name_length <= SHORT && value_length <= SHORT;
        fields.push(json!({ "name": name, "value": value, "inline": inline }));
    }
    fields
}

/// Discord reads no markup in it.
fn footer(content: &Content<'_>, omitted: usize) -> String {
    let event = content.event;
    let mut text = format!("{} · {} · {}", content.signed, event.event_type.as_str(), event.id.as_str());
    if omitted > 0 {
        text = format!("{} · {text}", more(omitted));
    }
    fit(&text, FOOTER, text::in_plain_text)
}

/// `#rrggbb` as the number it is.
fn color(hex: &str) -> Option<u32> {
    u32::from_str_radix(hex.strip_prefix('#')?, 16).ok()
}

/// Shown in the reader's time zone. Left out for years that Discord does not know.
fn timestamp(content: &Content<'_>) -> Option<String> {
    let text = content.event.occurred_at.to_string();
    let is_usual = text.len() == "2026-01-31T09:30:00.000Z".len() && !text.starts_with("0000");
    is_usual.then_some(text)
}
