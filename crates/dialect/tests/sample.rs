//! Captured requests of other systems: their signatures are explained, and the printed dialect makes them again.

mod given;

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512};
use aws_lc_rs::signature::Ed25519KeyPair;
use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use dialect::Dialect;
use dialect::detect::{Explanation, Sample};
use dialect::renderer::{Message, Renderer};
use given::{PRIVATE, SECRET, due, event, header, secret, text, with_secrets};
use model::event::Event;
use model::secret::Secrets;
use model::time::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

const AT: i64 = 1_614_265_330;
const DELIVERY: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

fn hmac(algorithm: hmac::Algorithm, key: &[u8], content: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), content.as_bytes()).as_ref().to_vec()
}

fn hex(algorithm: hmac::Algorithm, key: &str, content: &str) -> String {
    HEXLOWER.encode(&hmac(algorithm, key.as_bytes(), content))
}

fn parsed(sample: &Value) -> Sample {
    Sample::parse(&sample.to_string()).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"))
}

fn captured(headers: &Value, body: &str, secret: &str) -> Value {
    json!({ "method": "POST", "headers": headers, "body": body, "secret": secret })
}

/// The event that the sample is about.
fn happened(id: &str, event_type: &str, data: &str) -> Event {
    Event {
        id: id.parse().expect("an id"),
        event_type: event_type.parse().expect("a type"),
        occurred_at: Timestamp::from_millis(AT * 1000),
        ..event(data)
    }
}

/// The message that the printed dialect makes of `event`.
fn said(explanation: &Explanation, own_secret: &str, event: Event) -> Message {
    let text = &explanation.dialect;
    let dialect = Dialect::parse(text).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{text}"));
    let endpoint = with_secrets(Secrets::of(secret(own_secret)));
    let due = model::delivery::Due { id: DELIVERY.parse().expect("a UUID"), ..due(event) };
    let at = Timestamp::from_millis(AT * 1000);
    Renderer::new(&Arc::new(dialect), &endpoint)
        .render(&due, at)
        .unwrap_or_else(|failure| panic!("{failure:?}\n{text}"))
}

/// The printed dialect makes every header of the sample and its body again.
#[track_caller]
fn comes_out_again(sample: &Value, event: Event) -> Explanation {
    let explanation = parsed(sample).explain();
    assert!(explanation.signed, "{:#?}", explanation.findings);
    let message = said(&explanation, sample["secret"].as_str().expect("it has one"), event);
    for (name, value) in sample["headers"].as_object().expect("they are one") {
        let transport = ["host", "content-length", "accept"];
        if !transport.contains(&name.to_lowercase().as_str()) {
            assert_eq!(header(&message, &name.to_lowercase()), value, "{}", explanation.dialect);
        }
    }
    assert_eq!(text(&message), sample["body"].as_str().expect("it is text"), "{}", explanation.dialect);
    assert!(told(&explanation, "byte for byte"), "{:#?}", explanation.findings);
    let likeness = parsed(sample).compare(&Dialect::parse(&explanation.dialect).expect("it is one"));
    assert!(likeness.same, "{:#?}", likeness.findings);
    explanation
}

fn told(explanation: &Explanation, part: &str) -> bool {
    explanation.findings.iter().any(|finding| finding.to_string().contains(part))
}

#[track_caller]
fn says(explanation: &Explanation, line: &str) {
    assert!(explanation.dialect.lines().any(|other| other == line), "{line} is not in\n{}", explanation.dialect);
}

#[test]
fn githubs_requests_come_out_again() {
    let key = "It's a Secret to Everybody";
    let body = r#"{"action":"opened","issue":{"id":1,"title":"Spelling","state":"open"},"repository":{"id":35129377,"full_name":"octo/hello"},"sender":{"login":"octo"}}"#;
    let headers = json!({
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": DELIVERY,
        "X-GitHub-Event": "issues",
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature": format!("sha1={}", hex(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, body)),
        "X-Hub-Signature-256": format!("sha256={}", hex(HMAC_SHA256, key, body)),
    });
    let explanation = comes_out_again(&captured(&headers, body, key), happened("evt_1", "issues", body));
    says(&explanation, "X-GitHub-Event = \"{{event.type}}\"");
    says(&explanation, "X-GitHub-Delivery = \"{{delivery.id}}\"");
    says(&explanation, "X-GitHub-Hook-Installation-Target-Type = \"repository\"");
    says(&explanation, "format = \"sha256={{signature}}\"");
    says(&explanation, "algorithm = \"hmac-sha1\"");
    says(&explanation, "template = '\"{{event.data | json}}\"'");
}

