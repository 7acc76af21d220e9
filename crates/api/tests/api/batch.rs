//! Batches: each event answered by its position, none held back by another.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::gateway::{ADMIN_KEY, Gateway};

async fn send(gateway: &Gateway, media: &str, key: Option<&str>, body: String) -> crate::gateway::Answer {
    let mut request = Request::builder().method("POST").uri("/v1/events/batch");
    request = request.header("authorization", format!("Bearer {ADMIN_KEY}")).header("content-type", media);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    gateway.send(request.body(Body::from(body)).unwrap()).await
}

fn events(count: usize) -> Vec<Value> {
    (0..count).map(|index| json!({ "type": "a.b", "data": { "n": index }, "id": format!("e{index}") })).collect()
}

#[tokio::test]
async fn one_bad_event_among_ten_thousand_is_named_by_position_and_the_others_are_accepted() {
    let gateway = Gateway::start().await;
    let mut items = events(10_000);
    items[4321] = json!({ "type": "not a type", "data": {} });
    let answer = send(&gateway, "application/json", None, json!(items).to_string()).await.expect(200);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 10_000);
    for (index, result) in results.iter().enumerate() {
        if index == 4321 {
            assert_eq!(result["error"]["code"], "invalid_request");
            assert_eq!(result["error"]["errors"][0]["pointer"], "/type");
        } else {
            assert_eq!(*result, json!({ "id": format!("e{index}"), "type": "a.b", "deliveries": 0 }));
        }
    }
    gateway.ask("GET", "/v1/events/e9999", None).await.expect(200);
}

#[tokio::test]
async fn every_kind_of_bad_item_is_answered_in_its_place() {
    let gateway = Gateway::start().await;
    let deep = format!(r#"{{"type": "a", "data": {}{}}}"#, "[".repeat(200), "]".repeat(200));
    let items = [
        (r#"{"type": "a", "data": 1}"#, ""),
        ("5", "invalid_request"),
        ("null", "invalid_request"),
        (r#"["a", 1]"#, "invalid_request"),
        (r#"{"type": "a"}"#, "invalid_request"),
        (r#"{"type": "a", "data": 1, "colour": "red"}"#, "invalid_request"),
        (r#"{"type": "a", "type": "b", "data": 1}"#, "invalid_request"),
        (&deep, "invalid_json"),
        (r#"{"type": "a", "data": 1, "id": "same"}"#, ""),
        (r#"{"type": "a", "data": 1, "id": "same"}"#, ""),
        (r#"{"type": "a", "data": 2, "id": "same"}"#, "idempotency_conflict"),
    ];
    let body = format!("[{}]", items.map(|(item, _)| item).join(", "));
    let answer = send(&gateway, "application/json", None, body).await.expect(200);
    for (index, (item, code)) in items.into_iter().enumerate() {
        let told = answer["results"][index]["error"]["code"].as_str().unwrap_or_default();
        assert_eq!(told, code, "{item}: {}", answer["results"][index]);
    }
    assert_eq!(gateway.inventory().await["events"], 2);
}

#[tokio::test]
async fn lines_are_answered_in_lines() {
    let gateway = Gateway::start().await;
    let body = "{\"type\":\"a\",\"data\":1,\"id\":\"e1\"}\n\nnot json\r\n{\"type\":\"a\",\"data\":2,\"id\":\"e2\"}\n";
    let answer = send(&gateway, "application/x-ndjson; charset=utf-8", None, body.to_owned()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["content-type"]),
        (200, &"application/x-ndjson".parse().unwrap())
    );
    let lines: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["id"], &lines[2]["id"]), (&json!("e1"), &json!("e2")));
    assert_eq!(lines[1]["error"]["code"], "invalid_json");
    assert_eq!(lines[1]["error"]["request_id"], answer.headers["x-request-id"].to_str().unwrap());
}

#[tokio::test]
async fn a_batch_is_repeated_safely() {
    let gateway = Gateway::start().await;
    let items = json!([{ "type": "a", "data": 1 }, { "type": "a", "data": 1 }]).to_string();
    let first = send(&gateway, "application/json", Some("k"), items.clone()).await.expect(200);
    let again = send(&gateway, "application/json", Some("k"), items).await.expect(200);
    assert_eq!(first, again);
    assert_ne!(first["results"][0]["id"], first["results"][1]["id"]);
    assert_eq!(gateway.inventory().await["events"], 2);
}

#[tokio::test]
async fn an_events_own_key_is_never_taken_for_that_of_an_item() {
    let gateway = Gateway::start().await;
    let item = json!({ "type": "a", "data": 1 });
    let batch = send(&gateway, "application/json", Some("k"), json!([item]).to_string()).await.expect(200);
    let request = || {
        let request = Request::post("/v1/events").header("authorization", format!("Bearer {ADMIN_KEY}"));
        let request = request.header("content-type", "application/json").header("idempotency-key", "k/0");
        request.body(Body::from(json!({ "type": "a", "data": 2 }).to_string())).unwrap()
    };
    let alone = gateway.send(request()).await.expect(202);
    assert_ne!(alone["id"], batch["results"][0]["id"]);
    assert_eq!(gateway.send(request()).await.expect(200)["id"], alone["id"], "and it is a key like any other");
}

#[tokio::test]
async fn unknown_types_are_told_at_once_however_many_there_are() {
    let gateway = Gateway::start().await;
    gateway.ask("PUT", "/v1/dialects/closed", Some(json!({ "catalogue": { "open": false } }))).await.expect(201);
    gateway.ask("PATCH", "/v1/projects/default", Some(json!({ "dialect": "closed" }))).await.expect(200);
    gateway.ask("PUT", "/v1/event-types/invoice.paid", Some(json!({}))).await.expect(201);
    let items: Vec<_> = (0..100).map(|_| json!({ "type": "invoice.payed", "data": 1 })).collect();
    let answer = send(&gateway, "application/json", None, json!(items).to_string()).await.expect(200);
    let told: Vec<_> =
        answer["results"].as_array().unwrap().iter().map(|item| item["error"]["detail"].to_string()).collect();
    assert!(told[0].contains("did you mean invoice.paid?"), "{}", told[0]);
    assert!(told[99].contains("GET /v1/event-types lists"), "{}", told[99]);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_whole() {
    let gateway = Gateway::start().await;
    let json = "application/json";
    let many = json!(events(10_001)).to_string();
    send(&gateway, json, None, many).await.assert_refused(413, "payload_too_large", &[]);
    let lines = "{\"type\":\"a\",\"data\":1}\n".repeat(10_001);
    send(&gateway, "application/x-ndjson", None, lines).await.assert_refused(413, "payload_too_large", &[]);
    send(&gateway, json, None, "{}".to_owned()).await.assert_refused(422, "invalid_request", &[""]);
    send(&gateway, json, None, r#"[{"type": "a", "data": 1}, {]"#.to_owned()).await.assert_refused(
        400,
        "invalid_json",
        &[],
    );
    send(&gateway, json, None, "[] []".to_owned()).await.assert_refused(400, "invalid_json", &[]);
    send(&gateway, "text/csv", None, "a,b".to_owned()).await.assert_refused(415, "unsupported_media_type", &[]);
    send(&gateway, json, None, " ".repeat(33 * 1024 * 1024)).await.assert_refused(413, "payload_too_large", &[]);
    assert_eq!(gateway.inventory().await["events"], 0);
    assert_eq!(send(&gateway, json, None, "[]".to_owned()).await.expect(200), json!({ "results": [] }));
}
