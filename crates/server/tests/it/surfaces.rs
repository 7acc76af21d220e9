//! The REST surfaces that dialects list: whom they are served to, and that they are another way in to the same endpoints.

mod hooks;
mod webhooks;

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::http::{Answer, Http};

use crate::gateway::{Gateway, text};

/// A new project that speaks `dialect`, asked with a key of its own.
async fn project_in(gateway: &Gateway, dialect: &str) -> Http {
    let asked = json!({ "name": dialect, "slug": dialect, "dialect": dialect });
    let made = gateway.admin().post("/v1/projects", &asked).await.expect(201);
    Http::new(gateway.url()).key(&text(&made["api_key"]))
}

/// Sends an event of the project and lets it arrive.
async fn send(gateway: &Gateway, http: &Http, event: Value) {
    http.post("/v1/events", &event).await.expect(202);
    gateway.at_rest().await;
}

/// Asks for something that takes no body.
async fn post(http: &Http, path: &str) -> Answer {
    http.send(Method::POST, path, Bytes::new()).await
}

/// The pointers of all that a refusal names, which must have this code.
#[track_caller]
fn pointers(refused: Answer, code: &str) -> Vec<String> {
    let problem = refused.expect(422);
    assert_eq!(problem["code"], code, "{problem:#}");
    problem["errors"].as_array().expect("a list").iter().map(|error| text(&error["pointer"])).collect()
}

/// The names of an object's members.
#[track_caller]
fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}")).keys().map(String::as_str).collect()
}

/// Every path of a surface, with a method that it takes.
fn paths(surface: &str) -> Vec<(Method, String)> {
    let id = "ep_06f3m5q9kx6v0f0v8c9z1k2m3n";
    let mut paths = vec![
        (Method::GET, format!("/{surface}")),
        (Method::POST, format!("/{surface}")),
        (Method::GET, format!("/{surface}/{id}")),
        (Method::GET, format!("/{surface}/what-is-no-id")),
        (Method::DELETE, format!("/{surface}/{id}")),
        (Method::POST, format!("/{surface}/{id}/test")),
    ];
    if surface == "hooks" {
        paths.push((Method::PUT, format!("/hooks/{id}")));
        paths.push((Method::POST, format!("/hooks/{id}/rotate")));
        paths.push((Method::GET, format!("/hooks/{id}/executions")));
    }
    paths
}

#[tokio::test]
async fn a_surface_is_not_there_for_projects_whose_dialect_does_not_list_it() {
    let gateway = Gateway::new().start().await;
    let (standard, trakkr) = (gateway.admin(), project_in(&gateway, "trakkr").await);
    for (http, dialect, surface, serving) in [
        (&standard, "standard", "webhooks", "trakkr"),
        (&standard, "standard", "hooks", "tracktile"),
        (&trakkr, "trakkr", "hooks", "tracktile"),
    ] {
        for (method, path) in paths(surface) {
            let problem = http.send(method.clone(), &path, Bytes::from_static(b"{}")).await.expect(404);
            assert_eq!(problem["code"], "not_found", "{method} {path}");
            let detail = text(&problem["detail"]);
            assert!(detail.contains(dialect) && detail.contains(serving), "{method} {path}: {detail}");
        }
    }
}

