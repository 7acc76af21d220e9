//! Who may what, for every route there is: a route without a row here fails.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;

use model::id::{DeliveryId, EndpointId, JobId, KeyId};

use crate::gateway::{ADMIN_KEY, Gateway};

/// Scopes that a key of a project can have.
const SCOPES: [&str; 6] = ["events:write", "endpoints:write", "read", "sources:write", "admin", "portal"];

/// Scopes that suffice, each alone. `admin` always does, unless the route is the whole server's.
enum Who {
    Any(&'static [&'static str]),
    /// The server's admin key alone.
    Server,
    /// Whoever asks.
    Everybody,
}

use Who::{Any, Everybody, Server};

#[rustfmt::skip]
const TABLE: &[(&str, Who)] = &[
    ("GET /v1/events",                          Any(&["read"])),
    ("POST /v1/events",                         Any(&["events:write"])),
    ("POST /v1/events/batch",                   Any(&["events:write"])),
    ("GET /v1/events/{id}",                     Any(&["read"])),
    ("POST /v1/events/{id}/replay",             Any(&["events:write"])),
    ("GET /v1/endpoints",                       Any(&["read", "endpoints:write"])),
    ("POST /v1/endpoints",                      Any(&["endpoints:write"])),
    ("GET /v1/endpoints/{id}",                  Any(&["read", "endpoints:write"])),
    ("PATCH /v1/endpoints/{id}",                Any(&["endpoints:write"])),
    ("DELETE /v1/endpoints/{id}",               Any(&["endpoints:write"])),
    ("POST /v1/endpoints/{id}/pause",           Any(&["endpoints:write"])),
    ("POST /v1/endpoints/{id}/resume",          Any(&["endpoints:write"])),
    ("POST /v1/endpoints/{id}/test",            Any(&["endpoints:write"])),
    ("POST /v1/endpoints/{id}/rotate-secret",   Any(&["endpoints:write"])),
    ("POST /v1/endpoints/{id}/recover",         Any(&["endpoints:write"])),
    ("GET /v1/endpoints/{id}/deliveries",       Any(&["read"])),
    ("GET /v1/deliveries",                      Any(&["read"])),
    ("GET /v1/deliveries/{id}",                 Any(&["read"])),
    ("POST /v1/deliveries/{id}/retry",          Any(&["endpoints:write"])),
    ("GET /v1/dialects",                        Any(&["read"])),
    ("GET /v1/dialects/{name}",                 Any(&["read"])),
    ("PUT /v1/dialects/{name}",                 Any(&["admin"])),
    ("DELETE /v1/dialects/{name}",              Any(&["admin"])),
    ("GET /v1/event-types",                     Any(&["read"])),
    ("GET /v1/event-types/{name}",              Any(&["read"])),
    ("PUT /v1/event-types/{name}",              Any(&["admin"])),
    ("DELETE /v1/event-types/{name}",           Any(&["admin"])),
    ("POST /v1/templates/preview",              Any(&["endpoints:write"])),
    ("GET /v1/jobs",                            Any(&["read"])),
    ("GET /v1/jobs/{id}",                       Any(&["read"])),
    ("DELETE /v1/jobs/{id}",                    Any(&["endpoints:write"])),
    ("GET /v1/projects",                        Server),
    ("POST /v1/projects",                       Server),
    ("GET /v1/projects/{id}",                   Any(&["read"])),
    ("PATCH /v1/projects/{id}",                 Any(&["admin"])),
    ("DELETE /v1/projects/{id}",                Server),
    ("GET /v1/keys",                            Any(&["admin"])),
    ("POST /v1/keys",                           Any(&["admin"])),
    ("GET /v1/keys/{id}",                       Any(&["admin"])),
    ("DELETE /v1/keys/{id}",                    Any(&["admin"])),
    ("GET /webhooks",                           Any(&["read", "endpoints:write"])),
    ("POST /webhooks",                          Any(&["endpoints:write"])),
    ("GET /webhooks/{id}",                      Any(&["read", "endpoints:write"])),
    ("DELETE /webhooks/{id}",                   Any(&["endpoints:write"])),
    ("POST /webhooks/{id}/test",                Any(&["endpoints:write"])),
    ("GET /hooks",                              Any(&["read", "endpoints:write"])),
    ("POST /hooks",                             Any(&["endpoints:write"])),
    ("GET /hooks/{id}",                         Any(&["read", "endpoints:write"])),
    ("PUT /hooks/{id}",                         Any(&["endpoints:write"])),
    ("DELETE /hooks/{id}",                      Any(&["endpoints:write"])),
    ("POST /hooks/{id}/rotate",                 Any(&["endpoints:write"])),
    ("POST /hooks/{id}/test",                   Any(&["endpoints:write"])),
    ("GET /hooks/{id}/executions",              Any(&["read"])),
    ("GET /v1/cluster",                         Server),
    ("GET /healthz",                            Everybody),
    ("GET /readyz",                             Everybody),
    ("GET /openapi.json",                       Any(&["read"])),
    ("GET /docs",                               Everybody),
];