#[test]
fn stripes_requests_come_out_again() {
    let key = "whsec_test_secret";
    let data = r#"{"object":{"id":"in_1","amount_due":1200}}"#;
    let body = format!(
        r#"{{"id":"evt_1NG8Du2eZvKYlo2C","object":"event","api_version":"2019-02-19","created":{AT},"data":{data},"livemode":false,"type":"invoice.paid"}}"#
    );
    let signature = hex(HMAC_SHA256, key, &format!("{AT}.{body}"));
    let headers = json!({ "Host": "example.com", "Content-Type": "application/json; charset=utf-8", "Stripe-Signature": format!("t={AT},v1={signature}") });
    let event = happened("evt_1NG8Du2eZvKYlo2C", "invoice.paid", data);
    let explanation = comes_out_again(&captured(&headers, &body, key), event);
    says(&explanation, "key = \"utf8\"");
    says(&explanation, "signs = \"{{timestamp}}.{{body}}\"");
    says(&explanation, "format = \"t={{timestamp}},v1={{signature}}\"");
    says(&explanation, "  \"api_version\": \"2019-02-19\",");
    says(&explanation, "  \"created\": \"{{event.timestamp | unix | json}}\",");
    assert!(told(&explanation, "created is a time in Unix's count"), "{:#?}", explanation.findings);
}