#[tokio::test]
async fn a_surface_needs_a_key_that_may_do_what_is_asked() {
    let gateway = Gateway::new().start().await;
    for (dialect, surface) in [("trakkr", "webhooks"), ("tracktile", "hooks")] {
        let owner = project_in(&gateway, dialect).await;
        let may = async |scope: &str| {
            let key = owner.post("/v1/keys", &json!({ "name": scope, "scopes": [scope] })).await.expect(201);
            Http::new(gateway.url()).key(&text(&key["api_key"]))
        };
        let (reader, sender) = (may("read").await, may("events:write").await);
        for (method, path) in paths(surface) {
            let body = || Bytes::from_static(b"{}");
            let nobody = Http::new(gateway.url()).send(method.clone(), &path, body()).await;
            assert_eq!(nobody.expect(401)["code"], "unauthorized", "{method} {path}");
            let other = if method == Method::GET { &sender } else { &reader };
            let refused = other.send(method.clone(), &path, body()).await;
            assert_eq!(refused.expect(403)["code"], "forbidden", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_admin_key_uses_the_surface_of_the_project_that_it_names() {
    let gateway = Gateway::new().start().await;
    project_in(&gateway, "trakkr").await;
    project_in(&gateway, "tracktile").await;
    let admin = |project: &str| gateway.admin().header("posthaste-project", project);
    let asked = json!({ "url": "https://example.com/", "events": ["citation_lost"], "brand_id": "b1" });
    admin("trakkr").post("/webhooks", &asked).await.expect(201);
    let listed = admin("trakkr").get("/webhooks").await.expect(200);
    assert_eq!(listed["data"][0]["url"], "https://example.com/");
    admin("tracktile")
        .post("/hooks", &json!({ "url": "https://example.com/", "on": "order.created" }))
        .await
        .expect(201);
    assert_eq!(admin("tracktile").get("/hooks").await.expect(200)["data"][0]["on"], json!(["order.created"]));
}

#[tokio::test]
async fn what_was_created_on_a_surface_is_an_endpoint_and_the_other_way_round() {
    let gateway = Gateway::new().start().await;
    let trakkr = project_in(&gateway, "trakkr").await;
    let asked = json!({ "url": "https://example.com/a", "events": ["citation_lost"], "brand_id": "b1" });
    let webhook = trakkr.post("/webhooks", &asked).await.expect(201);
    let endpoint = trakkr.get(&format!("/v1/endpoints/{}", text(&webhook["id"]))).await.expect(200);
    assert_eq!((&endpoint["tenant"], &endpoint["events"]), (&json!("b1"), &json!(["citation_lost"])));

    gateway.advance("1s").await;
    let asked = json!({ "url": "https://example.com/b", "events": ["citation_lost"] });
    let endpoint = trakkr.post("/v1/endpoints", &asked).await.expect(201);
    let webhook = trakkr.get(&format!("/webhooks/{}", text(&endpoint["id"]))).await.expect(200);
    assert_eq!((&webhook["url"], &webhook["brand_id"]), (&asked["url"], &Value::Null));
    let listed = trakkr.get("/webhooks").await.expect(200);
    let urls: Vec<&Value> = listed["data"].as_array().expect("a list").iter().map(|one| &one["url"]).collect();
    assert_eq!(urls, ["https://example.com/b", "https://example.com/a"], "newest first");
    assert_eq!(trakkr.get("/webhooks?limit=1").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(pointers(trakkr.get("/webhooks?limit=251&page=2").await, "invalid_request"), ["?limit", "?page"]);
}

#[tokio::test]
async fn another_projects_endpoints_are_not_there() {
    let gateway = Gateway::new().start().await;
    let asked = json!({ "name": "other", "dialect": "tracktile" });
    let made = gateway.admin().post("/v1/projects", &asked).await.expect(201);
    let other = Http::new(gateway.url()).key(&text(&made["api_key"]));
    let hook = json!({ "url": "https://example.com/", "on": "order.created" });
    let theirs = text(&other.post("/hooks", &hook).await.expect(201)["id"]);
    let own = project_in(&gateway, "tracktile").await;
    assert_eq!(own.get("/hooks").await.expect(200)["data"], json!([]));
    for (method, path) in paths("hooks").into_iter().filter(|(_, path)| path != "/hooks") {
        let path = path.replace("ep_06f3m5q9kx6v0f0v8c9z1k2m3n", &theirs);
        let problem = own.send(method.clone(), &path, Bytes::from_static(b"{}")).await.expect(404);
        assert!(text(&problem["detail"]).contains("no hook"), "{method} {path}: {problem}");
    }
    other.get(&format!("/hooks/{theirs}")).await.expect(200);
}
