//! The table: members of schemas and parameters, and what their values have to be.

use dialect::built_in_names;
use model::attempt::FailureKind;
use model::delivery;
use model::job;
use model::key::Scope;
use model::network::Policy;
use model::provider::Provider;
use model::retry::MOST_RETRIES;
use model::subscription::Subscription;
use serde_json::{Value, json};
use web::problem::Code;
use web::query::{LARGEST_PAGE, USUAL_PAGE};

use super::patterns as p;

/// Codes that an operation may answer with `409`.
pub(super) type Conflicts = &'static [(&'static str, &'static [Code])];

/// Members of an endpoint that cannot be changed.
pub(super) const ON_CREATE_ONLY: [&str; 2] = ["secret", "signing"];

/// Operations that answer `409`, and with which codes.
pub(crate) const CONFLICTS: Conflicts = &[
    ("send_event", &[Code::IdempotencyConflict]),
    ("retry_delivery", &[Code::Conflict]),
    ("create_endpoint", &[Code::NotPausable]),
    ("change_endpoint", &[Code::NotEditable, Code::NotPausable]),
    ("pause_endpoint", &[Code::NotPausable]),
    ("resume_endpoint", &[Code::NotPausable]),
    ("rotate_secret", &[Code::Conflict]),
    ("create_hook", &[Code::NotPausable]),
    ("change_hook", &[Code::NotEditable, Code::NotPausable]),
    ("rotate_hook", &[Code::Conflict]),
    ("put_event_type", &[Code::Conflict]),
    ("delete_event_type", &[Code::NotEditable]),
    ("put_dialect", &[Code::Conflict, Code::NotEditable]),
    ("delete_dialect", &[Code::Conflict, Code::NotEditable]),
    ("create_project", &[Code::Conflict]),
    ("change_project", &[Code::Conflict]),
    ("delete_project", &[Code::Conflict]),
    ("cancel_job", &[Code::Conflict]),
];

fn one_of<'v>(values: impl IntoIterator<Item = &'v str>) -> Value {
    json!({ "enum": values.into_iter().collect::<Vec<_>>() })
}

fn text(least: usize, most: usize, pattern: &str) -> Value {
    json!({ "minLength": least, "maxLength": most, "pattern": pattern })
}

fn texts(least: usize, most: usize, items: Value) -> Value {
    let Value::Object(mut item) = items else { return Value::Null };
    item.insert("type".to_owned(), json!("string"));
    json!({ "minItems": least, "maxItems": most, "items": item })
}

fn names() -> Value {
    text(1, 128, p::NAME)
}

fn tenant() -> Value {
    text(1, 128, p::LINE)
}

fn event_type() -> Value {
    text(1, 128, p::TYPE)
}

fn events() -> Value {
    texts(1, Subscription::MOST, text(1, 128, p::TYPES))
}

fn headers() -> Value {
    json!({
        "maxProperties": 50,
        "propertyNames": { "type": "string", "maxLength": 128, "pattern": p::TOKEN },
        "additionalProperties": { "type": "string", "maxLength": 4096, "pattern": p::HEADER_VALUE },
    })
}

fn url(policy: &Policy) -> Value {
    let loopback = std::net::IpAddr::from([127, 0, 0, 1]);
    let pattern = match (policy.allow_http, policy.allowed.iter().any(|range| range.contains(&loopback))) {
        (false, _) => p::URL,
        (true, false) => p::URL_WITH_HTTP,
        (true, true) => p::URL_WITH_LOOPBACK,
    };
    json!({ "format": "uri", "maxLength": 2048, "pattern": pattern })
}

