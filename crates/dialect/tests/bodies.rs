//! Bodies: the data passes through as it came, everything else is escaped, and the result is always JSON.

mod given;

use dialect::Dialect;
use dialect::renderer::{RenderContext, Renderer, body_of};
use given::{AT, dialect, due, endpoint, event, said, standard, text};
use model::json::Json;
use std::sync::Arc;

fn with_body(template: &str) -> Arc<Dialect> {
    dialect(&format!("[body]\ntemplate = '''{template}'''"))
}

fn refused(template: &str) -> String {
    let diagnostics =
        Dialect::parse(&format!("name = \"acme\"\n[body]\ntemplate = '''{template}'''")).expect_err("it is refused");
    assert_eq!(
        (diagnostics.len(), diagnostics[0].key.as_str(), diagnostics[0].line),
        (1, "body.template", Some(3)),
        "{diagnostics:?}"
    );
    diagnostics[0].message.clone()
}

#[test]
fn the_standard_body_is_compact() {
    let message = said(&standard(), &endpoint(), event(r#"{"id":7}"#));
    assert_eq!(text(&message), r#"{"type":"invoice.paid","timestamp":"2021-02-25T15:02:10.000Z","data":{"id":7}}"#);
}

#[test]
fn data_passes_through_byte_by_byte() {
    let odd = [
        "{ \"b\" :\n\t1.00,  \"a\":[ ] }",
        r#"{"caf\u00e9":"\ud83d\ude00 \/ \u0000","x":"{{event.id}}"}"#,
        "123456789012345678901234567890.000100e-7",
        r#"{"a":1,"a":2}"#,
        "\"\u{2028} é 日本\"",
        "null",
    ];
    for data in odd {
        let message = said(&standard(), &endpoint(), event(data));
        let expected = format!(r#"{{"type":"invoice.paid","timestamp":"2021-02-25T15:02:10.000Z","data":{data}}}"#);
        assert_eq!(text(&message), expected);
    }
}

#[test]
fn every_root_has_its_value() {
    let template = r#"{"a":"{{event.id}} {{delivery.id}} #{{delivery.attempt}}","b":"{{endpoint.id}} {{endpoint.name}}",
        "c":"{{tenant}}|{{summary}}","d":"{{brand | json}}","e":"{{ workflow|json }}","f":"{{timestamp}}","g":"{{timestamp | json}}",
        "h":"{{project}}","i":"{{tenant | json}}","j":"{{event.type | json}}","k":"{{event.timestamp | json}}"}"#;
    let mut event = event("{}");
    event.tenant = Some("brand_1".into());
    event.brand = Some(Json::trusted(r#"{ "id": "b" }"#));
    let message = said(&with_body(template), &endpoint(), event);
    let expected = concat!(
        r#"{"a":"msg_p5jXN8AQM9LWM0D4loKWxJek 03030303-0303-0303-0303-030303030303 #2","#,
        r#""b":"ep_040g2081040g2081040g208104 Billing","c":"brand_1|","d":{ "id": "b" },"e":null,"#,
        r#""f":"2021-02-25T15:02:10.000Z","g":"2021-02-25T15:02:10.000Z","h":"prj_081040g2081040g2081040g208","i":"brand_1","#,
        r#""j":"invoice.paid","k":"2021-02-25T15:02:10.000Z"}"#,
    );
    assert_eq!(text(&message), expected);
}

#[test]
fn text_is_escaped_so_the_result_is_json_whatever_it_holds() {
    let nasty = "\"},{\\\n\r\t\u{1}\u{1f}\u{7f} é \u{2028} 😀 {{event.id}}";
    let mut event = event("{}");
    event.summary = Some(nasty.into());
    let message = said(
        &with_body(r#"{"whole":"{{summary}}","part":"<{{summary}}>","value":"{{summary | json}}"}"#),
        &endpoint(),
        event,
    );
    let read: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(read, serde_json::json!({ "whole": nasty, "part": format!("<{nasty}>"), "value": nasty }));
}

#[test]
fn the_rest_of_a_template_stays_as_it_is_written() {
    let template =
        r#" { "z" : 1.00 , "a b" : [ true , null , 1e400 ] , "{{event.id}}" : "caf\u00e9 \" {{event.id}} \" \\" } "#;
    let message = said(&with_body(template), &endpoint(), event("{}"));
    let expected = r#"{"z":1.00,"a b":[true,null,1e400],"{{event.id}}":"café \" msg_p5jXN8AQM9LWM0D4loKWxJek \" \\"}"#;
    assert_eq!(text(&message), expected);
}

#[test]
fn a_built_in_dialects_body_can_be_made_again_and_an_own_templates_cannot() {
    let due = due(event("{}"));
    let sent = Renderer::new(&standard(), &endpoint()).render(&due, AT).unwrap();
    let made_by = sent.reproducible_by.unwrap();
    assert_eq!(body_of(&made_by, &RenderContext::of(&due, AT), due.endpoint), Some(sent.body));

    let mut endpoint = endpoint();
    endpoint.settings.template = Some(r#"{"text": "{{event.type}}"}"#.into());
    let own = Renderer::new(&standard(), &endpoint).render(&due, AT).unwrap();
    assert_eq!((&*own.body, own.reproducible_by), (br#"{"text":"invoice.paid"}"#.as_slice(), None));
}

#[test]
fn a_template_that_cannot_be_filled_is_refused_with_what_is_wrong() {
    let cases = [
        ("{", "not JSON"),
        (r#"{"a":1} x"#, "not JSON"),
        (r#"{"a":{{event.id}}}"#, "inside strings"),
        (r#"{"a":"{{event.id"}"#, "not closed"),
        (r#"{"a":"{{nobody}}"}"#, "none of the roots"),
        (r#"{"a":"{{event.nothing}}"}"#, "event.id, event.type"),
        (r#"{"a":"{{event}}"}"#, "event.id, event.type"),
        (r#"{"a":"{{event | json}}"}"#, "event.id, event.type"),
        (r#"{"a":"{{tenant.id}}"}"#, "nothing inside"),
        (r#"{"a":"{{event.type.name}}"}"#, "event.type has nothing inside"),
        (r#"{"a":"{{event.database}}"}"#, "event.data"),
        (r#"{"a":"so: {{event.data | json}}"}"#, "alone"),
        (r#"{"a":"{{event.id | json}}{{event.id | json}}"}"#, "alone"),
        (r#"{"a":"{{event.id | shout}}"}"#, "`shout`"),
        (r#"{"a":"{{event.id | default(\"x)}}"}"#, "not closed"),
        (r#"{"a":"{{event.id | truncate}}"}"#, "truncate(20)"),
        (r#"{"a":"{{event.id | json | upper}}"}"#, "last"),
        (r#"{"a":"{# b #}"}"#, "comments"),
        (r#"{"a":"{% if b %}"}"#, "statements"),
        (r#"{"a":"\ud800{{event.id}}"}"#, "no character"),
        (r#"{"a":[{"b/~c":"{{nobody}}"}]}"#, "/a/0/b~1~0c: "),
    ];
    for (template, reason) in cases {
        let message = refused(template);
        assert!(message.contains(reason), "{template}: {message}");
    }
}

#[test]
fn a_template_has_its_bound() {
    let message = refused(&format!("\"{}\"", "x".repeat(64 * 1024)));
    assert!(message.contains("65536"), "{message}");
    let message = refused(&format!("\"{}\"", "{{tenant}}".repeat(1001)));
    assert!(message.contains("1000 slots"), "{message}");
    let message = refused(&format!("{}{}", "[".repeat(129), "]".repeat(129)));
    assert!(message.contains("128 levels"), "{message}");
    let message = refused(&format!("\"{{{{event.data{}}}}}\"", ".a".repeat(33)));
    assert!(message.contains("32 words"), "{message}");
}

fn spreading(path: &str, template: &str) -> Arc<Dialect> {
    dialect(&format!("[body]\nspread = '{path}'\ntemplate = '''{template}'''"))
}

#[test]
fn the_members_of_data_stand_at_the_top_level_as_they_came() {
    let flat = spreading("event.data", r#"{ "id": "{{event.id}}", "k\u0069nd": "{{event.type}}" }"#);
    let opening = r#"{"id":"msg_p5jXN8AQM9LWM0D4loKWxJek","k\u0069nd":"invoice.paid""#;
    let cases = [
        (
            r#"{ "orderId" : "ord_456", "n":1.10, "in": { "a" : [ ] } }"#,
            r#","orderId" : "ord_456","n":1.10,"in": { "a" : [ ] }"#,
        ),
        ("{}", ""),
        // A member of the template counts, however the data spells its name.
        (r#"{"id":1,"kind":2,"\u0069d":3,"ID":4}"#, r#","ID":4"#),
        (r#"{"a":1,"a":2}"#, r#","a":1,"a":2"#),
        // Nothing to spread.
        ("7", ""),
        (r#"[{"a":1}]"#, ""),
        ("null", ""),
    ];
    for (data, rest) in cases {
        assert_eq!(text(&said(&flat, &endpoint(), event(data))), format!("{opening}{rest}}}"), "{data}");
    }
}

#[test]
fn a_value_inside_is_spread_by_its_path() {
    let data = r#"{"order":{"lines":[{"sku":"a"},{"sku":"b","n":2}],"lines2":0}}"#;
    for (path, expected) in [
        ("event.data.order.lines.1", r#"{"sku":"b","n":2}"#),
        ("event.data.order.lines.2", "{}"),
        ("event.data.nothing.here", "{}"),
        ("brand", r#"{"id":"b"}"#),
        ("workflow", "{}"),
    ] {
        let mut event = event(data);
        event.brand = Some(Json::trusted(r#"{"id":"b"}"#));
        assert_eq!(text(&said(&spreading(path, "{}"), &endpoint(), event)), expected, "{path}");
    }
}

#[test]
fn a_dialect_says_whether_data_has_to_be_an_object() {
    assert!(spreading("event.data", "{}").spreads_data());
    assert!(!spreading("event.data.order", "{}").spreads_data());
    assert!(!spreading("brand", "{}").spreads_data());
    assert!(!standard().spreads_data());
}
