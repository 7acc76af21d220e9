//! Projects and keys: who may do what, and where.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::gateway::{ADMIN_KEY, Answer, Gateway};

#[tokio::test]
async fn a_project_comes_with_a_key_that_implies_it() {
    let gateway = Gateway::start().await;
    let made = gateway.ask("POST", "/v1/projects", Some(json!({ "name": "Acme & Söhne" }))).await.expect(201);
    assert_eq!(
        (&made["slug"], &made["dialect"], &made["name"]),
        (&json!("acme-s-hne"), &json!("standard"), &json!("Acme & Söhne"))
    );
    let key = made["api_key"].as_str().unwrap();
    assert_eq!((key.len(), &key[..3]), (55, "ph_"));

    gateway.ask_as(key, "POST", "/v1/endpoints", Some(json!({ "url": "https://example.com/" }))).await.expect(201);
    assert_eq!(
        gateway.ask_as(key, "GET", "/v1/endpoints", None).await.expect(200)["data"].as_array().unwrap().len(),
        1
    );
    assert_eq!(
        gateway.ask("GET", "/v1/endpoints", None).await.expect(200)["data"],
        json!([]),
        "the admin looks at default"
    );
    let shown = gateway.ask_as(key, "GET", "/v1/projects/acme-s-hne", None).await;
    assert!(!shown.text.contains("ph_"));
    assert_eq!(shown.expect(200)["id"], made["id"]);
}

