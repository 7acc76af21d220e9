//! The rules that a card as sent is checked against: the services' limits, and no markup out of data.

use super::*;

/// Asserts all rules for the event's card on every service.
pub(super) fn check(branding: &Branding<'_>, event: &Event) {
    slack(&sent(Provider::Slack, branding, event));
    discord(&sent(Provider::Discord, branding, event));
    teams(&sent(Provider::TeamsWebhook, branding, event));
}

fn texts<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    list(value).iter().map(|item| item[key].as_str().expect("text")).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fits(text: &str, most: usize) {
    let length = text.chars().count();
    assert!((1..=most).contains(&length) && !text.trim().is_empty(), "{length} of {most}: {text:?}");
}

fn slack(card: &Value) {
    slack_text(card["text"].as_str().unwrap(), 4000);
    let blocks = list(&card["blocks"]);
    assert!((1..=50).contains(&blocks.len()));
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => slack_object(&block["text"], 150),
            "section" if block["text"].is_object() => slack_object(&block["text"], 3000),
            "section" => {
                assert!((1..=10).contains(&list(&block["fields"]).len()));
                list(&block["fields"]).iter().for_each(|field| slack_object(field, 2000));
            }
            "context" => {
                assert!((1..=10).contains(&list(&block["elements"]).len()));
                list(&block["elements"]).iter().for_each(|element| slack_object(element, 3000));
            }
            other => panic!("{other}"),
        }
    }
}

fn slack_object(object: &Value, most: usize) {
    let text = object["text"].as_str().unwrap();
    slack_text(text, most);
    if object["type"] == "mrkdwn" {
        assert_eq!(object["verbatim"], true, "or addresses become links");
        let bold = text.strip_prefix('*').and_then(|text| text.strip_suffix('*')).expect("only names are marked up");
        assert!(!bold.contains(['*', '`', '~', '\n', ':']) && !bold.starts_with('_'), "{text}");
    } else {
        assert_eq!(object["type"], "plain_text");
    }
}

/// Links and mentions need `<`, and `&` begins an entity for it.
fn slack_text(text: &str, most: usize) {
    fits(text, most);
    let rest = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    assert!(!rest.contains(['<', '>', '&']), "{text}");
    calls_nobody(text);
}

fn discord(card: &Value) {
    assert_eq!(card["allowed_mentions"]["parse"].as_array().unwrap().len(), 0);
    assert!(card["content"].is_null(), "only there would Discord look for mentions and previews");
    let embed = &card["embeds"][0];
    let fields = list(&embed["fields"]);
    assert!(fields.len() <= 25);
    let (names, values) = (texts(&embed["fields"], "name"), texts(&embed["fields"], "value"));
    let title = embed["title"].as_str().unwrap();
    let description = embed["description"].as_str();
    let footer = embed["footer"]["text"].as_str().unwrap();
    names.iter().for_each(|name| fits(name, 256));
    values.iter().for_each(|value| fits(value, 1024));
    fits(title, 256);
    fits(footer, 2048);
    description.iter().for_each(|text| fits(text, 4096));
    let marked = names.iter().chain(&values).copied().chain([title]).chain(description);
    let whole: usize = marked.clone().chain([footer]).map(|text| text.chars().count()).sum();
    assert!(whole <= 6000, "{whole}");
    marked.for_each(is_no_markdown);
    calls_nobody(footer);
}

fn teams(card: &Value) {
    let text = card.to_string();
    assert!(text.len() <= 28 * 1024, "{} bytes", text.len());
    assert!(2 * text.encode_utf16().count() <= 28 * 1024, "{} bytes of UTF-16", 2 * text.encode_utf16().count());
    for element in list(&card["attachments"][0]["content"]["body"]) {
        match element["type"].as_str().unwrap() {
            "RichTextBlock" => texts(&element["inlines"], "text").into_iter().for_each(|run| {
                fits(run, 4000);
                calls_nobody(run);
            }),
            "FactSet" => {
                let both = [texts(&element["facts"], "title"), texts(&element["facts"], "value")].concat();
                both.iter().for_each(|text| fits(text, 4000));
                both.into_iter().for_each(is_no_markdown);
            }
            other => panic!("{other}"),
        }
    }
}

/// Reads it as Markdown is read, and finds nothing but text.
fn is_no_markdown(text: &str) {
    let mut bare = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c == '\\' {
            let escaped = characters.next().expect("a backslash is before something");
            assert!(escaped.is_ascii_punctuation(), "{text}");
            bare.push('\u{0}');
        } else {
            bare.push(c);
        }
    }
    assert!(!bare.contains(['*', '_', '~', '`', '|', '[', ']', '<']), "{text}");
    assert!(!bare.contains("://"), "{text}");
    assert!(!bare.contains("&lt;") && !bare.contains("&amp;") && !bare.contains("&#"), "{text}");
    for line in bare.lines() {
        let line = line.trim_start();
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = line.len() - number.len();
        let marks: &[char] = if (1..=9).contains(&digits) { &['.', ')'] } else { &['#', '-', '+'] };
        let is_marked = number.starts_with(marks) && !number.chars().nth(1).is_some_and(char::is_alphanumeric);
        assert!(!is_marked && !line.starts_with('>'), "{text}");
    }
    calls_nobody(&bare);
    assert!(!bare.to_ascii_lowercase().contains("www."), "{text}");
    markdown::is_text(text);
}

fn calls_nobody(text: &str) {
    let text = text.to_ascii_lowercase();
    for call in ["@everyone", "@here", "@channel", "{{"] {
        assert!(!text.contains(call), "{call} in {text}");
    }
}
