//! Dialects as JSON: the same tables and keys, the same checks, and the way back.

use dialect::Dialect;
use dialect::toml_json::{json_from_toml, toml_from_json};

const JSON: &str = r#"{
    "event_types": [
        { "name": "a.b", "schema": {"type": "object"}, "example": {"id": 1.10, "x": null} },
        { "name": "a.c", "schema": "{\"type\":\"string\"}", "example": "\"text\"" }
    ],
    "name": "acme",
    "headers": { "X-Zebra": "{{event.type}}", "X-Ape": "caf\u00e9 'a' \"b\"", "X.Dot": "1" },
    "signatures": [{ "header": "X-Sig", "key": "utf8", "format": "sha256={{signature}}" }],
    "retry": { "jitter": 0.25, "schedule": [], "retry_after": { "on": [429], "max": "1h" } },
    "body": { "template": "{\n  \"a\": \"{{event.data | json}}\"\n}" },
    "providers": { "detect": false }
}"#;

/// The diagnostics of a refused dialect, one a line.
fn refused(json: &str) -> String {
    let diagnostics = toml_from_json(json).expect_err("it is refused");
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn json_says_what_toml_says() {
    let toml = r#"
        name = "acme"
        [headers]
        X-Zebra = "{{event.type}}"
        X-Ape = "café 'a' \"b\""
        "X.Dot" = "1"
        [[signatures]]
        header = "X-Sig"
        key = "utf8"
        format = "sha256={{signature}}"
        [retry]
        jitter = 0.25
        schedule = []
        retry_after = { on = [429], max = "1h" }
        [body]
        template = "{\"a\":\"{{event.data | json}}\"}"
        [providers]
        detect = false
        [[event_types]]
        name = "a.b"
        schema = '{"type": "object"}'
        example = '{"id": 1.10, "x": null}'
        [[event_types]]
        name = "a.c"
        schema = '{"type":"string"}'
        example = '"text"'
    "#;
    let (one, other) = (Dialect::from_json(JSON).unwrap(), Dialect::parse(toml).unwrap());
    assert_eq!(format!("{one:#?}"), format!("{other:#?}"));
}

#[test]
fn what_is_kept_comes_back_as_it_was() {
    let kept = toml_from_json(JSON).unwrap();
    let back = json_from_toml(&kept).unwrap();
    let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
    let mut expected = value(JSON);
    expected["event_types"][1]["schema"] = serde_json::json!({ "type": "string" });
    assert_eq!(value(&back), expected);
    assert!(back.contains(r#""example":{"id": 1.10, "x": null}"#), "{back}");
    assert!(back.find("X-Zebra") < back.find("X-Ape"), "headers keep their order: {back}");
    assert_eq!(toml_from_json(&back).unwrap(), kept);
}

#[test]
fn every_built_in_file_goes_there_and_back() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/dialects")).unwrap();
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let there = json_from_toml(&text).unwrap();
        let (one, other) = (Dialect::from_json(&there).unwrap(), Dialect::parse(&text).unwrap());
        assert_eq!(format!("{one:#?}"), format!("{other:#?}"));
    }
}

#[test]
fn what_json_can_say_and_a_dialect_cannot_is_refused() {
    let cases = [
        ("{", "line 1: not JSON"),
        ("[]", "a dialect is an object"),
        (&format!("{}{}", r#"{"a":"#.repeat(129), "1") as &str, "not JSON"),
        ("{\n\"title\": null}", "line 2: title: null says nothing here: leave the key out"),
        (r#"{"retry":{"on":["5xx",null]}}"#, "line 1: retry.on[1]: null"),
        ("{\"name\":\"a\",\n\n\"n\\u0061me\":\"b\"}", "line 3: name: stands here twice"),
        (r#"{"limits":{"response_bytes":99999999999999999999}}"#, "limits.response_bytes: this number is out of range"),
        (r#"{"retry":{"jitter":1e999}}"#, "retry.jitter: this number is out of range"),
    ];
    for (json, expected) in cases {
        assert!(refused(json).contains(expected), "{json}: {}", refused(json));
    }
    assert_eq!(refused(r#"{"a":null,"b":[null],"c":{"d":null}}"#).lines().count(), 3);
    assert!(refused(&" ".repeat(256 * 1024 + 1)).contains("262144"));
    let deep = format!("{}1{}", r#"{"a":"#.repeat(129), "}".repeat(129));
    assert!(refused(&deep).contains("128 levels"));
}

#[test]
fn json_is_checked_as_toml_is() {
    let json =
        r#"{"name":"acme","retry":{"jiter":1},"event_types":[{"name":"a","schema":{"type":"objet"}}],"title":3}"#;
    let diagnostics = Dialect::from_json(json).map(|dialect| dialect.name).unwrap_err();
    let mut keys: Vec<_> = diagnostics.iter().map(|diagnostic| (diagnostic.key.as_str(), diagnostic.line)).collect();
    keys.sort_unstable();
    assert_eq!(keys, [("event_types[0].schema", None), ("retry.jiter", None), ("title", None)]);
}