#[tokio::test]
async fn what_is_answered_to_the_holder_of_a_key_is_no_caches_to_keep() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({})).await["id"].as_str().unwrap().to_owned();
    for (method, path, body) in [
        ("POST", "/v1/projects".to_owned(), Some(json!({ "name": "Acme" }))),
        ("POST", "/v1/keys".to_owned(), Some(json!({ "name": "k", "scopes": ["read"] }))),
        ("POST", "/v1/endpoints".to_owned(), Some(json!({ "url": "https://example.com/" }))),
        ("POST", format!("/v1/endpoints/{endpoint}/rotate-secret"), None),
        ("GET", format!("/v1/endpoints/{endpoint}"), None),
        ("GET", "/v1/events".to_owned(), None),
        ("GET", "/v1/events/none".to_owned(), None),
    ] {
        let answer = gateway.ask(method, &path, body).await;
        assert_eq!(answer.headers["cache-control"], "no-store", "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn slugs_are_taken_once_and_dialects_must_exist() {
    let gateway = Gateway::start().await;
    let make = async |body: Value| gateway.ask("POST", "/v1/projects", Some(body)).await;
    make(json!({ "name": "Acme" })).await.expect(201);
    make(json!({ "name": "Other", "slug": "acme" })).await.assert_refused(409, "conflict", &["/slug"]);
    make(json!({ "name": "Acme" })).await.assert_refused(409, "conflict", &["/slug"]);
    make(json!({ "name": "日本" })).await.assert_refused(422, "invalid_request", &["/slug"]);
    make(json!({ "slug": "Big Letters", "dialect": "klingon" })).await.assert_refused(
        422,
        "invalid_request",
        &["/name", "/slug", "/dialect"],
    );
    make(json!({ "name": " " })).await.assert_refused(422, "invalid_request", &["/name"]);
    assert_eq!(gateway.inventory().await["projects"], 2);
}

#[tokio::test]
async fn a_project_is_changed_and_deleted_but_default_stays() {
    let gateway = Gateway::start().await;
    let (id, key) = gateway.project("Acme").await;
    let path = format!("/v1/projects/{id}");
    let changed =
        gateway.ask_as(&key, "PATCH", &path, Some(json!({ "name": "Acme Inc.", "slug": "inc" }))).await.expect(200);
    assert_eq!((&changed["name"], &changed["slug"], &changed["id"]), (&json!("Acme Inc."), &json!("inc"), &json!(id)));
    gateway.ask("PATCH", &path, Some(json!({ "slug": "default" }))).await.assert_refused(409, "conflict", &["/slug"]);
    gateway.ask("PATCH", &path, Some(json!({ "dialect": "klingon" }))).await.assert_refused(
        422,
        "invalid_request",
        &["/dialect"],
    );
    gateway.ask("PATCH", "/v1/projects/default", Some(json!({ "slug": "other" }))).await.assert_refused(
        409,
        "conflict",
        &[],
    );
    gateway.ask("DELETE", "/v1/projects/default", None).await.assert_refused(409, "conflict", &[]);
    gateway.ask_as(&key, "DELETE", &path, None).await.assert_refused(403, "forbidden", &[]);
    gateway.ask("DELETE", "/v1/projects/inc", None).await.expect(204);
    gateway.ask("DELETE", &path, None).await.assert_refused(404, "not_found", &[]);
    gateway.ask_as(&key, "GET", "/v1/events", None).await.assert_refused(401, "unauthorized", &[]);
}

async fn with_headers(gateway: &Gateway, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method("GET").uri("/v1/endpoints");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    gateway.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_request_without_a_valid_key_is_refused() {
    let gateway = Gateway::start().await;
    for headers in [
        vec![],
        vec![("authorization", "Bearer wrong")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", "Bearer")],
        vec![("authorization", ADMIN_KEY)],
        vec![("authorization", "Basic dGhlIGFkbWluIGtleQ==")],
        vec![("authorization", "Bearer schlüssel")],
    ] {
        let refused = with_headers(&gateway, &headers).await;
        refused.assert_refused(401, "unauthorized", &[]);
        assert!(refused.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{headers:?}");
    }
    let bearer = format!("bearer {ADMIN_KEY}");
    with_headers(&gateway, &[("authorization", &bearer)]).await.expect(200);
}

#[tokio::test]
async fn the_admin_key_names_its_project_and_a_projects_key_has_one() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.project("Acme").await;
    let (admin, own) = (format!("Bearer {ADMIN_KEY}"), format!("Bearer {key}"));
    with_headers(&gateway, &[("authorization", &admin), ("posthaste-project", "acme")]).await.expect(200);
    for unknown in ["nothing", "Not A Slug", ""] {
        let refused = with_headers(&gateway, &[("authorization", &admin), ("posthaste-project", unknown)]).await;
        refused.assert_refused(404, "not_found", &[]);
    }
    with_headers(&gateway, &[("authorization", &own), ("posthaste-project", "acme")]).await.expect(200);
    let refused = with_headers(&gateway, &[("authorization", &own), ("posthaste-project", "default")]).await;
    refused.assert_refused(403, "forbidden", &[]);
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_the_refusal_names_what_is_needed() {
    let gateway = Gateway::start().await;
    let scopes = ["events:write", "endpoints:write", "read", "admin"];
    let mut keys = Vec::new();
    for scope in scopes {
        keys.push(gateway.key(&[scope]).await);
    }
    let endpoint = gateway.endpoint(json!({})).await;
    let own = |action: &str| format!("/v1/endpoints/{}{action}", endpoint["id"].as_str().unwrap());
    let event = json!({ "type": "a", "data": 1 });
    let asked = [
        ("POST", "/v1/events".to_owned(), Some(event.clone()), 0),
        ("POST", "/v1/events/batch".into(), Some(json!([event])), 0),
        ("POST", "/v1/endpoints".into(), Some(json!({ "url": "https://example.com" })), 1),
        ("PATCH", own(""), Some(json!({})), 1),
        ("POST", own("/pause"), None, 1),
        ("POST", own("/resume"), None, 1),
        ("POST", own("/rotate-secret"), None, 1),
        ("POST", own("/recover"), Some(json!({ "since": "2026-01-01T00:00:00Z" })), 1),
        ("GET", own("/deliveries"), None, 2),
        ("GET", "/v1/events".into(), None, 2),
        ("GET", "/v1/deliveries".into(), None, 2),
        ("GET", "/v1/projects/default".into(), None, 2),
        ("GET", "/v1/keys".into(), None, 3),
        ("POST", "/v1/keys".into(), Some(json!({ "name": "k", "scopes": ["read"] })), 3),
        ("PATCH", "/v1/projects/default".into(), Some(json!({})), 3),
    ];
    for (method, path, body, needed) in asked {
        for (index, key) in keys.iter().enumerate() {
            let answer = gateway.ask_as(key, method, &path, body.clone()).await;
            if index == needed || scopes[index] == "admin" {
                assert!(answer.status.is_success(), "{method} {path} with {}: {}", scopes[index], answer.text);
            } else {
                answer.assert_refused(403, "forbidden", &[]);
                assert!(answer.text.contains(scopes[needed]), "{}", answer.text);
            }
        }
    }
    for path in [own(""), "/v1/endpoints".into()] {
        for (key, scope) in keys.iter().zip(scopes) {
            let answer = gateway.ask_as(key, "GET", &path, None).await;
            assert_eq!(answer.status.is_success(), scope != "events:write", "{path} with {scope}: {}", answer.text);
        }
    }
    for key in &keys {
        gateway.ask_as(key, "GET", "/v1/projects", None).await.assert_refused(403, "forbidden", &[]);
        gateway.ask_as(key, "POST", "/v1/projects", Some(json!({ "name": "x" }))).await.assert_refused(
            403,
            "forbidden",
            &[],
        );
    }
}

#[tokio::test]
async fn a_wrong_scope_is_told_before_the_body_is_looked_at() {
    let gateway = Gateway::start().await;
    let key = gateway.key(&["read"]).await;
    gateway.ask_as(&key, "POST", "/v1/events", Some(json!("nonsense"))).await.assert_refused(403, "forbidden", &[]);
}

#[tokio::test]
async fn another_projects_things_are_not_found() {
    let gateway = Gateway::start().await;
    let (other, key) = gateway.project("Acme").await;
    let endpoint = gateway.endpoint(json!({})).await;
    let event = gateway.event("a").await;
    let delivery = gateway.ask("GET", "/v1/deliveries", None).await.expect(200)["data"][0].clone();
    let made = gateway.ask("POST", "/v1/keys", Some(json!({ "name": "k", "scopes": ["read"] }))).await.expect(201);
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let job = gateway.ask("POST", &format!("/v1/events/{}/replay", id(&event)), None).await.expect(202);
    let default = gateway.ask("GET", "/v1/projects/default", None).await.expect(200);
    let before = gateway.inventory().await;
    let of_endpoint = |action: &str| format!("/v1/endpoints/{}{action}", id(&endpoint));
    for (method, path, body) in [
        ("GET", of_endpoint(""), None),
        ("PATCH", of_endpoint(""), Some(json!({ "name": "mine" }))),
        ("DELETE", of_endpoint(""), None),
        ("POST", of_endpoint("/pause"), None),
        ("POST", of_endpoint("/resume"), None),
        ("POST", of_endpoint("/test"), None),
        ("POST", of_endpoint("/rotate-secret"), None),
        ("POST", of_endpoint("/recover"), Some(json!({ "since": "2026-01-01T00:00:00Z" }))),
        ("GET", of_endpoint("/deliveries"), None),
        ("GET", format!("/v1/events/{}", id(&event)), None),
        ("POST", format!("/v1/events/{}/replay", id(&event)), None),
        ("GET", format!("/v1/deliveries/{}", id(&delivery)), None),
        ("POST", format!("/v1/deliveries/{}/retry", id(&delivery)), None),
        ("GET", format!("/v1/jobs/{}", id(&job)), None),
        ("DELETE", format!("/v1/jobs/{}", id(&job)), None),
        ("GET", format!("/v1/keys/{}", id(&made)), None),
        ("DELETE", format!("/v1/keys/{}", id(&made)), None),
        ("GET", format!("/v1/projects/{}", id(&default)), None),
        ("PATCH", "/v1/projects/default".to_owned(), Some(json!({ "name": "mine" }))),
    ] {
        let refused = gateway.ask_as(&key, method, &path, body).await;
        assert_eq!(refused.problem(404), "not_found", "{method} {path}");
    }
    for list in ["events", "deliveries", "endpoints"] {
        assert_eq!(gateway.ask_as(&key, "GET", &format!("/v1/{list}"), None).await.expect(200)["data"], json!([]));
    }
    assert_eq!(gateway.inventory().await, before);
    gateway.ask_as(&key, "GET", &format!("/v1/projects/{other}"), None).await.expect(200);
}

#[tokio::test]
async fn a_key_is_shown_once_and_works_until_it_is_revoked() {
    let gateway = Gateway::start().await;
    let body = json!({ "name": "ci", "scopes": ["events:write", "read", "read"] });
    let made = gateway.ask("POST", "/v1/keys", Some(body)).await.expect(201);
    assert_eq!(made["scopes"], json!(["events:write", "read"]));
    let (id, key) = (made["id"].as_str().unwrap(), made["api_key"].as_str().unwrap());
    let listed = gateway.ask("GET", "/v1/keys", None).await;
    assert!(!listed.text.contains(key));
    assert_eq!(listed.expect(200)["data"][0]["id"], id);
    assert_eq!(gateway.ask("GET", &format!("/v1/keys/{id}"), None).await.expect(200)["name"], "ci");

    gateway.ask_as(key, "GET", "/v1/events", None).await.expect(200);
    gateway.ask("DELETE", &format!("/v1/keys/{id}"), None).await.expect(204);
    gateway.ask_as(key, "GET", "/v1/events", None).await.assert_refused(401, "unauthorized", &[]);
    gateway.ask("DELETE", &format!("/v1/keys/{id}"), None).await.assert_refused(404, "not_found", &[]);

    let refused = gateway.ask("POST", "/v1/keys", Some(json!({ "scopes": ["read", "everything"] }))).await;
    refused.assert_refused(422, "invalid_request", &["/name", "/scopes/1"]);
    gateway.ask("POST", "/v1/keys", Some(json!({ "name": "k", "scopes": [] }))).await.assert_refused(
        422,
        "invalid_request",
        &["/scopes"],
    );
}
