//! Cards as files that people can read, and paste into Slack's, Discord's and Microsoft's previews.

use std::path::Path;

use super::*;

/// Every event there is a file of, by name.
fn events() -> [(&'static str, Branding<'static>, Event); 6] {
    let described = Branding { description: Some("The brand's visibility score moved."), ..LOOK };
    let visibility = Event {
        brand: Some(Json::trusted(r#"{"id":"3f1c","name":"Northwind","website":"https://northwind.example"}"#)),
        workflow: Some(Json::trusted(r#"{"name":"Weekly check"}"#)),
        summary: Some("Northwind's visibility fell from 71 to 64.\nPerplexity no longer cites it.".into()),
        ..event(
            "visibility_changed",
            r#"{"previous_score":71,"current_score":64.50,"change_percent":-9.9,"models":["gpt-5","sonar"]}"#,
        )
    };
    let order = event(
        "order.status.changed",
        r#"{"order":{"id":"ord_17","customer":{"name":"Ada Lovelace","address":{"city":"London","lines":["1 Long Rd"]}},"items":[{"sku":"A"},{"sku":"B"}]},"previous":"packed","status":"shipped","note":null,"gift":false}"#,
    );
    let nasty = Event {
        summary: Some("@everyone <!channel> <@U123> <#C1>\n# Big\n- *bold* _it_ ~no~ `code` ||spoiler||\n> see [here](https://evil.example) or https://evil.example".into()),
        ..event("report.generated", NASTY)
    };
    let wide = format!(
        "{{{}}}",
        (0..60).map(|n| format!(r#""field_{n}":"{}""#, "*<&🦀".repeat(300))).collect::<Vec<_>>().join(",")
    );
    [
        ("visibility", described, visibility),
        ("order", LOOK, order),
        ("nasty", Branding { signed: "<Acme> & *Sons*", ..LOOK }, nasty),
        ("wide", LOOK, event("export.finished", wide)),
        ("bare", Branding { accent_color: None, ..LOOK }, event("ping", r#""it works""#)),
        ("null", LOOK, event("_", "null")),
    ]
}

const NASTY: &str = r#"{
    "mention": "@everyone @here @Channel <!here> <@123456> <@&9> <#5> <t:1618953630:R>",
    "link": "[click](https://evil.example) <https://evil.example|click> https://evil.example steam://run/1",
    "markup": "**bold** __under__ ~~strike~~ `code` ```block``` ||spoiler|| \\*",
    "html": "<b>x</b> &lt;script&gt; <at>Ada</at>",
    "card": "{{DATE(2026-01-31T09:30:00Z, SHORT)}} ${expression}",
    "line": "1. first\n# second\n- third\n> fourth",
    "invisible": "pay\u202edne\u0000\u200b",
    "nothing": " \t\u200b ",
    "half": "\ud83e",
    "*bold* <key>": "x",
    "_a_": "x",
    "": "x"
}"#;

#[test]
fn cards_are_as_their_files_say() {
    let mut changed = Vec::new();
    for (name, branding, event) in events() {
        for provider in SERVICES {
            let folder = if provider == Provider::TeamsWebhook { "teams" } else { provider.name() };
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{folder}/{name}.json"));
            let card = format!("{:#}\n", sent(provider, &branding, &event));
            match std::fs::read_to_string(&path) {
                Ok(golden) if golden == card => {}
                Ok(golden) => changed.push(difference(&path, &golden, &card)),
                Err(_) => {
                    std::fs::write(&path, card).expect("its folder is there");
                    changed.push(format!("{} was not there and is now: look at it", path.display()));
                }
            }
        }
    }
    assert!(changed.is_empty(), "{}\nIf that is right, delete them and run this again.", changed.join("\n"));
}

fn difference(path: &Path, golden: &str, card: &str) -> String {
    let other = golden.lines().zip(card.lines()).find(|(golden, card)| golden != card);
    let (golden, card) = other.unwrap_or(("", "one goes on where the other ends"));
    format!("{}\n  was {golden}\n  is  {card}", path.display())
}

#[test]
fn cards_of_these_events_keep_the_rules() {
    for (_, branding, event) in events() {
        rules::check(&branding, &event);
    }
}
