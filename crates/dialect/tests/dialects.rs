//! The built-in dialects: the bytes that each sends, and the data that each accepts.

mod given;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::{BASE64, HEXLOWER};
use dialect::renderer::Message;
use dialect::{Dialect, EventsRule, SecretRule, built_in, built_in_names, built_in_text};
use given::{SECRET, event, header, said, secret, text, with_secrets};
use model::attempt::{Answer, FailureKind, Outcome};
use model::health::{DisableRule, Health};
use model::json::Json;
use model::retry::Next;
use model::secret::{Form, Secrets};
use model::subscription::EventType;
use model::time::{Span, Timestamp};

const KEY: &str = "a secret of the receiver";
/// A UUID, such as products use internally.
const INTERNAL: &str = "0190d2f6-7a3b-7c1e-9f00-1b2c3d4e5f60";

fn of(name: &str) -> Arc<Dialect> {
    built_in(name).expect("it comes with us")
}

fn named(name: &str) -> EventType {
    name.parse().expect("a type")
}

fn example(dialect: &Dialect, event_type: &str) -> String {
    let known = dialect.catalogue.find(&named(event_type)).expect("it is listed");
    known.event_type.example.as_ref().expect("it has one").as_str().to_owned()
}

/// The message for the type's example, or for `data`, to an endpoint with the secret `KEY`.
fn sent(dialect: &Arc<Dialect>, event_type: &str, data: &str) -> Message {
    sent_with(dialect, event_type, data, Secrets::of(secret(KEY)))
}