/// By schema and member.
pub(super) fn of_members(policy: &Policy) -> Vec<(&'static str, Value)> {
    let scopes = || texts(1, 64, one_of(Scope::ALL.map(Scope::name)));
    let admins = || texts(0, 20, text(3, 254, p::MAIL));
    let statuses = || one_of(delivery::Status::ALL.map(delivery::Status::name));
    let error_kinds = || one_of(FailureKind::ALL.map(FailureKind::name));
    let providers = || one_of(Provider::ALL.map(Provider::name));
    let endpoint_statuses = || one_of(["active", "paused", "disabled"]);
    let hook_statuses = || one_of(["active", "paused"]);
    let auth_types = || one_of(["none", "bearer", "basic", "api_key"]);
    let signings = || one_of(["hmac-sha256", "ed25519"]);
    let orderings = || one_of(["none", "fifo"]);
    vec![
        ("NewEvent.type", event_type()),
        ("NewEvent.id", json!({ "pattern": p::EVENT_ID })),
        ("NewEvent.tenant", tenant()),
        ("NewEvent.expires_at", json!({ "example": "2099-01-01T00:00:00Z" })),
        // Bytes are counted; a character has at most four.
        ("NewEvent.summary", text(0, 1024, p::TEXT)),
        ("NewEndpoint.url", url(policy)),
        ("NewEndpoint.events", events()),
        ("NewEndpoint.name", tenant()),
        ("NewEndpoint.secret", json!({ "pattern": p::SECRET })),
        ("NewEndpoint.tenant", tenant()),
        ("NewEndpoint.signing", signings()),
        ("NewEndpoint.headers", headers()),
        ("NewEndpoint.provider", providers()),
        ("NewEndpoint.filter", json!({ "minLength": 1, "maxLength": 4096 })),
        ("NewEndpoint.ordering", orderings()),
        ("EndpointChange.url", url(policy)),
        ("EndpointChange.events", events()),
        ("EndpointChange.name", tenant()),
        ("EndpointChange.tenant", tenant()),
        ("EndpointChange.headers", headers()),
        ("EndpointChange.provider", providers()),
        ("EndpointChange.filter", json!({ "minLength": 1, "maxLength": 4096 })),
        ("EndpointChange.ordering", orderings()),
        ("RateLimit.requests", json!({ "minimum": 1, "maximum": 100_000 })),
        ("RateLimit.per", json!({ "pattern": p::UP_TO_A_DAY })),
        ("Retry.schedule", texts(0, MOST_RETRIES, json!({ "pattern": p::SPAN }))),
        ("Recovery.only", one_of(["failed", "missed", "all"])),
        ("Rotation.overlap", json!({ "pattern": p::SPAN })),
        ("Rotation.secret", json!({ "pattern": p::SECRET })),
        ("Test.event_type", json!({ "example": "posthaste.test", "maxLength": 128, "pattern": p::TYPE })),
        ("TemplateTrial.event_type", event_type()),
        ("TemplateTrial.template", json!({ "type": ["object", "array", "string", "number", "boolean"] })),
        ("NewEventType.group", text(0, 128, p::TEXT)),
        ("NewEventType.description", text(0, 2048, p::TEXT)),
        ("NewEventType.schema", json!({ "type": ["object", "boolean", "null"] })),
        ("NewKey.name", names()),
        ("NewKey.scopes", scopes()),
        ("NewProject.name", names()),
        ("NewProject.slug", json!({ "pattern": p::SLUG })),
        ("NewProject.dialect", one_of(built_in_names())),
        ("NewProject.admins", admins()),
        ("NewProject.tenants", one_of(["optional", "required"])),
        ("ProjectChange.tenants", one_of(["optional", "required"])),
        ("Project.tenants", one_of(["optional", "required"])),
        ("ProjectChange.name", names()),
        ("ProjectChange.slug", json!({ "pattern": p::SLUG })),
        ("ProjectChange.dialect", json!({ "pattern": p::DIALECT })),
        ("ProjectChange.admins", admins()),
        ("RetentionChange.contents", json!({ "pattern": p::DAYS_OR_FOREVER })),
        ("RetentionChange.attempt_bodies", json!({ "pattern": p::SPAN_OR_FOREVER })),
        ("NewWebhook.url", url(policy)),
        ("NewWebhook.events", events()),
        ("NewWebhook.brand_id", tenant()),
        ("NewWebhook.headers", headers()),
        ("NewWebhook.auth_type", auth_types()),
        ("NewWebhook.auth_token", text(1, 4096, p::CREDENTIAL)),
        ("NewWebhook.auth_username", text(0, 1024, p::USER)),
        ("NewWebhook.auth_password", text(0, 1024, p::LINE)),
        ("NewWebhook.api_key_header", text(1, 128, p::TOKEN)),
        ("NewWebhook.api_key_value", text(1, 4096, p::CREDENTIAL)),
        ("NewWebhook.signing_secret", text(16, 128, p::VISIBLE)),
        ("NewHook.url", url(policy)),
        ("NewHook.name", tenant()),
        ("NewHook.on", on()),
        ("NewHook.status", hook_statuses()),
        ("HookChange.url", url(policy)),
        ("HookChange.name", tenant()),
        ("HookChange.on", on()),
        ("HookChange.status", hook_statuses()),
        // What is answered.
        ("Endpoint.status", endpoint_statuses()),
        ("Endpoint.signing", signings()),
        ("Endpoint.ordering", orderings()),
        ("Endpoint.provider", providers()),
        ("Endpoint.url", json!({ "format": "uri" })),
        ("Delivery.id", json!({ "format": "uuid" })),
        ("Delivery.status", statuses()),
        ("Delivery.error_kind", error_kinds()),
        ("Delivery.reason", one_of(["expired", "endpoint_deleted"])),
        ("LastDelivery.id", json!({ "format": "uuid" })),
        ("LastDelivery.status", statuses()),
        ("AttemptError.kind", error_kinds()),
        ("Job.kind", one_of(["recover", "replay"])),
        ("Job.status", one_of(job::Status::ALL.map(job::Status::name))),
        ("EventType.source", one_of(["dialect", "project"])),
        ("Key.scopes", scopes()),
        ("CreatedKey.scopes", scopes()),
        ("Cluster.database", one_of(["sqlite", "postgres"])),
        ("Webhook.auth_type", auth_types()),
        ("Webhook.provider", providers()),
        ("Webhook.object", one_of(["webhook"])),
        ("WebhookList.object", one_of(["list"])),
        ("WebhookTest.object", one_of(["webhook_test"])),
        ("Hook.status", hook_statuses()),
        ("Execution.status", one_of(["delivered", "failed", "pending"])),
    ]
}