/// All routes, as the document has them: a test beside the table of routes holds the two against each other.
fn routes() -> BTreeSet<String> {
    let document = api::openapi();
    let paths = document.as_value()["paths"].as_object().unwrap();
    let methods = |path: &String, methods: &serde_json::Value| {
        let methods: Vec<_> = methods.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.into_iter().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    paths.iter().flat_map(|(path, operations)| methods(path, operations)).collect()
}

#[test]
fn every_route_has_a_row() {
    let rows: BTreeSet<String> = TABLE.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(rows.len(), TABLE.len(), "a route stands here once");
    assert_eq!(rows, routes());
}

/// A path that leads to things which a project may well have, if it had any of that id.
fn filled(path: &str) -> String {
    let bytes = [1; 16];
    let id = match path {
        path if path.starts_with("/v1/projects") => "default".to_owned(),
        path if path.contains("deliveries/{id}") => DeliveryId::from_bytes(bytes).to_string(),
        path if path.starts_with("/v1/events") => "evt_1".to_owned(),
        path if path.starts_with("/v1/jobs") => JobId::from_bytes(bytes).to_string(),
        path if path.starts_with("/v1/keys") => KeyId::from_bytes(bytes).to_string(),
        _ => EndpointId::from_bytes(bytes).to_string(),
    };
    path.replace("{id}", &id).replace("{name}", "acme")
}

async fn status(gateway: &Gateway, key: Option<&str>, method: &str, path: &str) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    // Nobody gets further than to be told that this is not what the route takes.
    let body = if method == "GET" || method == "DELETE" { Body::empty() } else { Body::from("[]") };
    let answer = gateway.send(request.body(body).unwrap()).await;
    (answer.status.as_u16(), answer.text)
}

#[tokio::test]
async fn a_key_may_what_its_row_says_and_nothing_else() {
    let gateway = Gateway::start().await;
    let both = "[routes]\nsurfaces = ['webhooks', 'hooks']\n[endpoints]\ntenant = 'brand'\n";
    let put = Request::put("/v1/dialects/both")
        .header("authorization", format!("Bearer {ADMIN_KEY}"))
        .header("content-type", "application/toml");
    gateway.send(put.body(Body::from(both)).unwrap()).await.expect(201);
    let named = serde_json::json!({ "dialect": "both" });
    gateway.ask("PATCH", "/v1/projects/default", Some(named)).await.expect(200);
    let mut keys = Vec::new();
    for scope in SCOPES {
        keys.push((scope, gateway.key(&[scope]).await));
    }
    for (route, who) in TABLE {
        let (method, path) = route.split_once(' ').unwrap();
        let path = filled(path);
        for (scope, key) in &keys {
            let may = match who {
                Any(scopes) => scopes.contains(scope) || *scope == "admin",
                Server => false,
                Everybody => true,
            };
            let (status, text) = status(&gateway, Some(key), method, &path).await;
            assert_eq!(status != 403, may, "{route} with {scope}: {status} {text}");
            assert_ne!(status, 401, "{route} with {scope}");
            assert!(status < 500, "{route} with {scope}: {text}");
        }
        let (status, text) = status(&gateway, None, method, &path).await;
        let open = matches!(who, Everybody) || *route == "GET /openapi.json";
        assert_eq!(status == 401, !open, "{route} without a key: {status} {text}");
    }
}