fn sent_with(dialect: &Arc<Dialect>, event_type: &str, data: &str, secrets: Secrets) -> Message {
    let mut event = event(data);
    event.event_type = named(event_type);
    event.tenant = Some("b_1".into());
    event.brand = Some(Json::trusted(r#"{"id":"b_1","name":"Acme","website":"https://acme.example"}"#));
    event.workflow = Some(Json::trusted(r#"{"name":"Daily"}"#));
    event.summary = Some("Acme's score rose".into());
    said(dialect, &with_secrets(secrets), event)
}

fn headers(message: &Message) -> Vec<(&str, &str)> {
    let ours = |name: &str| name == "content-type" || name == "user-agent";
    message.headers.iter().filter(|header| !ours(&header.name)).map(|header| (&*header.name, &*header.value)).collect()
}

/// `sha256=` and the HMAC of the body, as each receiver computes it.
fn sha256(message: &Message) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    format!("sha256={}", HEXLOWER.encode(hmac::sign(&key, &message.body).as_ref()))
}

fn names(dialect: &Dialect) -> Vec<&str> {
    dialect.catalogue.types().map(|known| known.event_type.name.as_str()).collect()
}

fn waits(dialect: &Dialect) -> Vec<String> {
    dialect.retry.schedule.iter().map(|wait| Span(*wait).to_string()).collect()
}

/// True if an attempt with this response status is followed by another.
fn retried(dialect: &Dialect, status: u16) -> bool {
    let outcome = Outcome::Answered(Answer { status, ..Answer::default() });
    matches!(dialect.retry.next(0, &outcome, given::AT, 0.5), Next::Again(_))
}

fn disables(dialect: &Dialect, failure_count: u32, status: u16, days: i64) -> bool {
    let health = Health { failure_count, failing_since: Some(Timestamp::from_millis(0)) };
    dialect.disable.reason(health, Some(status), Timestamp::from_millis(days * 86_400_000)).is_some()
}

#[test]
fn every_type_is_described_and_its_example_fits_its_schema() {
    for dialect in built_in_names().map(of) {
        for known in dialect.catalogue.types() {
            let event_type = &known.event_type;
            assert!(event_type.group.is_some() && event_type.description.is_some(), "{}", event_type.name);
            let schema = event_type.schema.as_ref().expect("a schema").as_str();
            assert!(schema.contains(r#""type": "object""#), "{}", event_type.name);
            assert_eq!(known.judge(&example(&dialect, event_type.name.as_str())), [], "{}", event_type.name);
            assert_eq!(known.judge("7").len(), 1, "{} takes objects", event_type.name);
        }
    }
}

#[test]
fn every_example_can_be_sent() {
    for dialect in built_in_names().map(of) {
        // A secret that each can sign with.
        let secrets = || Secrets::of(secret(SECRET));
        for name in names(&dialect) {
            let message = sent_with(&dialect, name, &example(&dialect, name), secrets());
            serde_json::from_slice::<serde_json::Value>(&message.body).expect("it is JSON");
        }
    }
}

#[test]
fn every_example_tells_members_that_its_schema_knows() {
    for dialect in built_in_names().map(of) {
        for known in dialect.catalogue.types() {
            let read = |json: &Option<Json>| -> serde_json::Value {
                serde_json::from_str(json.as_ref().expect("it is there").as_str()).expect("JSON")
            };
            let (schema, example) = (read(&known.event_type.schema), read(&known.event_type.example));
            for member in example.as_object().expect("an object").keys() {
                assert!(schema["properties"].get(member).is_some(), "{}: {member}", known.event_type.name);
            }
        }
    }
}

#[test]
fn a_built_in_file_can_be_shown_and_gives_itself_the_name_it_is_found_by() {
    for name in built_in_names() {
        let file = built_in_text(name).expect("it comes with us");
        assert_eq!(Dialect::parse(file).expect("it reads").name, name);
    }
    assert_eq!(built_in_text("nobody"), None);
}

/// A sent body is shown by rendering it again, when the endpoint may have another name.
#[test]
fn no_built_in_body_depends_on_what_an_endpoint_can_change() {
    for name in built_in_names() {
        let file: toml::Table = built_in_text(name).expect("it comes with us").parse().expect("TOML");
        let body = file.get("body").map(toml::Value::to_string).unwrap_or_default();
        assert!(!body.contains("endpoint.name"), "{name}");
    }
}

#[test]
fn only_what_is_listed_is_an_event_in_the_five_products() {
    for dialect in built_in_names().filter(|name| *name != "standard").map(of) {
        assert!(!dialect.catalogue.accepts(&named("nothing.we_know")), "{}", dialect.name);
        assert!(dialect.catalogue.accepts(&named("posthaste.endpoint.disabled")));
    }
}

#[test]
fn trackelio_signs_every_delivery_in_its_own_header() {
    let trackelio = of("trackelio");
    let message = sent(&trackelio, "nps.submitted", r#"{"score": 9}"#);
    assert_eq!(
        text(&message),
        r#"{"type":"nps.submitted","timestamp":"2021-02-25T15:02:10.000Z","data":{"score": 9}}"#
    );
    let signature = sha256(&message);
    let expected = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("x-trackelio-signature", &signature),
    ];
    assert_eq!(headers(&message), expected);
    assert_eq!(trackelio.endpoints.secret, SecretRule::Always);
    assert_eq!(trackelio.secret_form(), Form::Text);
    assert!(given::speak(&trackelio, &with_secrets(Secrets::default()), event("{}")).is_err());
}

#[test]
fn trackelio_has_seven_event_types_and_a_toggle() {
    let trackelio = of("trackelio");
    let expected = [
        "post.created",
        "post.status_changed",
        "post.assigned",
        "comment.created",
        "nps.submitted",
        "csat.submitted",
        "conversation.completed",
    ];
    assert_eq!(names(&trackelio), expected);
    assert!(trackelio.endpoints.pausable);
    assert_eq!(trackelio.endpoints.events, EventsRule::Many);
}

#[test]
fn trakkrs_envelope_names_event_brand_workflow_summary_and_meta() {
    let trakkr = of("trakkr");
    let message = sent(&trakkr, "visibility_changed", r#"{"current_score":72.50}"#);
    let expected = concat!(
        r#"{"event":{"type":"visibility_changed","timestamp":"2021-02-25T15:02:10.000Z","data":{"current_score":72.50}},"#,
        r#""brand":{"id":"b_1","name":"Acme","website":"https://acme.example"},"workflow":{"name":"Daily"},"#,
        r#""summary":"Acme's score rose","#,
        r#""meta":{"source":"trakkr","version":"1.0","event_id":"msg_p5jXN8AQM9LWM0D4loKWxJek"}}"#,
    );
    assert_eq!(text(&message), expected);
    assert_eq!(header(&message, "x-trakkr-signature"), sha256(&message));

    let mut bare = event("{}");
    bare.event_type = named("citation_lost");
    let message = said(&trakkr, &with_secrets(Secrets::of(secret(KEY))), bare);
    assert!(text(&message).contains(r#""brand":null,"workflow":null,"summary":"","#), "{}", text(&message));
}

#[test]
fn trakkr_signs_only_with_a_signing_secret() {
    let trakkr = of("trakkr");
    let message = sent_with(&trakkr, "report_completed", "{}", Secrets::default());
    assert!(headers(&message).iter().all(|(name, _)| !name.contains("signature")));
    assert_eq!(trakkr.endpoints.secret, SecretRule::Optional);
}

#[test]
fn trakkr_retries_three_times_on_5xx_timeouts_and_429_and_on_nothing_else() {
    let trakkr = of("trakkr");
    assert_eq!(waits(&trakkr), ["1s", "2s", "4s"]);
    assert_eq!(trakkr.retry.jitter, 0.0);
    for status in [500, 502, 503, 599, 429] {
        assert!(retried(&trakkr, status), "{status}");
    }
    for status in [100, 301, 400, 401, 404, 408, 410] {
        assert!(!retried(&trakkr, status), "{status}");
    }
    for (kind, again) in [(FailureKind::Timeout, true), (FailureKind::Connect, true), (FailureKind::Render, false)] {
        let next = trakkr.retry.next(0, &Outcome::failed(kind, ""), given::AT, 0.5);
        assert_eq!(matches!(next, Next::Again(_)), again, "{kind:?}");
    }
    assert_eq!(trakkr.retry.retry_after.on, [429]);
}

#[test]
fn trakkrs_words_are_its_own() {
    let trakkr = of("trakkr");
    let expected = ["visibility_changed", "report_completed", "competitor_added", "citation_gained", "citation_lost"];
    assert_eq!(names(&trakkr), expected);
    assert_eq!((trakkr.endpoints.word.as_str(), trakkr.endpoints.tenant.as_deref()), ("webhook", Some("brand")));
    assert_eq!(trakkr.surfaces, ["webhooks"]);
    assert_eq!(trakkr.accent_color.as_deref(), Some("#16a34a"));
}

#[test]
fn tracktiles_payload_is_flat() {
    let tracktile = of("tracktile");
    let data = r#"{"transactionId": "txn_xyz789", "orderId": "ord_456", "previousOrderStatus": "pending", "currentOrderStatus": "confirmed", "id": 1}"#;
    let message = sent_with(&tracktile, "order.status.changed", data, Secrets::of(secret(SECRET)));
    let expected = concat!(
        r#"{"id":"msg_p5jXN8AQM9LWM0D4loKWxJek","kind":"order.status.changed","time":"2021-02-25T15:02:10.000Z","#,
        r#""transactionId": "txn_xyz789","orderId": "ord_456","previousOrderStatus": "pending","currentOrderStatus": "confirmed"}"#,
    );
    assert_eq!(text(&message), expected);

    let key = BASE64.decode(SECRET.strip_prefix("whsec_").expect("a prefix").as_bytes()).expect("base64");
    let signed = format!("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{expected}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    let signature = format!("v1,{}", BASE64.encode(tag.as_ref()));
    let expected = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", &signature),
    ];
    assert_eq!(headers(&message), expected);
}

#[test]
fn tracktile_has_twenty_three_events_of_orders_shipments_and_inventory() {
    let tracktile = of("tracktile");
    assert_eq!(names(&tracktile).len(), 23);
    assert!(names(&tracktile).contains(&"order.status.changed"));
    let mut groups: Vec<_> = tracktile.catalogue.types().map(|known| known.event_type.group.as_deref()).collect();
    groups.dedup();
    assert_eq!(groups, [Some("Orders"), Some("Shipments"), Some("Inventory")]);
    assert_eq!((tracktile.endpoints.word.as_str(), tracktile.endpoints.secret), ("webhook", SecretRule::Always));
    assert_eq!(tracktile.surfaces, ["hooks"]);
    let incomplete = tracktile.catalogue.judge(&named("order.status.changed"), r#"{"orderId":"a"}"#);
    assert_eq!(incomplete.len(), 2, "{incomplete:?}");
}

#[test]
fn trackdesks_webhooks_are_unsigned_and_only_made_listed_and_deleted() {
    let trackdesk = of("trackdesk");
    let message = sent(&trackdesk, "coupon.created", "{}");
    assert_eq!(text(&message), r#"{"type":"coupon.created","timestamp":"2021-02-25T15:02:10.000Z","data":{}}"#);
    let expected = [("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("webhook-timestamp", "1614265330")];
    assert_eq!(headers(&message), expected);
    assert_eq!(header(&message, "content-type"), "application/json");
    let endpoints = &trackdesk.endpoints;
    assert!(!endpoints.editable && !endpoints.pausable);
    assert_eq!((endpoints.secret, endpoints.events), (SecretRule::Never, EventsRule::AtLeastOne));
}

#[test]
fn trackdesk_retries_whatever_is_not_2xx_and_never_disables() {
    let trackdesk = of("trackdesk");
    for status in [100, 301, 400, 404, 410, 429, 500, 503] {
        assert!(retried(&trackdesk, status), "{status}");
        assert!(!disables(&trackdesk, 10_000, status, 365), "{status}");
    }
    let timeout = trackdesk.retry.next(0, &Outcome::failed(FailureKind::Timeout, ""), given::AT, 0.5);
    assert!(matches!(timeout, Next::Again(_)));
}

#[test]
fn trackdesk_takes_its_ten_types_with_public_ids_only() {
    let trackdesk = of("trackdesk");
    let ids = [
        ("affiliate.created", "/id"),
        ("affiliate.status_changed", "/id"),
        ("affiliate.tier_changed", "/public_id"),
        ("affiliate_ticket.created", "/source_public_id"),
        ("affiliate_ticket.updated", "/ticket/id"),
        ("click.created", "/affiliate_id"),
        ("conversion.created", "/click_id"),
        ("conversion.status_changed", "/offer_id"),
        ("coupon.created", "/affiliate/id"),
        ("settlement.created", "/id"),
    ];
    assert_eq!(names(&trackdesk), ids.map(|(name, _)| name));
    for (name, pointer) in ids {
        let mut data: serde_json::Value = serde_json::from_str(&example(&trackdesk, name)).expect("JSON");
        *data.pointer_mut(pointer).expect("the example has it") = INTERNAL.into();
        let findings = trackdesk.catalogue.judge(&named(name), &data.to_string());
        assert_eq!(findings.len(), 1, "{name}: {findings:?}");
        assert_eq!(findings[0].0, pointer, "{name}");
        assert!(findings[0].1.contains("UUID"), "{name}: {}", findings[0].1);
    }
}

#[test]
fn trackdesk_refuses_data_that_leaves_out_what_its_page_promises() {
    let trackdesk = of("trackdesk");
    let promised = [
        ("affiliate.status_changed", vec!["id", "original_status", "new_status"]),
        ("affiliate.tier_changed", vec!["email", "public_id", "original_tier_name", "new_tier_name"]),
        ("affiliate_ticket.created", vec!["account_email", "source_public_id", "ticket"]),
        ("affiliate_ticket.updated", vec!["account_email", "source_public_id", "ticket"]),
        ("conversion.status_changed", vec!["id", "original_status", "new_status"]),
        ("coupon.created", vec!["id", "code", "revenue_origin_id", "affiliate", "offer"]),
    ];
    for (name, members) in promised {
        for member in members {
            let mut data: serde_json::Value = serde_json::from_str(&example(&trackdesk, name)).expect("JSON");
            data.as_object_mut().expect("an object").remove(member).expect("the example has it");
            let findings = trackdesk.catalogue.judge(&named(name), &data.to_string());
            assert_eq!(findings, [(format!("/{member}"), "is missing".to_owned())], "{name}");
        }
    }
    let mut ticket: serde_json::Value =
        serde_json::from_str(&example(&trackdesk, "affiliate_ticket.created")).expect("JSON");
    ticket["ticket"] = serde_json::json!({ "id": "tk_1", "status": "OPEN" });
    let findings = trackdesk.catalogue.judge(&named("affiliate_ticket.created"), &ticket.to_string());
    assert_eq!(findings.len(), 4, "field answers, note and two times: {findings:?}");
}

#[test]
fn helpdesk_sends_exactly_the_headers_of_its_page() {
    let helpdesk = of("helpdesk");
    let message = sent(&helpdesk, "ticket.created", r#"{"ticket":{"id":"tic_1"}}"#);
    assert_eq!(
        text(&message),
        r#"{"type":"ticket.created","timestamp":"2021-02-25T15:02:10.000Z","data":{"ticket":{"id":"tic_1"}}}"#
    );
    let signature = sha256(&message);
    let expected = [
        ("x-webhook-event", "ticket.created"),
        ("x-webhook-delivery", "03030303-0303-0303-0303-030303030303"),
        ("x-webhook-signature", &signature),
    ];
    assert_eq!(headers(&message), expected);
    assert_eq!(header(&message, "content-type"), "application/json");

    let unsigned = sent_with(&helpdesk, "ticket.created", "{}", Secrets::default());
    assert_eq!(headers(&unsigned).len(), 2);
}

#[test]
fn helpdesk_retries_along_its_schedule_and_disables_at_the_tenth_failure() {
    let helpdesk = of("helpdesk");
    assert_eq!(waits(&helpdesk), ["1s", "5s", "30s", "5m", "30m", "2h"]);
    assert_eq!(helpdesk.retry.jitter, 0.0);
    assert!([301, 404, 410, 429, 500].into_iter().all(|status| retried(&helpdesk, status)));
    let rule = DisableRule { on_status: vec![], consecutive_failures: 10, failing_for: Duration::ZERO };
    assert_eq!(helpdesk.disable, rule);
    assert!(disables(&helpdesk, 10, 500, 0) && !disables(&helpdesk, 9, 410, 365));
    assert!(helpdesk.notify && helpdesk.endpoints.https_only);
    assert_eq!((helpdesk.limits.timeout, helpdesk.limits.response_bytes), (Duration::from_secs(10), 4096));
}

#[test]
fn helpdesk_has_tickets_and_surveys() {
    let helpdesk = of("helpdesk");
    let mut groups: Vec<_> = helpdesk.catalogue.types().map(|known| known.event_type.group.as_deref()).collect();
    groups.dedup();
    assert_eq!(groups, [Some("Tickets"), Some("Surveys")]);
    for name in
        ["ticket.created", "ticket.updated", "ticket.resolved", "ticket.message.created", "survey.response.completed"]
    {
        assert!(helpdesk.catalogue.accepts(&named(name)), "{name}");
    }
}
