//! The rules hold for the card of any event.

use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Text made of ordinary and foreign segments, and everything that any service reads as more than text.
pub(super) fn text(most: usize) -> impl Strategy<Value = String> + Clone {
    let segments = select(vec![
        "word",
        " ",
        "\n",
        "0",
        "1.",
        "é",
        "🦀",
        "\u{200b}",
        "\u{202e}",
        "\u{0}",
        "\\",
        "\\[click](https://evil.example)",
        "\n===\n",
        "\n---\n",
        "![x](y)",
        "www.evil.example",
        "(",
        "!",
        "=",
        "^",
        "\t",
        "a | b\n--- | ---\n",
        "\n: ",
        "[^1]",
        "*",
        "_",
        "~",
        "`",
        "|",
        "[x](y)",
        "]",
        "<",
        ">",
        "&",
        "&amp;",
        "@everyone",
        "@here",
        "@CHANNEL",
        "<!channel>",
        "<@U1>",
        "<t:1>",
        "https://evil.example",
        "://",
        "{{",
        "#",
        "-",
        "+",
        ")",
        ".",
        "\"",
        "'",
        "$",
        ":",
        "@",
    ]);
    let segment = prop_oneof![4 => segments.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    let long = (segment.clone(), 1..3000usize).prop_map(|(segment, times)| segment.repeat(times));
    prop_oneof![8 => vec(segment, 0..most).prop_map(|segments| segments.concat()), 1 => long]
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        4 => text(40).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 120, 40, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..20).prop_map(Value::from),
            3 => hash_map(text(6), inner, 0..40).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_breaks_a_rule(
        event_type in r"[!-)+./-~-]{1,60}",
        data in data(),
        brand in option::of(data()),
        summary in option::of(text(200)),
        title in text(30),
        description in option::of(text(60)),
    ) {
        let event = Event {
            brand: brand.map(|brand| Json::trusted(brand.to_string())),
            summary,
            ..event(&event_type, data.to_string())
        };
        rules::check(&Branding { signed: &title, description: description.as_deref(), ..LOOK }, &event);
    }
}