#[test]
fn stripes_signatures_during_a_rotation_are_understood() {
    let (key, body) = ("whsec_test_secret", r#"{"type":"a.b","data":{}}"#);
    let made = |key| hex(HMAC_SHA256, key, &format!("{AT}.{body}"));
    let value = format!("t={AT},v1={},v1={}", made(key), made("whsec_another"));
    let explanation = parsed(&captured(&json!({ "Stripe-Signature": value }), body, key)).explain();
    assert!(explanation.signed && told(&explanation, "made with another secret"), "{:#?}", explanation.findings);
    says(&explanation, "format = \"t={{timestamp}},v1={{signature}}\"");
    says(&explanation, "join = \",\"");
}

#[test]
fn standard_webhooks_come_out_again() {
    let bytes = BASE64.decode(SECRET.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let body = r#"{"type":"invoice.paid","timestamp":"2021-02-25T15:02:10.000Z","data":{"id": "inv_1",  "n":1.00}}"#;
    let content = format!("{id}.{AT}.{body}");
    let headers = json!({
        "webhook-id": id,
        "webhook-timestamp": AT.to_string(),
        "webhook-signature": format!("v1,{}", BASE64.encode(&hmac(HMAC_SHA256, &bytes, &content))),
    });
    let event = happened(id, "invoice.paid", r#"{"id": "inv_1",  "n":1.00}"#);
    let explanation = comes_out_again(&captured(&headers, body, SECRET), event);
    says(&explanation, "key = \"whsec\"");
    says(&explanation, "signs = \"{{id}}.{{timestamp}}.{{body}}\"");
    says(&explanation, "webhook-id = \"{{event.id}}\"");
    says(&explanation, "webhook-timestamp = \"{{timestamp}}\"");
    says(&explanation, "  \"timestamp\": \"{{event.timestamp}}\",");
}

#[test]
fn an_ed25519_signature_is_found_with_the_private_key() {
    let seed = BASE64.decode(PRIVATE.strip_prefix("whsk_").unwrap().as_bytes()).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let body = r#"{"type":"a.b","data":{"n":1}}"#;
    let signature = BASE64.encode(pair.sign(format!("msg_1.{AT}.{body}").as_bytes()).as_ref());
    let headers = json!({
        "webhook-id": "msg_1", "webhook-timestamp": AT.to_string(), "webhook-signature": format!("v1a,{signature}"),
    });
    let event = happened("msg_1", "a.b", r#"{"n":1}"#);
    let explanation = comes_out_again(&captured(&headers, body, PRIVATE), event);
    says(&explanation, "algorithm = \"ed25519\"");
    says(&explanation, "format = \"v1a,{{signature}}\"");
}

#[test]
fn slack_like_requests_come_out_again() {
    let key = "8f742231b10e8888abcd99yyyzzz85a5";
    let body = r#"{"type":"message.sent","data":{"text":"hi"}}"#;
    let signature = hex(HMAC_SHA256, key, &format!("v0:{AT}:{body}"));
    let headers =
        json!({ "X-Slack-Request-Timestamp": AT.to_string(), "X-Slack-Signature": format!("v0={signature}") });
    let event = happened("evt_1", "message.sent", r#"{"text":"hi"}"#);
    let explanation = comes_out_again(&captured(&headers, body, key), event);
    says(&explanation, "signs = \"v0:{{timestamp}}:{{body}}\"");
    says(&explanation, "X-Slack-Request-Timestamp = \"{{timestamp}}\"");
}

#[test]
fn shopifys_signature_is_found_and_its_topic_is_a_type() {
    let key = "hush-hush-hush-hush";
    let body = r#"{"id":820982911946154508,"email":"jon@example.com","created_at":"2021-12-31T19:00:00-05:00","line_items":[{"id":1}]}"#;
    let headers = json!({
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": "johns-apparel.myshopify.com",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Hmac-Sha256": BASE64.encode(&hmac(HMAC_SHA256, key.as_bytes(), body)),
    });
    let sample = captured(&headers, body, key);
    let explanation = parsed(&sample).explain();
    assert!(explanation.signed, "{:#?}", explanation.findings);
    says(&explanation, "X-Shopify-Topic = \"{{event.type}}\"");
    assert!(explanation.dialect.contains("[catalogue]\nnames = \"any\""), "{}", explanation.dialect);
    let topic = |text: &str| Dialect::parse(text).unwrap().catalogue.names;
    assert_eq!(topic(&explanation.dialect), model::subscription::Names::Any);
    says(&explanation, "encoding = \"base64\"");
    says(&explanation, "format = \"{{signature}}\"");
    says(&explanation, "X-Shopify-Shop-Domain = \"johns-apparel.myshopify.com\"");
    let message = said(&explanation, key, happened("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "orders/create", body));
    assert_eq!(text(&message), body);
    for name in ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-webhook-id"] {
        let theirs = headers.as_object().unwrap().iter().find(|(other, _)| other.to_lowercase() == name).unwrap().1;
        assert_eq!(header(&message, name), theirs, "{}", explanation.dialect);
    }
}

#[test]
fn a_signed_body_with_a_flat_payload_comes_out_again() {
    let key = "a plain text secret";
    let body = r#"{"id":"evt_abc123","kind":"order.status.changed","time":"2021-02-25T15:02:10.000Z","transactionId":"txn_xyz789","orderId":"ord_456","lines":[{"sku":"a"}]}"#;
    let headers = json!({ "X-Trackelio-Signature": format!("sha256={}", hex(HMAC_SHA256, key, body)) });
    let data = r#"{"transactionId":"txn_xyz789","orderId":"ord_456","lines":[{"sku":"a"}]}"#;
    let event = happened("evt_abc123", "order.status.changed", data);
    let explanation = comes_out_again(&captured(&headers, body, key), event);
    says(&explanation, "spread = \"event.data\"");
    says(&explanation, "  \"kind\": \"{{event.type}}\",");
}

#[test]
fn an_envelope_within_an_envelope_comes_out_again() {
    let key = "a plain text secret";
    let body = r#"{"event":{"type":"score.changed","timestamp":"2021-02-25T15:02:10.000Z","data":{"score":7}},"brand":{"id":"b1","name":"Acme"},"workflow":null,"summary":"Up","meta":{"source":"trakkr","version":"1.0","event_id":"evt_9"}}"#;
    let headers = json!({ "X-Trakkr-Signature": format!("sha256={}", hex(HMAC_SHA256, key, body)) });
    let mut event = happened("evt_9", "score.changed", r#"{"score":7}"#);
    event.brand = Some(model::json::Json::trusted(r#"{"id":"b1","name":"Acme"}"#));
    event.summary = Some("Up".into());
    let explanation = comes_out_again(&captured(&headers, body, key), event);
    for part in
        ["\"{{brand | json}}\"", "\"{{workflow | json}}\"", "\"event_id\": \"{{event.id}}\"", "\"source\": \"trakkr\""]
    {
        assert!(explanation.dialect.contains(part), "{part} is not in\n{}", explanation.dialect);
    }
}

#[test]
fn an_old_and_a_new_header_stand_side_by_side() {
    let key = "a plain text secret";
    let body = r#"{"event":"ticket.created","id":"evt_1","data":{"id":7}}"#;
    let headers = json!({
        "X-Acme-Event": "ticket.created",
        "X-Acme-Signature": hex(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, body),
        "X-Acme-Signature-V2": format!("id=evt_1,t={AT},s={}", hex(HMAC_SHA512, key, &format!("evt_1{AT}{body}"))),
    });
    let explanation =
        comes_out_again(&captured(&headers, body, key), happened("evt_1", "ticket.created", r#"{"id":7}"#));
    says(&explanation, "format = \"id={{id}},t={{timestamp}},s={{signature}}\"");
    says(&explanation, "signs = \"{{id}}{{timestamp}}{{body}}\"");
    says(&explanation, "algorithm = \"hmac-sha512\"");
}

#[test]
fn two_schemes_in_one_header_are_two_signatures() {
    let (key, body) = ("a plain text secret", r#"{"type":"a.b","id":"evt_1","data":{}}"#);
    let old = hex(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, body);
    let new = hex(HMAC_SHA256, key, &format!("{AT}.{body}"));
    let headers = json!({ "X-Signature": format!("t={AT};v1={new};v0={old}") });
    let explanation = comes_out_again(&captured(&headers, body, key), happened("evt_1", "a.b", "{}"));
    says(&explanation, "join = \";\"");
    says(&explanation, "format = \"v0={{signature}}\"");
}

#[test]
fn a_secret_in_base64_or_hexadecimal_is_recognised() {
    let body = r#"{"type":"a.b","data":{}}"#;
    let bytes = [7; 32];
    let signature = HEXLOWER.encode(&hmac(HMAC_SHA256, &bytes, body));
    let headers = json!({ "X-Signature": signature });
    let base64 = BASE64.encode(&bytes);
    let explanation = comes_out_again(&captured(&headers, body, &base64), happened("evt_1", "a.b", "{}"));
    says(&explanation, "key = \"base64\"");

    let explanation = parsed(&captured(&headers, body, &HEXLOWER.encode(&bytes))).explain();
    assert!(explanation.signed && told(&explanation, "the secret's bytes in base64"), "{:#?}", explanation.findings);
    assert!(!explanation.dialect.contains(&base64), "secrets are not printed");
    assert_eq!(header(&said(&explanation, &base64, happened("evt_1", "a.b", "{}")), "x-signature"), signature);
}

#[test]
fn what_posthaste_writes_otherwise_is_said() {
    let (key, body) = ("a plain text secret", r#"{"type":"a.b","data":{}}"#);
    let capitals = HEXUPPER.encode(&hmac(HMAC_SHA256, key.as_bytes(), body));
    let explanation = parsed(&captured(&json!({ "X-Signature": capitals }), body, key)).explain();
    assert!(explanation.signed && told(&explanation, "in capitals"), "{:#?}", explanation.findings);

    let millis = format!("{AT}000");
    let headers = json!({ "X-Time": millis, "X-Signature": hex(HMAC_SHA256, key, &format!("{millis}.{body}")) });
    let explanation = parsed(&captured(&headers, body, key)).explain();
    assert!(explanation.signed && told(&explanation, "receivers will refuse that"), "{:#?}", explanation.findings);
}

#[test]
fn with_a_wrong_secret_it_says_what_was_tried_and_what_is_likely() {
    let body = r#"{"type":"a.b","data":{}}"#;
    let headers = json!({ "X-Signature": format!("sha256={}", hex(HMAC_SHA256, "the right secret", body)) });
    let explanation = parsed(&captured(&headers, body, "the wrong secret")).explain();
    assert!(!explanation.signed);
    for part in ["X-Signature has 32 bytes in hex", "tries", "likely the secret is another"] {
        assert!(told(&explanation, part), "{part} is not in {:#?}", explanation.findings);
    }
    assert!(Dialect::parse(&explanation.dialect).is_ok(), "{}", explanation.dialect);
    assert!(!explanation.dialect.contains("X-Signature ="), "a signature is no constant: {}", explanation.dialect);
}

#[test]
fn a_body_that_was_written_anew_is_found_out() {
    let key = "a plain text secret";
    let sent = r#"{"type": "a.b", "data": {"n": 1}}"#;
    let headers = json!({ "X-Signature": hex(HMAC_SHA256, key, sent) });
    for captured_body in [r#"{"type":"a.b","data":{"n":1}}"#, &format!("{sent}\n")] {
        let explanation = parsed(&captured(&headers, captured_body, key)).explain();
        assert!(explanation.signed, "{captured_body}");
        assert!(told(&explanation, "the body is not the one that was signed"), "{:#?}", explanation.findings);
    }
    let changed = parsed(&captured(&headers, r#"{"type":"a.b","data":{"n":2}}"#, key)).explain();
    assert!(!changed.signed && told(&changed, "not byte for byte what was sent"), "{:#?}", changed.findings);
}

#[test]
fn a_request_without_a_signature_gives_a_dialect_without_one() {
    let body = r#"{"type":"a.b","data":{"n":1}}"#;
    let sample = json!({ "method": "POST", "headers": { "X-Event": "a.b" }, "body_b64": BASE64.encode(body.as_bytes()), "secret": null });
    let explanation = parsed(&sample).explain();
    assert!(explanation.signed, "{:#?}", explanation.findings);
    says(&explanation, "signatures = []");
    let message = said(&explanation, "unused and unused", happened("evt_1", "a.b", r#"{"n":1}"#));
    assert_eq!(header(&message, "x-event"), "a.b");
    assert_eq!(text(&message), body);
    let names: Vec<&str> = message.headers.iter().map(|header| &*header.name).collect();
    assert_eq!(names, ["content-type", "user-agent", "x-event"]);
}

#[test]
fn credentials_of_the_endpoint_do_not_get_into_the_dialect() {
    let headers = json!({ "Authorization": "Bearer hunter2", "X-Api-Key": "hunter3", "Cookie": "hunter4" });
    let sample = json!({ "headers": headers, "body": "{}", "secret": null });
    let explanation = parsed(&sample).explain();
    assert!(!explanation.dialect.contains("hunter"), "{}", explanation.dialect);
    assert!(told(&explanation, "Authorization: belongs to the endpoint"), "{:#?}", explanation.findings);
}

#[test]
fn whatever_stands_in_a_request_the_dialect_reads() {
    let odd = "'''\n\"\\ {{event.nonsense}} {% if %} \u{7f} ä";
    let bodies = [
        String::new(),
        "no json".to_owned(),
        "[1,2]".to_owned(),
        "7".to_owned(),
        "{}".to_owned(),
        json!({ "type": "a.b", "odd": odd, "'''": odd, "{{x}}": 1, "version": odd, "data": { "odd": odd } })
            .to_string(),
        json!({ "type": "a.b", "id": 7, "timestamp": 1_614_265_330_000_u64, "account": null, "list": [odd] })
            .to_string(),
    ];
    for body in bodies {
        let headers = json!({
            "X-Odd": "{{event.nonsense}}", "X-Quote": "a\"b\\c'''", "x.odd!name": "1", "X-Braces": "{% if %}",
            "X-Event": "not a type", "X-Retry-Num": "0", "X-Sent-At": "1614265330000", "X-Delivery-Id": "d1",
            "X-Hook-Id": "42", "X-Umlaut": "ä",
        });
        let explanation = parsed(&json!({ "headers": headers, "body": body, "secret": "a secret" })).explain();
        let dialect = Dialect::parse(&explanation.dialect);
        assert!(dialect.is_ok(), "{body}: {:#?}\n{}", dialect.err(), explanation.dialect);
    }
}

#[test]
fn a_dialect_is_held_against_a_sample() {
    let key = "a plain text secret";
    let body = r#"{"event":"a.b","ref":"evt_1","data":{"n":1}}"#;
    let headers = json!({ "X-Event": "a.b", "X-Signature": hex(HMAC_SHA256, key, body) });
    let sample = parsed(&captured(&headers, body, key));
    let good = "name = \"acme\"\nheaders.X-Event = \"{{event.type}}\"\n\
        body.template = '{\"event\":\"{{event.type}}\",\"ref\":\"evt_1\",\"data\":\"{{event.data | json}}\"}'\n\
        [[signatures]]\nheader = \"X-Signature\"\nkey = \"utf8\"\nsigns = \"{{body}}\"\nencoding = \"hex\"\nformat = \"{{signature}}\"\n";
    let likeness = sample.compare(&Dialect::parse(good).unwrap());
    assert!(likeness.same, "{:#?}", likeness.findings);

    let differs = [
        (good.replace("utf8", "whsec").replace("hex", "base64"), "X-Signature: the sample has"),
        (good.replace("X-Event", "X-Type"), "x-type: the sample does not have it"),
        (good.replace("X-Event", "X-Type"), "X-Event: the sample has \"a.b\", the dialect does not say it"),
        (good.replace("\"ref\":\"evt_1\",", ""), "body: ref: the dialect does not say it"),
        (
            good.replace("= \"{{event.type}}\"", "= \"type {{event.type}}\""),
            "X-Event: the sample has \"a.b\", the dialect says \"type a.b\"",
        ),
    ];
    for (text, expected) in differs {
        let likeness = sample.compare(&Dialect::parse(&text).unwrap());
        let told: Vec<String> = likeness.findings.iter().map(ToString::to_string).collect();
        assert!(!likeness.same && told.iter().any(|line| line.contains(expected)), "{expected}: {told:#?}");
    }
}

#[test]
fn every_mistake_in_a_sample_is_told_with_its_field() {
    let diagnostics = |sample: &str| -> Vec<String> {
        Sample::parse(sample).expect_err("there are mistakes").iter().map(ToString::to_string).collect()
    };
    let fields = |sample: Value| -> Vec<String> {
        let diagnostics = Sample::parse(&sample.to_string()).expect_err("there are mistakes");
        diagnostics.into_iter().map(|diagnostic| diagnostic.key).collect()
    };
    assert!(diagnostics("{\n\"body\": }")[0].starts_with("line 2: not JSON"), "{:?}", diagnostics("{\n\"body\": }"));
    assert!(diagnostics("[]")[0].contains("a JSON object with method, headers"), "{:?}", diagnostics("[]"));
    assert_eq!(fields(json!({})), ["headers", "body"]);
    let all = json!({ "method": 1, "headers": { "a b": "1", "X": 1, "Y": ["1", 2], "Z": "a\nb" }, "body": { "a": 1 }, "secret": 7, "colour": 1 });
    assert_eq!(
        fields(all),
        ["colour", "method", "headers.X", "headers.Y", "headers.Z", "headers.a b", "body", "secret"]
    );
    assert_eq!(fields(json!({ "headers": [], "body": "", "body_b64": "" })), ["headers", "body_b64"]);
    assert_eq!(fields(json!({ "headers": {}, "body_b64": "!", "secret": " " })), ["body_b64", "secret"]);
    assert!(diagnostics(r#"{"headers":{},"body":{}}"#)[0].contains("exactly the bytes that were sent"));
}

#[test]
fn a_header_may_have_come_several_times() {
    let (key, body) = ("a plain text secret", r#"{"type":"a.b","data":{}}"#);
    let headers = json!({ "X-Signature": [hex(HMAC_SHA256, key, body), hex(HMAC_SHA256, "another secret", body)] });
    let explanation = parsed(&captured(&headers, body, key)).explain();
    assert!(explanation.signed && told(&explanation, "another secret"), "{:#?}", explanation.findings);
    says(&explanation, "join = \", \"");
}
