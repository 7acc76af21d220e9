//! Bad input: every kind has its problem with code and field, and nothing of it is stored.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::gateway::{ADMIN_KEY, Answer, Gateway};

async fn post(gateway: &Gateway, path: &str, media: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request =
        Request::builder().method("POST").uri(path).header("authorization", format!("Bearer {ADMIN_KEY}"));
    if let Some(media) = media {
        request = request.header("content-type", media);
    }
    gateway.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn what_is_not_json_is_told_with_its_place() {
    let gateway = Gateway::start().await;
    let deep = format!(r#"{{"type": "a", "data": {}{}}}"#, "[".repeat(128), "]".repeat(128));
    let deeper = format!(r#"{{"type": "a", "data": {}{}}}"#, "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let bodies: [(Vec<u8>, &str); 9] = [
        (b"".to_vec(), "is empty"),
        (b"{\"type\": \"a\",\n \"data\": }".to_vec(), "line 2 column 10"),
        (b"{\"type\": \"a\", \"data\": 1".to_vec(), "line 1 column 23"),
        (b"{\"type\": \"a\", \"data\": 1} x".to_vec(), "line 1 column 26"),
        (b"{\"type\": \"a\", \"data\": NaN}".to_vec(), "line 1 column 23"),
        (b"{\"type\": \"\xff\", \"data\": 1}".to_vec(), "not UTF-8 at line 1 column 11"),
        (b"{\"type\": \"a\",\n\n \"data\": \"\xc3\x28\"}".to_vec(), "not UTF-8 at line 3 column 11"),
        (deep.into_bytes(), "deeper than 128"),
        (deeper.into_bytes(), "column"),
    ];
    for (body, place) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let refused = post(&gateway, "/v1/events", Some("application/json"), body).await;
        refused.assert_refused(400, "invalid_json", &[]);
        assert!(refused.json()["detail"].as_str().unwrap().contains(place), "{shown}: {}", refused.text);
    }
    assert_eq!(gateway.inventory().await["events"], 0);
}

#[tokio::test]
async fn wrong_fields_of_an_event_are_named() {
    let gateway = Gateway::start().await;
    let long = "x".repeat(200);
    let cases = [
        (json!([]), vec![""]),
        (json!("text"), vec![""]),
        (json!(null), vec![""]),
        (json!({}), vec!["/type", "/data"]),
        (json!({ "type": "a" }), vec!["/data"]),
        (json!({ "data": 1 }), vec!["/type"]),
        (json!({ "type": 5, "data": 1 }), vec!["/type"]),
        (json!({ "type": "", "data": 1 }), vec!["/type"]),
        (json!({ "type": "a..b", "data": 1 }), vec!["/type"]),
        (json!({ "type": "a b", "data": 1 }), vec!["/type"]),
        (json!({ "type": "*", "data": 1 }), vec!["/type"]),
        (json!({ "type": long, "data": 1 }), vec!["/type"]),
        (json!({ "type": "posthaste.endpoint.disabled", "data": 1 }), vec!["/type"]),
        (json!({ "type": "a", "data": 1, "datum": 2 }), vec!["/datum"]),
        (json!({ "type": "a", "data": 1, "a/b": 2 }), vec!["/a~1b"]),
        (json!({ "type": "a", "data": 1, "id": "with.dot" }), vec!["/id"]),
        (json!({ "type": "a", "data": 1, "id": "" }), vec!["/id"]),
        (json!({ "type": "a", "data": 1, "id": long }), vec!["/id"]),
        (json!({ "type": "a", "data": 1, "tenant": "" }), vec!["/tenant"]),
        (json!({ "type": "a", "data": 1, "tenant": long }), vec!["/tenant"]),
        (json!({ "type": "a", "data": 1, "tenant": "a\u{0}b" }), vec!["/tenant"]),
        (json!({ "type": "a", "data": 1, "brand": [] }), vec!["/brand"]),
        (json!({ "type": "a", "data": 1, "workflow": "w" }), vec!["/workflow"]),
        (json!({ "type": "a", "data": 1, "summary": "x".repeat(4097) }), vec!["/summary"]),
        (json!({ "type": "a", "data": 1, "occurred_at": "yesterday" }), vec!["/occurred_at"]),
        (json!({ "type": "a", "data": 1, "occurred_at": 1_700_000_000 }), vec!["/occurred_at"]),
        (json!({ "type": "a", "data": 1, "deliver_at": "2027-01-07T09:00:00Z" }), vec!["/deliver_at"]),
        (json!({ "type": "a", "data": 1, "expires_at": "2026-01-05T09:00:00Z" }), vec!["/expires_at"]),
        (
            json!({ "type": "a", "data": 1, "deliver_at": "2026-01-06T00:00:00Z", "expires_at": "2026-01-06T00:00:00Z" }),
            vec!["/expires_at"],
        ),
        (
            json!({ "type": "a b", "id": "x.y", "tenant": "", "deliver_at": "x", "brand": 1 }),
            vec!["/type", "/data", "/id", "/deliver_at", "/tenant", "/brand"],
        ),
    ];
    for (event, pointers) in cases {
        let refused = gateway.ask("POST", "/v1/events", Some(event.clone())).await;
        assert_eq!(refused.problem(422), "invalid_request", "{event}");
        assert_eq!(refused.pointers(), pointers, "{event}");
    }
    let twice = gateway.ask_raw("POST", "/v1/events", r#"{"type": "a", "data": 1, "type": "b"}"#).await;
    twice.assert_refused(422, "invalid_request", &["/type"]);
    assert_eq!(gateway.inventory().await["events"], 0);
}

#[tokio::test]
async fn too_much_data_is_refused_at_the_dialects_limit() {
    let gateway = Gateway::start().await;
    let event = |bytes: usize| format!(r#"{{"type": "a", "data": "{}"}}"#, "x".repeat(bytes - 2));
    let limit = 1024 * 1024;
    gateway.ask_raw("POST", "/v1/events", event(limit)).await.expect(202);
    gateway.ask_raw("POST", "/v1/events", event(limit + 1)).await.assert_refused(413, "payload_too_large", &["/data"]);
    gateway.ask_raw("POST", "/v1/events", event(2 * limit)).await.assert_refused(413, "payload_too_large", &[]);
    gateway.ask_raw("POST", "/v1/keys", event(limit)).await.assert_refused(413, "payload_too_large", &[]);
    assert_eq!(gateway.inventory().await["events"], 1);
}

#[tokio::test]
async fn bodies_of_other_types_are_refused() {
    let gateway = Gateway::start().await;
    let event = r#"{"type": "a", "data": 1}"#;
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/x-ndjson",
        "application/xml",
        "",
    ] {
        post(&gateway, "/v1/events", Some(media), event).await.assert_refused(415, "unsupported_media_type", &[]);
    }
    // Whichever of its lines says so.
    for codings in [&["gzip"][..], &["identity", "gzip"], &["gzip", "identity"], &["identity, gzip"]] {
        let coded =
            Request::builder().method("POST").uri("/v1/events").header("authorization", format!("Bearer {ADMIN_KEY}"));
        let coded = codings.iter().fold(coded, |coded, coding| coded.header("content-encoding", *coding));
        let refused = gateway.send(coded.body(Body::from(event)).unwrap()).await;
        refused.assert_refused(415, "unsupported_media_type", &[]);
    }
    assert_eq!(gateway.inventory().await["events"], 0);
    for media in
        [None, Some("application/json"), Some("Application/JSON; charset=utf-8"), Some("application/cloudevents+json")]
    {
        post(&gateway, "/v1/events", media, event).await.expect(202);
    }
}

#[tokio::test]
async fn bad_queries_are_named_by_their_parameters() {
    let gateway = Gateway::start().await;
    let cases = [
        ("/v1/events?limit=0", vec!["?limit"]),
        ("/v1/events?limit=251", vec!["?limit"]),
        ("/v1/events?limit=-1", vec!["?limit"]),
        ("/v1/events?limit=ten", vec!["?limit"]),
        ("/v1/events?limit=", vec!["?limit"]),
        ("/v1/events?limit=5&limit=6", vec!["?limit"]),
        ("/v1/events?cursor=nonsense", vec!["?cursor"]),
        ("/v1/events?cursor=", vec!["?cursor"]),
        ("/v1/events?colour=red", vec!["?colour"]),
        ("/v1/events?type=a%20b&since=x&until=y&page=2", vec!["?type", "?since", "?until", "?page"]),
        (
            "/v1/deliveries?status=lost&status_code=9&endpoint=ep_1&event=a.b",
            vec!["?endpoint", "?event", "?status", "?status_code"],
        ),
        ("/v1/endpoints?limit=1000", vec!["?limit"]),
        ("/v1/projects?cursor=%ff", vec!["?cursor"]),
        ("/v1/keys?x=1", vec!["?x"]),
    ];
    for (path, pointers) in cases {
        let refused = gateway.ask("GET", path, None).await;
        assert_eq!(refused.problem(422), "invalid_request", "{path}");
        assert_eq!(refused.pointers(), pointers, "{path}");
    }
    gateway.ask("GET", "/v1/events?limit=250", None).await.expect(200);
    gateway.ask("GET", "/v1/events?limit=1", None).await.expect(200);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_problems_too() {
    let gateway = Gateway::start().await;
    for path in [
        "/",
        "/v1",
        "/v2/events",
        "/v1/events/",
        "/v1/endpoints/ep_1/deliveries/x",
        "/v1/endpoints/%ff",
        "/v1/endpoints/nonsense",
        "/v1/deliveries/1",
        "/v1/jobs/prj_1",
        "/v1/projects/No%20Slug",
        "/v1/events/with.dot",
    ] {
        let refused = gateway.ask("GET", path, None).await;
        assert_eq!(refused.problem(404), "not_found", "{path}");
    }
    for (method, path, allowed) in [
        ("PUT", "/v1/events", "GET,HEAD,POST"),
        ("POST", "/healthz", "GET,HEAD"),
        ("GET", "/v1/events/batch", "POST"),
        ("DELETE", "/v1/deliveries", "GET,HEAD"),
    ] {
        let refused = gateway.ask(method, path, None).await;
        refused.assert_refused(405, "method_not_allowed", &[]);
        assert_eq!(refused.headers["allow"], allowed);
    }
}

#[tokio::test]
async fn a_callers_own_request_id_is_kept_if_it_can_be() {
    let gateway = Gateway::start().await;
    let id_for = async |own: &str| {
        let request = Request::builder().uri("/healthz").header("x-request-id", own).body(Body::empty()).unwrap();
        gateway.send(request).await.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(id_for("trace-1.a_B").await, "trace-1.a_B");
    for own in ["", "two words", "a\"b", &"x".repeat(65)] {
        assert!(id_for(own).await.starts_with("req_"), "{own}");
    }
}
