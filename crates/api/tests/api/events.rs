//! Events: taken in once, looked up, sent again.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::gateway::{ADMIN_KEY, Gateway};

#[tokio::test]
async fn an_event_is_accepted_with_the_number_of_its_deliveries() {
    let gateway = Gateway::start().await;
    gateway.endpoint(json!({})).await;
    gateway.endpoint(json!({ "events": ["invoice.*"] })).await;
    gateway.endpoint(json!({ "events": ["order.*"] })).await;
    gateway.endpoint(json!({ "tenant": "other" })).await;

    let sent = gateway.event("invoice.paid").await;

    assert_eq!((&sent["type"], &sent["deliveries"]), (&json!("invoice.paid"), &json!(2)));
    assert!(sent["id"].as_str().unwrap().starts_with("evt_"));
}

#[tokio::test]
async fn an_event_shows_what_was_sent_and_its_deliveries_also_when_there_are_none() {
    let gateway = Gateway::start().await;
    let sent = json!({
        "type": "invoice.paid", "data": { "id": 1, "big": 12_345_678_901_234_567_890_u64 }, "id": "own-id_1", "tenant": "t1",
        "occurred_at": "2026-01-01T00:00:00+01:00", "brand": { "id": "b" }, "workflow": { "id": "w" }, "summary": "paid",
        "deliver_at": "2026-02-01T00:00:00Z", "expires_at": "2026-03-01T00:00:00Z",
    });
    gateway.ask("POST", "/v1/events", Some(sent.clone())).await.expect(202);

    let shown = gateway.ask("GET", "/v1/events/own-id_1", None).await.expect(200);
    for field in ["type", "data", "id", "tenant", "brand", "workflow", "summary"] {
        assert_eq!(shown[field], sent[field], "{field}");
    }
    assert_eq!(shown["occurred_at"], "2025-12-31T23:00:00.000Z");
    assert_eq!(shown["deliver_at"], "2026-02-01T00:00:00.000Z");
    assert_eq!(shown["expires_at"], "2026-03-01T00:00:00.000Z");
    assert_eq!(shown["deliveries"], json!([]));

    gateway.endpoint(json!({})).await;
    let other = gateway.event("a").await;
    let shown = gateway.ask("GET", &format!("/v1/events/{}", other["id"].as_str().unwrap()), None).await.expect(200);
    assert_eq!(shown["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(shown["deliveries"][0]["event_id"], other["id"]);
    assert_eq!(shown["occurred_at"], shown["created_at"]);
}

#[tokio::test]
async fn any_json_value_is_data() {
    let gateway = Gateway::start().await;
    for data in [json!(null), json!(1.5), json!("text"), json!([1, 2]), json!(true)] {
        let event = json!({ "type": "a", "data": data });
        let sent = gateway.ask("POST", "/v1/events", Some(event)).await.expect(202);
        let shown = gateway.ask("GET", &format!("/v1/events/{}", sent["id"].as_str().unwrap()), None).await.expect(200);
        assert_eq!(shown["data"], data);
    }
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_and_makes_nothing_new() {
    let gateway = Gateway::start().await;
    gateway.endpoint(json!({})).await;
    let send = async |key: Option<&str>, body: &str| {
        let mut request = Request::builder().method("POST").uri("/v1/events");
        request = request.header("authorization", format!("Bearer {ADMIN_KEY}"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        gateway.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };

    let first = send(Some("k1"), r#"{"type": "a", "data": {"x": 1}}"#).await.expect(202);
    gateway.endpoint(json!({})).await;
    let again = send(Some("k1"), r#" {"data": {"x": 1}, "type": "a"} "#).await.expect(200);
    assert_eq!(again, first, "fields in another order are the same request");

    let conflict = send(Some("k1"), r#"{"type": "a", "data": {"x": 2}}"#).await;
    conflict.assert_refused(409, "idempotency_conflict", &["idempotency-key"]);

    let own = send(None, r#"{"id": "e1", "type": "a", "data": 1}"#).await.expect(202);
    assert_eq!(send(None, r#"{"id": "e1", "type": "a", "data": 1}"#).await.expect(200), own);
    send(None, r#"{"id": "e1", "type": "b", "data": 1}"#).await.assert_refused(409, "idempotency_conflict", &["/id"]);

    let longest = "k".repeat(255);
    send(Some(&longest), r#"{"type": "a", "data": 1}"#).await.expect(202);
    for key in ["", " ", &"k".repeat(256)] {
        let refused = send(Some(key), r#"{"type": "a", "data": 1}"#).await;
        refused.assert_refused(422, "invalid_request", &["idempotency-key"]);
    }
    assert_eq!(gateway.inventory().await["events"], 3);
}

#[tokio::test]
async fn the_same_key_in_50_requests_at_once_makes_one_event() {
    let gateway = std::sync::Arc::new(Gateway::start().await);
    gateway.endpoint(json!({})).await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let gateway = gateway.clone();
        requests.spawn(async move {
            let request = Request::builder().method("POST").uri("/v1/events").header("idempotency-key", "once");
            let request = request.header("authorization", format!("Bearer {ADMIN_KEY}"));
            let answer = gateway.send(request.body(Body::from(r#"{"type": "a", "data": 1}"#)).unwrap()).await;
            (answer.status.as_u16(), answer.json())
        });
    }
    let answers = requests.join_all().await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 202).count(), 1);
    assert!(answers.iter().all(|(status, answer)| matches!(status, 200 | 202) && *answer == answers[0].1));
    let inventory = gateway.inventory().await;
    assert_eq!((inventory["events"], inventory["deliveries"]), (1, 1));
}

#[tokio::test]
async fn events_are_listed_newest_first_by_pages_and_filters() {
    let gateway = Gateway::start().await;
    for (index, event_type) in ["a", "b", "a", "a"].into_iter().enumerate() {
        gateway.env.advance(std::time::Duration::from_secs(60));
        let event =
            json!({ "type": event_type, "data": {}, "id": format!("e{index}"), "tenant": format!("t{}", index % 2) });
        gateway.ask("POST", "/v1/events", Some(event)).await.expect(202);
    }
    let ids = async |query: &str| {
        let listed = gateway.ask("GET", &format!("/v1/events{query}"), None).await.expect(200);
        let ids: Vec<String> =
            listed["data"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
        (ids, listed["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(ids("").await, (vec!["e3".into(), "e2".into(), "e1".into(), "e0".into()], None));
    assert_eq!(ids("?type=a&tenant=t0").await.0, ["e2", "e0"]);
    assert_eq!(ids("?since=2026-01-05T09:02:00Z&until=2026-01-05T09:04:00Z").await.0, ["e2", "e1"]);
    let (page, cursor) = ids("?limit=3").await;
    assert_eq!(page, ["e3", "e2", "e1"]);
    let (page, cursor) = ids(&format!("?limit=3&cursor={}", cursor.unwrap())).await;
    assert_eq!((page, cursor), (vec!["e0".to_owned()], None));
}

#[tokio::test]
async fn a_replay_is_a_job() {
    let gateway = Gateway::start().await;
    gateway.endpoint(json!({})).await;
    let sent = gateway.event("a").await;
    let path = format!("/v1/events/{}/replay", sent["id"].as_str().unwrap());
    let job = gateway.ask("POST", &path, None).await.expect(202);
    assert!(job["id"].as_str().unwrap().starts_with("job_"));
    assert_eq!(
        (&job["kind"], &job["status"], &job["done"], &job["failed"]),
        (&json!("replay"), &json!("running"), &json!(0), &json!(0))
    );

    let job_path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(gateway.ask("GET", &job_path, None).await.expect(200), job);
    gateway.ask("DELETE", &job_path, None).await.expect(204);
    assert_eq!(gateway.ask("GET", &job_path, None).await.expect(200)["status"], "cancelled");
    gateway.ask("POST", "/v1/events/nothing/replay", None).await.assert_refused(404, "not_found", &[]);
}
