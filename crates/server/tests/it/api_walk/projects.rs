//! Projects and their keys.

use serde_json::json;
use testkit::http::Http;

use super::{has_members, is_id};
use crate::gateway::{Gateway, list, text};

#[tokio::test]
async fn projects_are_made_shown_changed_and_deleted() {
    let gateway = Gateway::new().start().await;
    let admin = gateway.admin();
    let made = admin.post("/v1/projects", &json!({ "name": "Acme Shop", "dialect": "standard" })).await.expect(201);
    has_members(&made, &["id", "slug", "name", "dialect", "api_key"]);
    is_id(&made["id"], "prj_");
    assert_eq!((&made["name"], &made["dialect"]), (&json!("Acme Shop"), &json!("standard")));
    let (slug, key) = (text(&made["slug"]), text(&made["api_key"]));
    assert!(!slug.is_empty() && !slug.contains(' '), "{slug}");

    let path = format!("/v1/projects/{}", text(&made["id"]));
    let shown = admin.get(&path).await.expect(200);
    assert_eq!((&shown["slug"], &shown["name"]), (&made["slug"], &made["name"]));
    assert!(!admin.get(&path).await.text().contains(&key), "the key is shown once");
    assert!(!admin.get("/v1/projects").await.text().contains(&key), "the key is shown once");

    let changed = admin.patch(&path, &json!({ "name": "Acme" })).await.expect(200);
    assert_eq!((&changed["name"], &changed["slug"]), (&json!("Acme"), &made["slug"]));
    let taken = admin.post("/v1/projects", &json!({ "name": "Another", "slug": slug })).await.expect(409);
    assert_eq!(taken["code"], "conflict");

    let own = Http::new(gateway.url()).key(&key);
    own.post("/v1/events", &json!({ "type": "a", "data": {} })).await.expect(202);
    assert_eq!(list(&admin.clone().header("posthaste-project", &slug), "/v1/events").await.len(), 1);
    assert_eq!(list(&admin, "/v1/events").await.len(), 0, "the admin's project is `default` unless another is named");

    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(own.get("/v1/events").await.expect(401)["code"], "unauthorized");
}

#[tokio::test]
async fn the_default_project_is_there_and_speaks_standard() {
    let gateway = Gateway::new().start().await;
    let projects = list(&gateway.admin(), "/v1/projects").await;
    assert_eq!(projects.len(), 1);
    assert_eq!((&projects[0]["slug"], &projects[0]["dialect"]), (&json!("default"), &json!("standard")));
}

#[tokio::test]
async fn keys_are_made_shown_without_their_secret_and_revoked() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let scopes = json!(["events:write", "endpoints:write", "read", "sources:write", "admin", "portal"]);
    let made = project.http.post("/v1/keys", &json!({ "name": "all", "scopes": scopes })).await.expect(201);
    has_members(&made, &["id", "name", "scopes", "api_key"]);
    is_id(&made["id"], "key_");
    assert_eq!((&made["name"], &made["scopes"]), (&json!("all"), &scopes));
    let secret = text(&made["api_key"]);

    let path = format!("/v1/keys/{}", text(&made["id"]));
    for path in [&path, "/v1/keys"] {
        let answer = project.http.get(path).await;
        assert!(answer.status == 200 && answer.text().contains(&text(&made["id"])), "{}", answer.text());
        assert!(!answer.text().contains(&secret) && !answer.text().contains("api_key"), "{}", answer.text());
    }
    let own = Http::new(gateway.url()).key(&secret);
    assert_eq!(own.get("/v1/events").await.status, 200);
    project.http.delete(&path).await.expect(204);
    assert_eq!(own.get("/v1/events").await.expect(401)["code"], "unauthorized");
    assert_eq!(project.http.get(&path).await.status, 404);
}
