//! What is there for everybody: health, readiness, the reference.

use testkit::http::Http;

use crate::gateway::{Gateway, text};

#[tokio::test]
async fn health_readiness_and_the_reference_need_no_key() {
    let gateway = Gateway::new().start().await;
    let stranger = Http::new(gateway.url());
    for path in ["/healthz", "/readyz"] {
        assert_eq!(stranger.get(path).await.status, 200, "{path}");
    }
    let document = stranger.get("/openapi.json").await.expect(200);
    assert!(text(&document["openapi"]).starts_with("3.1"));
    for (path, methods) in [
        ("/v1/projects", &["post", "get"][..]),
        ("/v1/projects/{id}", &["get", "patch", "delete"]),
        ("/v1/keys", &["post", "get"]),
        ("/v1/keys/{id}", &["get", "delete"]),
        ("/v1/events", &["post", "get"]),
        ("/v1/events/batch", &["post"]),
        ("/v1/events/{id}", &["get"]),
        ("/v1/events/{id}/replay", &["post"]),
        ("/v1/endpoints", &["post", "get"]),
        ("/v1/endpoints/{id}", &["get", "patch", "delete"]),
        ("/v1/endpoints/{id}/pause", &["post"]),
        ("/v1/endpoints/{id}/resume", &["post"]),
        ("/v1/endpoints/{id}/test", &["post"]),
        ("/v1/endpoints/{id}/rotate-secret", &["post"]),
        ("/v1/endpoints/{id}/recover", &["post"]),
        ("/v1/endpoints/{id}/deliveries", &["get"]),
        ("/v1/deliveries", &["get"]),
        ("/v1/deliveries/{id}", &["get"]),
        ("/v1/deliveries/{id}/retry", &["post"]),
        ("/v1/jobs/{id}", &["get", "delete"]),
        ("/healthz", &["get"]),
        ("/readyz", &["get"]),
    ] {
        for method in methods {
            assert!(document["paths"][path][method].is_object(), "{method} {path} is not described");
        }
    }
    let docs = stranger.get("/docs").await;
    assert_eq!(docs.status, 200);
    assert!(docs.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert!(docs.text().contains("/v1/events"));
}

#[tokio::test]
async fn every_answer_in_the_reference_is_json_and_every_problem_has_a_place_to_read_on() {
    let gateway = Gateway::new().start().await;
    let answer = gateway.admin().get("/v1/endpoints/ep_x").await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    let page = text(&problem["type"]);
    let path = page.split('#').next().expect("a path").trim_start_matches(&gateway.url()).to_owned();
    assert_eq!(gateway.admin().get(&path).await.status, 200, "{page} leads nowhere");
    assert_eq!(answer.header("x-request-id"), problem["request_id"].as_str());
}
