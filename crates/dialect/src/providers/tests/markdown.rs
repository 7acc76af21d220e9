//! Markdown read by an independent parser: it finds only text in a card, and the text that came in.

use proptest::prelude::*;
use pulldown_cmark::{Event as Read, Options, Parser, Tag, TagEnd};

use super::any::text;
use super::*;
use crate::providers::text::{fit, in_markdown, lines};

/// The text that the parser reads; `Err` with the first thing that is more than text.
fn read(markdown: &str) -> Result<String, String> {
    let more = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_GFM;
    let mut text = String::new();
    for part in Parser::new_ext(markdown, more) {
        match part {
            Read::Text(part) => text.push_str(&part),
            Read::SoftBreak => text.push('\n'),
            Read::Start(Tag::Paragraph) | Read::End(TagEnd::Paragraph) => {}
            other => return Err(format!("{other:?} in {markdown:?}")),
        }
    }
    Ok(text)
}

/// Asserts that there is no markup in `markdown`.
pub(super) fn is_text(markdown: &str) {
    read(markdown).unwrap_or_else(|found| panic!("{found}"));
}

#[test]
fn the_parser_sees_what_is_not_escaped() {
    for markup in
        ["[a](b)", "\\\\[a](b)", "*a*", "a\n===", "`a`", "<b>", "# a", "- a", "> a", "1. a", "~~a~~", "a|b\n-|-"]
    {
        assert!(read(markup).is_err(), "{markup}");
    }
}

#[test]
fn a_link_behind_a_backslash_stays_text() {
    for hidden in [
        r"\[click](https://evil.example)",
        r"\\[click](https://evil.example)",
        r"\\\[a\](b)",
        r"\*a\*",
        r"\<b>",
        r"\`a`",
    ] {
        assert_eq!(read(&fit(hidden, 1000, in_markdown)).as_deref(), Ok(hidden));
        let quoted = json!(hidden).to_string();
        let event = event("a.b", format!("{{\"link\":{quoted},{quoted}:1}}"));
        let teams = sent(Provider::TeamsWebhook, &LOOK, &event);
        let facts = &teams["attachments"][0]["content"]["body"][1]["facts"];
        assert_eq!(read(facts[0]["value"].as_str().unwrap()).as_deref(), Ok(hidden));
        assert_eq!(read(facts[1]["title"].as_str().unwrap()).as_deref(), Ok(hidden));
        let discord = sent(Provider::Discord, &LOOK, &Event { summary: Some(hidden.into()), ..event });
        assert_eq!(read(discord["embeds"][0]["description"].as_str().unwrap()).as_deref(), Ok(hidden));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_text_it_reads_as_itself(text in text(40)) {
        if let Some(clean) = lines(&text, 5000) {
            let read = read(&fit(&clean, usize::MAX, in_markdown));
            prop_assert_eq!(read.map(|read| read.replace('\u{200b}', "")), Ok(clean));
        }
    }
}
