//! Templates of endpoints: paths into the event, filters, missing values, and all bounds.

mod given;

use dialect::template::{EndpointInfo, RenderContext, Rendered, Template};
use given::{AT, due, endpoint, event};
use model::attempt::{Failure, FailureKind};
use model::event::Event;
use model::json::Json;

const DATA: &str = r#"{
  "score": 1.10, "big": 12345678901234567890, "yes": true, "nothing": null, "name": "A \"b\" \u00e9\n",
  "items": [ {"sku": "x 7"}, [ 1 , 2 ] ], "empty": "", "dup": 1, "dup": 2, "k\u0065y": "found", "größe": "L",
  "deep": {"0": {"a-b": {"c_d": "end"}}}
}"#;

fn visibility() -> Event {
    let mut event = event(DATA);
    event.brand = Some(Json::trusted(r#"{"id":"b_1", "name":"Ümläut & Söhne","website":null}"#));
    event.workflow = Some(Json::trusted(r#"{"name":"Nightly"}"#));
    event.summary = Some("Score went up".into());
    event
}

fn render(template: &str, event: Event) -> Result<Rendered, Failure> {
    let template = Template::parse(template).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    let endpoint = EndpointInfo { id: endpoint().id, name: endpoint().settings.name };
    template.render(&RenderContext::of(&due(event), AT), &endpoint)
}

fn rendered(template: &str, event: Event) -> (String, Vec<String>) {
    let Rendered { body, missing } = render(template, event).unwrap_or_else(|failure| panic!("{failure:?}"));
    serde_json::from_slice::<serde::de::IgnoredAny>(&body).expect("it is JSON");
    (String::from_utf8(body).expect("JSON is UTF-8"), missing)
}

/// The string that a slot is rendered as, as written, and the missing paths.
fn resolved(slot: &str) -> (String, String) {
    let (body, missing) = rendered(&serde_json::Value::from(slot).to_string(), visibility());
    (body, missing.join(" "))
}

#[test]
fn the_example_of_the_documentation_reads_as_it_says() {
    let template = r#"{
        "text": "Alert: {{brand.name}} visibility changed!",
        "score": "{{event.data.score}}",
        "change": "{{event.data.change_percent}}%"
    }"#;
    let (body, missing) = rendered(template, visibility());
    assert_eq!(body, r#"{"text":"Alert: Ümläut & Söhne visibility changed!","score":"1.10","change":"%"}"#);
    assert_eq!(missing, ["event.data.change_percent"]);
}

#[test]
fn each_kind_of_value_has_its_text() {
    let cases = [
        ("{{event.data.score}}", r#""1.10""#),
        ("{{event.data.big}}", r#""12345678901234567890""#),
        ("{{event.data.yes}}", r#""true""#),
        ("{{event.data.nothing}}", r#""""#),
        ("{{event.data.empty}}", r#""""#),
        ("<{{event.data.name}}>", r#""<A \"b\" \u00e9\n>""#),
        ("{{event.data.items}}", r#""[{\"sku\":\"x 7\"},[1,2]]""#),
        ("{{event.data.items.0.sku}}", r#""x 7""#),
        ("{{event.data.items.1.1}}", r#""2""#),
        ("{{event.data.deep.0.a-b.c_d}}", r#""end""#),
        ("{{event.data.dup}}", r#""2""#),
        ("{{event.data.key}}", r#""found""#),
        ("{{event.data.größe}}", r#""L""#),
        ("{{ brand.id }}: {{workflow.name}}, {{summary}}", r#""b_1: Nightly, Score went up""#),
        ("{{brand.website}}", r#""""#),
        ("{{workflow}}", r#""{\"name\":\"Nightly\"}""#),
    ];
    for (slot, expected) in cases {
        assert_eq!(resolved(slot), (expected.to_owned(), String::new()), "{slot}");
    }
}

#[test]
fn json_gives_the_value_itself_with_the_bytes_that_came_in() {
    let cases = [
        ("{{event.data.score | json}}", "1.10"),
        ("{{event.data.big | json}}", "12345678901234567890"),
        ("{{event.data.nothing|json}}", "null"),
        ("{{event.data.name | json}}", r#""A \"b\" \u00e9\n""#),
        ("{{event.data.items | json}}", r#"[ {"sku": "x 7"}, [ 1 , 2 ] ]"#),
        ("{{event.data | json}}", DATA),
        ("{{timestamp | json}}", r#""2021-02-25T15:02:10.000Z""#),
        ("{{event.data.name | upper | json}}", r#""A \"B\" É\n""#),
    ];
    for (slot, expected) in cases {
        assert_eq!(resolved(slot), (expected.to_owned(), String::new()), "{slot}");
    }
}

#[test]
fn filters_follow_each_other() {
    let cases = [
        (r#"{{event.data.none | default("x") | upper}}"#, r#""X""#),
        ("{{event.data.none | default('a|b}}') }}", r#""a|b}}""#),
        ("{{event.data.nothing | default('x')}}", r#""x""#),
        ("{{event.data.nothing | default('x') | json}}", r#""x""#),
        ("{{event.data.none | default(0) | json}}", "0"),
        ("{{event.data.none | default(-1.50)}}", r#""-1.50""#),
        ("{{event.data.none | default(false) | json}}", "false"),
        ("{{event.data.empty | default('x')}}", r#""""#),
        ("{{event.data.score | default(7) | json}}", "1.10"),
        ("{{event.data.none | default('') | default('x')}}", r#""""#),
        ("{{brand.name | upper}}", r#""ÜMLÄUT & SÖHNE""#),
        ("{{brand.name | lower | truncate(4)}}", r#""üml…""#),
        ("{{brand.name | truncate(14)}}", r#""Ümläut & Söhne""#),
        ("{{event.type | truncate(8)}}", r#""invoice…""#),
        ("{{event.data.items | truncate(8)}}", r#""[{\"sku\"…""#),
        ("{{event.data.name | truncate(2)}}", r#""A…""#),
        ("{{event.timestamp | lower}}", r#""2021-02-25t15:02:10.000z""#),
        ("{{event.data.nothing | upper | json}}", "null"),
    ];
    for (slot, expected) in cases {
        assert_eq!(resolved(slot), (expected.to_owned(), String::new()), "{slot}");
    }
}

#[test]
fn a_time_is_written_as_is_asked() {
    let cases = [
        ("{{timestamp}}", r#""2021-02-25T15:02:10.000Z""#),
        ("{{timestamp | unix}}", r#""1614265330""#),
        ("{{timestamp | unix | json}}", "1614265330"),
        ("{{event.timestamp | unix | json}}", "1614265330"),
        ("{{event.timestamp | unix_ms | json}}", "1614265330000"),
        ("{{event.timestamp | rfc3339}}", r#""2021-02-25T15:02:10.000Z""#),
        ("at {{event.timestamp | date('%Y-%m-%dT%H:%M:%SZ')}}", r#""at 2021-02-25T15:02:10Z""#),
        (r#"{{timestamp | date("%a, %d %b %Y %H:%M:%S GMT") | upper}}"#, r#""THU, 25 FEB 2021 15:02:10 GMT""#),
        (r#"{{timestamp | date('"%F"\') | json}}"#, r#""\"2021-02-25\"\\""#),
        // Times in the data: RFC 3339, or seconds.
        ("{{event.data.paid_at | unix | json}}", "1795166102"),
        ("{{event.data.created | rfc3339}}", r#""2026-11-20T09:15:02.000Z""#),
        ("{{event.data.created | date('%d.%m.%Y') | json}}", r#""20.11.2026""#),
        ("{{event.data.none | default('2026-11-20T09:15:02Z') | unix}}", r#""1795166102""#),
        ("{{event.data.none | unix | default('never')}}", r#""never""#),
    ];
    let data = r#"{"paid_at":"2026-11-20T10:15:02+01:00","created":1795166102,"none":null,"word":"soon"}"#;
    for (slot, expected) in cases {
        let template = serde_json::to_string(slot).unwrap();
        assert_eq!(rendered(&template, event(data)), (expected.to_owned(), vec![]), "{slot}");
    }
}

#[test]
fn what_is_no_time_is_empty_and_told() {
    let template = r#"{"a":"{{event.data.word | unix}}","b":"{{event.data.word | unix | json}}","c":"{{event.data.gone | unix}}",
        "d":"{{event.data | date('%Y')}}","e":"{{event.data.word | rfc3339 | default('-')}}"}"#;
    let (body, missing) = rendered(template, event(r#"{"word":"soon"}"#));
    assert_eq!(body, r#"{"a":"","b":null,"c":"","d":"","e":"-"}"#);
    assert_eq!(missing, ["event.data.word that is a time", "event.data.gone", "event.data that is a time"]);
}

#[test]
fn a_time_that_cannot_be_written_is_refused_when_it_is_saved() {
    let cases = [
        ("{{event.id | unix}}", "`event.id` is no time"),
        ("{{delivery.attempt | date('%Y')}}", "`delivery.attempt` is no time"),
        ("{{timestamp | date('%Q')}}", "%Q is no part of a date: there are %Y %m %d %H %M %S"),
        ("{{timestamp | date('%99999Y')}}", "%99999Y is no part of a date"),
        ("{{timestamp | date}}", "date wants to know its format"),
        ("{{timestamp | unix | date('%Y')}}", "only default stands before it"),
    ];
    for (slot, hint) in cases {
        let wrong = Template::parse(&serde_json::to_string(slot).unwrap()).unwrap_err();
        assert!(wrong.len() == 1 && wrong[0].contains(hint), "{slot}: {wrong:?}");
    }
}

#[test]
fn a_path_that_leads_nowhere_is_empty_and_told() {
    let template = r#"{"a":"{{event.data.no}}{{event.data.items.2}}","b":"{{event.data.no | json}}","c":"{{event.data.score.x | upper}}",
        "d":"{{event.data.items.-1 | upper | json}}","e":"{{tenant}}","f":"{{event.data.no | upper}}"}"#;
    let (body, missing) = rendered(template, visibility());
    assert_eq!(body, r#"{"a":"","b":null,"c":"","d":null,"e":"","f":""}"#);
    let expected = ["event.data.no", "event.data.items.2", "event.data.score.x", "event.data.items.-1", "tenant"];
    assert_eq!(missing, expected);
}

#[test]
fn what_an_event_does_not_have_is_null() {
    let template = r#"{"a":"{{brand | json}}","b":"{{brand.name}}","c":"{{summary | default('-')}}","d":"{{workflow.name | json}}"}"#;
    let (body, missing) = rendered(template, event("[]"));
    assert_eq!(body, r#"{"a":null,"b":"","c":"-","d":null}"#);
    assert_eq!(missing, ["brand.name", "workflow.name"]);
}

#[test]
fn all_mistakes_are_told_each_with_its_place() {
    let template =
        r#"{"blocks":[{"text":"{{nobody}} {{event.id | shout}}"},{"a/b":"{{event"}],"x":"so {{event.data | json}}"}"#;
    let wrong = Template::parse(template).unwrap_err();
    let places: Vec<&str> = wrong.iter().map(|message| message.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["/blocks/0/text", "/blocks/0/text", "/blocks/1/a~1b", "/x"], "{wrong:#?}");
}

#[test]
fn a_result_has_its_bound() {
    let long = Json::trusted(format!("\"{}\"", "x".repeat(100_000)));
    let mut event = event("{}");
    event.data = long;
    assert_eq!(render(r#"["{{event.data}}","{{event.data}}"]"#, event.clone()).unwrap().body.len(), 200_007);
    let failure = render(r#"["{{event.data}}","{{event.data}}","{{event.data}}"]"#, event.clone()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Render);
    assert!(failure.message.contains("262144"), "{}", failure.message);
    let many = format!("\"{}\"", "{{event.data | upper | truncate(1)}}".repeat(200));
    let failure = render(&many, event.clone()).unwrap_err();
    assert!(failure.message.contains("filters"), "{}", failure.message);
    let cut = format!("\"{}\"", "{{event.data | truncate(1)}}".repeat(1000));
    assert_eq!(render(&cut, event).unwrap().body.len(), 3002);
}

#[test]
fn a_dialects_own_body_passes_large_data_on() {
    let data = format!("\"{}\"", "x".repeat(1_000_000));
    let dialect = given::dialect(r#"body.template = '{"a":"{{event.data | json}}"}'"#);
    assert_eq!(given::said(&dialect, &endpoint(), event(&data)).body.len(), 1_000_008);
}
