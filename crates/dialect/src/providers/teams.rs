//! Microsoft Teams: an Adaptive Card 1.4 in the message that Workflows webhooks take.
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>
//!
//! Text runs are shown as they are; facts are read as Markdown, and escaped.

use serde_json::{Value, json};

use super::content::{Content, more};
use super::facts::Fact;
use super::text::{self, fit};

/// Bytes of a message. Teams does not say whether of UTF-8 or of UTF-16, so both fit.
const WHOLE: usize = 28 * 1024;

/// Limits in characters. Teams names none but that of the whole.
const HEADLINE: usize = 256;
const PARAGRAPH: usize = 2500;
const NAME: usize = 200;
const VALUE: usize = 1024;

/// Maximum lines of a summary; the text after them stands on the last. A text run breaks no lines.
const LINES: usize = 6;

/// Room for "and 1048576 more fields" and the fact set, with what is around them.
const MORE: usize = 512;

pub(super) fn card(content: &Content<'_>) -> Value {
    let mut room = WHOLE - MORE - weight(&message(content, &[], 0));
    let mut facts = Vec::new();
    for fact in &content.facts {
        let fact = in_form(fact);
        // Two bytes more for the comma after it, in UTF-16.
        let Some(rest) = room.checked_sub(weight(&fact) + 2) else { break };
        room = rest;
        facts.push(fact);
    }
    let omitted = content.omitted + content.facts.len() - facts.len();
    message(content, &facts, omitted)
}

fn message(content: &Content<'_>, facts: &[Value], omitted: usize) -> Value {
    let headline =
        json!({ "type": "TextRun", "text": shown(&content.headline, HEADLINE), "size": "Large", "weight": "Bolder" });
    let mut body = vec![block(&headline, "None")];
    body.extend(content.subtitle.as_ref().map(|subtitle| block(&subtle(subtitle), "None")));
    let lines = content.summary.iter().flat_map(|summary| summary.splitn(LINES, '\n')).zip(0..);
    body.extend(lines.map(|(line, number)| {
        let run = json!({ "type": "TextRun", "text": shown(&line.replace('\n', " "), PARAGRAPH) });
        block(&run, if number == 0 { "Medium" } else { "None" })
    }));
    if !facts.is_empty() {
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    body.extend((omitted > 0).then(|| block(&subtle(&more(omitted)), "Small")));
    body.push(block(&subtle(&content.footer()), "Medium"));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

fn block(run: &Value, spacing: &str) -> Value {
    json!({ "type": "RichTextBlock", "inlines": [run], "spacing": spacing })
}

fn subtle(text: &str) -> Value {
    json!({ "type": "TextRun", "text": shown(text, PARAGRAPH), "size": "Small", "isSubtle": true })
}

fn shown(text: &str, limit: usize) -> String {
    fit(text, limit, text::in_plain_text)
}

fn in_form(fact: &Fact) -> Value {
    json!({ "title": fit(&fact.name, NAME, text::in_markdown), "value": fit(&fact.value, VALUE, text::in_markdown) })
}

/// Bytes of its JSON, in UTF-8 or UTF-16, whichever is more.
fn weight(json: &Value) -> usize {
    let text = json.to_string();
    text.len().max(2 * text.encode_utf16().count())
}
