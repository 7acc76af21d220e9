//! Templates tried out before they are saved.

use serde_json::{Value, json};
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, faults, text};

const PREVIEW: &str = "/v1/templates/preview";

#[tokio::test]
async fn a_preview_is_what_would_be_sent() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let template = json!({
        "text": "{{event.type}} {{event.id}} for {{tenant}}: {{summary}}",
        "amount": "{{event.data.amount | json}}",
        "name": "{{event.data.customer.name}}",
        "when": "{{event.timestamp}}",
    });
    let event = json!({
        "type": "invoice.paid", "id": "e1", "tenant": "t1", "summary": "Paid \"in full\"",
        "occurred_at": "2026-01-31T09:30:00Z", "data": { "amount": 12.50, "customer": {} },
    });
    let shown = project.http.post(PREVIEW, &json!({ "template": template, "event": event })).await.expect(200);
    assert_eq!(shown["missing"], json!(["event.data.customer.name"]));
    let body: Value = serde_json::from_str(&text(&shown["body"])).expect("a body is JSON");
    assert_eq!(body["text"], "invoice.paid e1 for t1: Paid \"in full\"");
    assert_eq!((&body["amount"], &body["name"]), (&json!(12.5), &json!("")));
    assert!(project.list("/v1/events").await.is_empty(), "nothing is sent and nothing is stored");

    project.register(json!({ "url": receiver.url(), "template": template })).await;
    project.send_event(event).await;
    gateway.at_rest().await;
    assert_eq!(receiver.requests()[0].text(), text(&shown["body"]));
}

#[tokio::test]
async fn a_time_is_rfc_3339_in_a_body_and_seconds_in_a_header_and_as_is_asked_anywhere() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let template = json!({
        "sent": "{{timestamp}}",
        "sent_at": "{{timestamp | unix | json}}",
        "at": "{{event.timestamp | date('%Y-%m-%dT%H:%M:%SZ')}}",
        "created": "{{event.timestamp | unix | json}}",
        "created_ms": "{{event.timestamp | unix_ms | json}}",
        "paid": "{{event.data.paid | date(\"%d %b %Y\")}}",
        "due": "{{event.data.due | rfc3339}}",
        "odd": "{{event.data.odd | unix | json}}",
    });
    project.register(json!({ "url": receiver.url(), "template": template })).await;
    let data = json!({ "paid": "2026-11-20T09:15:02+01:00", "due": 1_795_166_102, "odd": "soon" });
    let event = json!({ "type": "invoice.paid", "occurred_at": "2026-11-20T09:15:02.045Z", "data": data });
    project.send_event(event).await;
    gateway.at_rest().await;

    let request = receiver.requests().remove(0);
    let sent = gateway.now();
    assert_eq!(request.header("webhook-timestamp"), Some(sent.as_seconds().to_string().as_str()));
    let expected = json!({
        "sent": sent.to_string(), "sent_at": sent.as_seconds(), "at": "2026-11-20T09:15:02Z",
        "created": 1_795_166_102, "created_ms": 1_795_166_102_045_i64, "paid": "20 Nov 2026",
        "due": "2026-11-20T09:15:02.000Z", "odd": null,
    });
    assert_eq!(request.json(), expected);
    let delivery = project.only_delivery().await;
    assert!(
        delivery["attempts"].to_string().contains("the event has no event.data.odd that is a time"),
        "{delivery:#}"
    );
}

#[tokio::test]
async fn a_date_that_cannot_be_written_is_refused_when_it_is_saved() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    for filter in ["date('%Q')", "date('%4096Y')", "date('%n')", "date('today')", "date", "unix | date('%Y')"] {
        let template = json!({ "at": format!("{{{{timestamp | {filter}}}}}") });
        let asked = json!({ "url": "https://example.com/", "template": template });
        let problem = project.http.post("/v1/endpoints", &asked).await.expect(422);
        assert_eq!(problem["code"], "template_invalid", "{filter}: {problem}");
        let file = format!("name = \"acme\"\n[headers]\nX-At = \"{{{{timestamp | {filter}}}}}\"\n");
        let http = project.http.clone().header("content-type", "application/toml");
        let problem = http.send(hyper::Method::PUT, "/v1/dialects/acme", file.into()).await.expect(422);
        assert_eq!(problem["code"], "dialect_invalid", "{filter}: {problem}");
        assert!(problem.to_string().contains("date"), "{filter}: {problem}");
    }
}

#[tokio::test]
async fn a_template_is_tried_with_the_example_of_a_type_and_may_be_text() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    let asked = json!({ "template": "{\"score\": \"{{event.data.current_score | json}}\"}", "event_type": "visibility_changed" });
    let shown = project.http.post(PREVIEW, &asked).await.expect(200);
    assert_eq!(shown, json!({ "body": "{\"score\":72.5}", "missing": [] }));
    for (name, code) in [("visibility_change", "unknown_event_type"), ("not a type", "invalid_request")] {
        let problem = project.http.post(PREVIEW, &json!({ "template": {}, "event_type": name })).await.expect(422);
        assert_eq!((&problem["code"], faults(&problem)[0].0.as_str()), (&json!(code), "/event_type"), "{problem}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_preview_is_told_with_its_place() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let event = json!({ "type": "a.b", "data": 1 });
    let cases = [
        (json!({ "event": event }), "invalid_request", "/template"),
        (json!({ "template": {} }), "invalid_request", "/event"),
        (json!({ "template": {}, "event": event, "event_type": "a.b" }), "invalid_request", "/event"),
        (json!({ "template": {}, "event": { "data": 1 } }), "invalid_request", "/event/type"),
        (
            json!({ "template": {}, "event": { "type": "a.b", "data": 1, "colour": 1 } }),
            "invalid_request",
            "/event/colour",
        ),
        (json!({ "template": { "a": "{{nobody}}" }, "event": event }), "template_invalid", "/template"),
        (json!({ "template": "{oops", "event": event }), "template_invalid", "/template"),
        (json!({ "template": {}, "event": event, "more": 1 }), "invalid_request", "/more"),
    ];
    for (asked, code, pointer) in cases {
        let problem = project.http.post(PREVIEW, &asked).await.expect(422);
        assert_eq!((&problem["code"], faults(&problem)[0].0.as_str()), (&json!(code), pointer), "{asked}: {problem}");
    }
    let asked = json!({ "template": { "list": [{ "a": "{{nobody}}" }] }, "event": event });
    let told = faults(&project.http.post(PREVIEW, &asked).await.expect(422));
    assert!(told[0].1.contains("/list/0/a"), "{told:?}");
}

#[tokio::test]
async fn an_attempt_that_cannot_be_rendered_does_not_hide_what_was_sent_before() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    project.send_event(json!({ "type": "invoice.paid", "data": "x".repeat(300_000) })).await;
    gateway.at_rest().await;
    let sent = receiver.requests()[0].text().to_owned();

    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    project.http.patch(&path, &json!({ "template": { "all": "{{event.data}}" } })).await.expect(200);
    gateway.advance("6s").await;

    let delivery = project.only_delivery().await;
    assert_eq!(delivery["attempts"][1]["error"]["kind"], "render", "{}", delivery["attempts"]);
    assert_eq!(delivery["request_body"], sent);
}
