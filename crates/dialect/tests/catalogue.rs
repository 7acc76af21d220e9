//! The catalogue: schemas are checked when they are written, data when it comes, and neither can hang the process.

use std::sync::Arc;

use dialect::Dialect;
use dialect::catalogue::{Catalogue, SchemaIssue, check};
use model::catalogue::EventType;
use model::json::Json;
use model::subscription;

fn name(text: &str) -> subscription::EventType {
    text.parse().expect("a type")
}

fn event_type(schema: &str, example: Option<&str>) -> EventType {
    EventType {
        name: name("invoice.paid"),
        group: None,
        description: None,
        schema: Some(Json::trusted(schema)),
        example: example.map(Json::trusted),
    }
}

fn with_schema(schema: &str) -> Catalogue {
    let own = Arc::new(event_type(schema, None));
    Catalogue::new(false, subscription::Names::Dotted)
        .with_types([&own].into_iter())
        .unwrap_or_else(|unfit| panic!("{unfit}"))
}

fn judge(schema: &str, data: &str) -> Vec<SchemaIssue> {
    with_schema(schema).judge(&name("invoice.paid"), data)
}

/// The only error in a schema.
fn refused(schema: &str) -> SchemaIssue {
    let mut findings = check(&event_type(schema, None)).expect_err(schema);
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

fn found(pointer: &str, message: &str) -> SchemaIssue {
    (pointer.to_owned(), message.to_owned())
}

/// `leaf`, behind `levels` definitions that each refer to the next one twice.
fn doubling(levels: usize, leaf: &str) -> String {
    let twice =
        |level| format!(r##""{level}":{{"allOf":[{{"$ref":"#/$defs/{0}"}},{{"$ref":"#/$defs/{0}"}}]}},"##, level + 1);
    let definitions: String = (0..levels).map(twice).collect();
    format!(r##"{{"$defs":{{{definitions}"{levels}":{leaf}}},"$ref":"#/$defs/0"}}"##)
}

#[test]
fn every_finding_says_where_and_what_would_be_right() {
    let cases = [
        (r#"{"type":"string"}"#, "7", "must be a string, not 7"),
        (r#"{"type":["string","null"]}"#, "[7]", "must be null or a string, not a list"),
        (r#"{"type":"integer"}"#, "1.5", "must be a whole number, not 1.5"),
        (r#"{"enum":["a",1,null]}"#, "\"b\"", "must be one of \"a\", 1, null, not \"b\""),
        (r#"{"const":"a"}"#, "{}", "must be \"a\", not an object"),
        (r#"{"format":"date-time"}"#, "\"today\"", "must be a date and time like 2026-01-31T09:30:00Z, not \"today\""),
        (r#"{"format":"email"}"#, "\"me\"", "must be an email address, not \"me\""),
        (r#"{"format":"uuid"}"#, "\"7\"", "must be a UUID, not \"7\""),
        (r#"{"format":"uri"}"#, "\"/a\"", "must be an absolute URI, not \"/a\""),
        (r#"{"pattern":"^inv_"}"#, "\"ord_1\"", "must match ^inv_, not \"ord_1\""),
        (r#"{"minimum":2}"#, "1", "must be at least 2, not 1"),
        (r#"{"minLength":1}"#, "\"\"", "must have at least 1 character, not \"\""),
        (r#"{"maxItems":2}"#, "[1,2,3]", "must have at most 2 items"),
        (
            r#"{"not":{"format":"uuid"}}"#,
            "\"0190d2f6-7a3b-7c1e-9f00-1b2c3d4e5f60\"",
            "must not be a UUID, and \"0190d2f6-7a3b-7c1e-9f00-1b2c3d4e5f60\" is",
        ),
        (
            r#"{"anyOf":[{"type":"string"},{"required":["a"]},{"type":"null"}],"type":["object"]}"#,
            "{}",
            "must fit one of 3 alternatives: must be a string, not an object; must have the member \"a\"; must be null, not an object",
        ),
        (r#"{"additionalProperties":false}"#, r#"{"a":1}"#, "must not have any further members"),
        (
            r#"{"properties":{"c":{}},"additionalProperties":false}"#,
            r#"{"a":1,"b":2}"#,
            "must not have the members \"a\", \"b\"",
        ),
        ("false", "1", "must not be here"),
    ];
    for (schema, data, message) in cases {
        assert_eq!(judge(schema, data), [found("", message)], "{schema} {data}");
    }
}

#[test]
fn findings_point_into_the_data() {
    let schema = r##"{"required":["id","a/b"],"properties":{"lines":{"items":{"$ref":"#/$defs/line"}}},
        "$defs":{"line":{"properties":{"sku":{"type":"string"}}}}}"##;
    let expected =
        [found("/id", "is missing"), found("/a~1b", "is missing"), found("/lines/1/sku", "must be a string, not true")];
    let mut findings = judge(schema, r#"{"lines":[{"sku":"a"},{"sku":true}]}"#);
    findings.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(findings, expected);
}

#[test]
fn what_fits_and_what_has_no_schema_is_fine() {
    let catalogue = with_schema(r#"{"type":"object","required":["id"]}"#);
    assert_eq!(catalogue.judge(&name("invoice.paid"), r#"{"id":1,"further":true}"#), []);
    assert_eq!(catalogue.judge(&name("invoice.unknown"), "7"), []);
}

#[test]
fn findings_are_few_and_short_whatever_the_data() {
    let many = format!("[{}1]", "1,".repeat(9_000));
    assert_eq!(judge(r#"{"items":{"type":"string"}}"#, &many).len(), 20);
    // Longer data is validated up to its first error only.
    let more = format!("[{}1]", "1,".repeat(400_000));
    assert_eq!(judge(r#"{"items":{"type":"string"}}"#, &more), [found("/0", "must be a string, not 1")]);
    // Nor are all alternatives listed for it.
    let alternatives: Vec<String> = (0..1000).map(|n| format!(r#"{{"const":{n}}}"#)).collect();
    let findings = judge(&format!(r#"{{"anyOf":[{}]}}"#, alternatives.join(",")), &many);
    assert!(findings.len() == 1 && findings[0].1.contains("has alternatives"), "{findings:?}");
    let long = format!("\"{}\"", "é".repeat(10_000));
    let message = &judge(r#"{"type":"number"}"#, &long)[0].1;
    assert!(message.chars().count() < 200 && message.ends_with("…\""), "{message}");
}

#[test]
fn what_would_take_too_much_work_is_not_begun() {
    let choices: Vec<String> = (0..60).map(|n| format!(r#"{{"const":"{n}"}}"#)).collect();
    let choice = format!(r#"{{"anyOf":[{}]}}"#, choices.join(","));
    let list = |count: usize| format!("[{}]", vec![r#""7""#; count].join(","));
    let object =
        |count: usize| format!("{{{}}}", (0..count).map(|n| format!(r#""{n}":"7""#)).collect::<Vec<_>>().join(","));
    let schemas = [format!(r#"{{"items":{choice}}}"#), format!(r#"{{"additionalProperties":{choice}}}"#)];
    for (schema, data) in schemas.iter().zip([&list as &dyn Fn(usize) -> String, &object]) {
        assert_eq!(judge(schema, &data(100)), []);
        let [(pointer, message)] = &judge(schema, &data(50_000))[..] else { panic!("one finding for all of {schema}") };
        assert!(pointer.is_empty() && message.contains("too much work to hold against this schema"), "{message}");
    }
    assert_eq!(judge(r#"{"items":{"type":"string"}}"#, &list(50_000)), [], "an ordinary schema is held against it");
}

#[test]
fn data_that_no_value_can_hold_is_told() {
    for data in ["1e400", r#""\ud800""#] {
        let message = &judge("{}", data)[0].1;
        assert!(message.ends_with("cannot be held against the schema"), "{message}");
    }
}

#[test]
fn a_schema_that_is_none_is_refused_with_the_place() {
    let cases = [
        (r#"{"properties":{"a":{"type":"strin"}}}"#, "/schema/properties/a/type", "must fit one of"),
        (r#"{"required":"id"}"#, "/schema/required", "must be a list, not \"id\""),
        (r#"{"properties":{"a":{"pattern":"("}}}"#, "/schema/properties/a/pattern", "regular expression"),
        ("7", "/schema", "must be true or false or an object, not 7"),
        (r#"{"$schema":"http://json-schema.org/draft-04/schema#"}"#, "/schema/$schema", "2020-12"),
        (r#"{"$schema":"https://example.com/my-own"}"#, "/schema/$schema", "2020-12"),
    ];
    for (schema, pointer, message) in cases {
        let (place, text) = refused(schema);
        assert_eq!(place, pointer, "{schema}: {text}");
        assert!(text.contains(message), "{schema}: {text}");
    }
}

#[test]
fn references_stay_within_the_schema() {
    let cases = [
        (
            r#"{"properties":{"a":{"$ref":"https://example.com/a.json"}}}"#,
            "/schema/properties/a/$ref",
            "nothing is fetched",
        ),
        (
            r#"{"items":[],"allOf":[{"$ref":"file:///etc/passwd"}],"$schema":"http://json-schema.org/draft-07/schema#"}"#,
            "/schema/allOf/0/$ref",
            "nothing is fetched",
        ),
        (r#"{"$ref":"other.json#/$defs/a"}"#, "/schema/$ref", "#/$defs/"),
        (r##"{"$ref":"#/$defs/a"}"##, "/schema/$ref", "leads nowhere"),
        (r##"{"$ref":"#a"}"##, "/schema/$ref", "leads nowhere"),
        (r##"{"$dynamicRef":"#a"}"##, "/schema/$dynamicRef", "$ref"),
        (r#"{"properties":{"a":{"$id":"https://example.com/a"}}}"#, "/schema/properties/a/$id", "$anchor"),
        (r##"{"$ref":"#/x","x":{"not":{"$ref":"far"}}}"##, "/schema/x/not/$ref", "nothing is fetched"),
    ];
    for (schema, pointer, message) in cases {
        let (place, text) = refused(schema);
        assert_eq!(place, pointer, "{schema}: {text}");
        assert!(text.contains(message), "{schema}: {text}");
    }
    // These words are data here, not keywords.
    assert_eq!(
        check(&event_type(r#"{"properties":{"$ref":{"type":"string"},"$id":{}},"enum":[{"$ref":"far"}]}"#, None)),
        Ok(())
    );
    assert_eq!(
        judge(r##"{"items":{"$ref":"#line"},"$defs":{"a":{"$anchor":"line","type":"string"}}}"##, "[1]").len(),
        1
    );
}

#[test]
fn a_pattern_cannot_hang_us() {
    let slow = format!("\"{}!\"", "a".repeat(50_000));
    assert_eq!(judge(r#"{"pattern":"^(a+)+$"}"#, &slow).len(), 1);
    let cases = [
        r#"{"pattern":"(?=a)a"}"#,
        r#"{"pattern":"(a)\\1"}"#,
        r#"{"patternProperties":{"(?!a)b":{}}}"#,
        r#"{"pattern":"((a{1,1000}){1,1000}){1,1000}"}"#,
    ];
    for schema in cases {
        let (pointer, message) = refused(schema);
        assert!(pointer.starts_with("/schema/pattern"), "{pointer}");
        assert!(message.contains("look-around"), "{message}");
    }
    let patterns: Vec<String> = (0..65).map(|n| format!(r#""{n}":{{"pattern":"{n}"}}"#)).collect();
    let (_, message) = refused(&format!(r#"{{"properties":{{{}}}}}"#, patterns.join(",")));
    assert!(message.contains("64 patterns"), "{message}");
}

#[test]
fn references_cannot_multiply_without_end() {
    let leaf = r#"{"type":"string"}"#;
    assert_eq!(judge(&doubling(8, leaf), "7"), [found("", "must be a string, not 7")]);
    let (_, message) = refused(&doubling(13, leaf));
    assert!(message.contains("4096 subschemas"), "{message}");
    let (_, message) = refused(&doubling(200, leaf));
    assert!(message.contains("32 subschemas stand inside each other"), "{message}");
    let (_, message) = refused(&format!(r#"{{"description":"{}"}}"#, "x".repeat(64 * 1024)));
    assert!(message.contains("65536 bytes"), "{message}");
}

#[test]
fn a_schema_may_refer_to_itself() {
    let thread = r##"{"required":["text"],"properties":{"replies":{"items":{"$ref":"#"}}}}"##;
    let data = r#"{"text":"a","replies":[{"text":"b","replies":[{}]}]}"#;
    assert_eq!(judge(thread, data), [found("/replies/0/replies/0/text", "is missing")]);
    assert_eq!(judge(r##"{"allOf":[{"$ref":"#"}],"type":"string"}"##, "7").len(), 1);
}

/// `{"a":{"a":… leaf …}}`
fn deep(levels: usize, leaf: &str) -> String {
    format!("{}{leaf}{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

#[test]
fn a_schema_that_refers_to_itself_in_several_ways_judges_deep_data_at_once() {
    let twice = |keyword: &str, to: &str| format!(r#"{{"{keyword}":[{{"$ref":"{to}"}},{{"$ref":"{to}"}}]}}"#);
    let below = |twice: String, more: &str| format!(r#"{{"type":"object",{more}"properties":{{"a":{twice}}}}}"#);
    let defined = |schema: String| format!(r##"{{"$ref":"#/$defs/n","$defs":{{"n":{schema}}}}}"##);
    let mutual = format!(
        r##"{{"$ref":"#/$defs/m","$defs":{{"m":{},"n":{}}}}}"##,
        below(twice("allOf", "#/$defs/n"), ""),
        below(twice("anyOf", "#/$defs/m"), "")
    );
    let cases = [
        below(twice("allOf", "#"), ""),
        below(twice("anyOf", "#"), ""),
        below(twice("allOf", "#"), r#""unevaluatedProperties":false,"#),
        below(twice("anyOf", "#"), r#""unevaluatedProperties":false,"#),
        defined(below(twice("allOf", "#/$defs/n"), "")),
        mutual,
    ];
    for schema in cases {
        assert_eq!(judge(&schema, &deep(100, "{}")), [], "{schema}");
        let findings = judge(&schema, &deep(100, "7"));
        assert!(findings.len() == 1 && findings[0].1.contains("several ways"), "{schema}: {findings:?}");
    }
}

#[test]
fn the_deepest_schema_and_the_deepest_data_fit_on_a_small_stack() {
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let nested = format!("{}{{\"$ref\":\"#\"}}{}", format!("{{\"{keyword}\":[").repeat(29), "]}".repeat(29));
        let schema = format!(r#"{{"properties":{{"a":{nested}}},"type":"object"}}"#);
        let judging = move || assert_eq!(judge(&schema, &deep(126, "7")).len(), 1);
        std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(judging).unwrap().join().unwrap();
    }
}

#[test]
fn an_example_fits_its_schema() {
    let schema = r#"{"required":["id"],"properties":{"id":{"type":"string"}}}"#;
    assert_eq!(check(&event_type(schema, Some(r#"{"id":"a"}"#))), Ok(()));
    assert_eq!(
        check(&event_type(schema, Some(r#"{"id":7}"#))),
        Err(vec![found("/example/id", "must be a string, not 7")])
    );
    assert_eq!(check(&event_type(schema, Some("{}"))), Err(vec![found("/example/id", "is missing")]));
}

#[test]
fn mistakes_in_a_dialect_file_are_told_with_key_and_line() {
    let text = r#"name = "acme"
[[event_types]]
name = "a"
schema = '''{"required":"id"}'''
[[event_types]]
name = "b"
schema = '''{"required":["id"]}'''
example = '''{}'''
[[event_types]]
name = "a"
schema = '''{"$ref":"https://example.com/"}'''
"#;
    let diagnostics = Dialect::parse(text).unwrap_err();
    let told: Vec<(&str, Option<usize>)> =
        diagnostics.iter().map(|diagnostic| (diagnostic.key.as_str(), diagnostic.line)).collect();
    let expected = [
        ("event_types[0].schema", Some(4)),
        ("event_types[1].example", Some(8)),
        ("event_types[2].name", Some(10)),
        ("event_types[2].schema", Some(11)),
    ];
    assert_eq!(told, expected, "{diagnostics:#?}");
    assert_eq!(diagnostics[0].message, "/required: must be a list, not \"id\"");
}

#[test]
fn a_projects_own_types_lie_over_the_dialects() {
    let text = "name = 'acme'\ncatalogue.open = false\n[[event_types]]\nname = 'a'\n[[event_types]]\nname = 'invoice.paid'\n[[event_types]]\nname = 'c'";
    let dialect = Dialect::parse(text).unwrap();
    let own = Arc::new(event_type(r#"{"type":"object"}"#, None));
    let new = Arc::new(EventType { name: name("mine"), ..event_type("true", None) });
    let catalogue = dialect.catalogue.with_types([&own, &new].into_iter()).unwrap();
    let names: Vec<&str> = catalogue.types().map(|known| known.event_type.name.as_str()).collect();
    assert_eq!(names, ["a", "invoice.paid", "c", "mine"]);
    assert_eq!(catalogue.judge(&name("invoice.paid"), "7").len(), 1);
    assert_eq!(dialect.catalogue.judge(&name("invoice.paid"), "7"), [], "the dialect's own stays as it was");
    assert!(catalogue.accepts(&name("mine")) && !dialect.catalogue.accepts(&name("mine")));

    let bad = Arc::new(event_type(r#"{"type":7}"#, None));
    let unfit = dialect.catalogue.with_types([&bad].into_iter()).unwrap_err();
    assert_eq!((unfit.name.as_str(), unfit.findings[0].0.as_str()), ("invoice.paid", "/schema/type"));
}