/// One type, or a list of them.
fn on() -> Value {
    let Value::Object(mut facets) = events() else { return Value::Null };
    if let Value::Object(one) = text(1, 128, p::TYPES) {
        facets.extend(one);
    }
    Value::Object(facets)
}

/// Schemas whose members depend on each other.
pub(super) fn of_schemas() -> Vec<(&'static str, Value)> {
    let string = |facets: Value| {
        let Value::Object(mut facets) = facets else { return Value::Null };
        facets.insert("type".to_owned(), json!("string"));
        Value::Object(facets)
    };
    let kind = |name: &str, members: &[(&str, Value)]| {
        let required: Vec<&str> = ["type"].into_iter().chain(members.iter().map(|(name, _)| *name)).collect();
        let mut properties = json!({ "type": { "type": "string", "enum": [name] } });
        members.iter().for_each(|(name, facets)| properties[*name] = string(facets.clone()));
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
    };
    let credential = || text(1, 4096, p::CREDENTIAL);
    let kinds = [
        kind("none", &[]),
        kind("bearer", &[("token", credential())]),
        kind("basic", &[("username", text(0, 1024, p::USER)), ("password", text(0, 1024, p::LINE))]),
        kind("api_key", &[("header", text(1, 128, p::TOKEN)), ("value", credential())]),
    ];
    let tried_with = [
        json!({ "required": ["event"], "properties": { "event": { "type": "object" }, "event_type": { "type": "null" } } }),
        json!({ "required": ["event_type"], "properties": { "event_type": { "type": "string" }, "event": { "type": "null" } } }),
    ];
    vec![
        // In place of the members of all kinds together.
        (
            "Auth",
            json!({ "oneOf": kinds, "type": null, "properties": null, "required": null, "additionalProperties": null }),
        ),
        ("TemplateTrial", json!({ "oneOf": tried_with })),
        ("Test", json!({ "example": { "event_type": "posthaste.test" } })),
    ]
}

/// Of queries and headers, by name.
pub(super) fn of_parameters() -> Vec<(&'static str, Value)> {
    let time = || json!({ "format": "date-time" });
    vec![
        ("limit", json!({ "minimum": 1, "maximum": LARGEST_PAGE, "default": USUAL_PAGE })),
        ("cursor", json!({ "pattern": p::CURSOR })),
        ("since", time()),
        ("until", time()),
        ("status", one_of(delivery::Status::ALL.map(delivery::Status::name))),
        ("tenant", text(0, 128, p::TEXT)),
        ("name", text(0, 2048, p::TEXT)),
        ("url", text(0, 2048, p::TEXT)),
        ("q", text(0, 2048, p::TEXT)),
        ("metadata.KEY", text(0, 2048, p::TEXT)),
        ("status_code", json!({ "minimum": 100, "maximum": 999 })),
        ("type", event_type()),
        ("event_type", event_type()),
        ("event", json!({ "pattern": p::EVENT_ID })),
        ("endpoint", json!({ "pattern": p::id("ep_") })),
        ("Idempotency-Key", text(1, 255, p::VISIBLE)),
    ]
}

/// Of a query, where the same name has other values than elsewhere.
pub(super) fn of_operation(operation: &str, name: &str) -> Option<Value> {
    match (operation, name) {
        ("list_endpoints", "status") => Some(one_of(["active", "paused", "disabled"])),
        _ => None,
    }
}

/// Of the one parameter of a path.
pub(super) fn of_path(path: &str) -> Option<Value> {
    let id = |prefix: &str| Some(json!({ "pattern": p::id(prefix) }));
    match path.trim_start_matches("/v1").split('/').nth(1)? {
        "endpoints" | "webhooks" | "hooks" => id("ep_"),
        "keys" => id("key_"),
        "jobs" => id("job_"),
        "events" => Some(json!({ "pattern": p::EVENT_ID })),
        "deliveries" => Some(json!({ "format": "uuid" })),
        "event-types" => Some(event_type()),
        "dialects" => Some(json!({ "pattern": p::DIALECT })),
        "projects" => Some(json!({ "pattern": format!("{}|{}", p::SLUG, p::id("prj_")) })),
        _ => None,
    }
}
