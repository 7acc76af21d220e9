//! A project's event types as `webhooks` of its OpenAPI document: each with the request that its example really makes.

use std::sync::Arc;

use dialect::Dialect;
use dialect::catalogue::Known;
use dialect::renderer::{Message, Renderer};
use model::delivery::Due;
use model::endpoint::{Endpoint, Settings, Status};
use model::event::Event;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::json::Json;
use model::secret::{Form, Secret, Secrets, Signing};
use model::time::Timestamp;
use model::url::EndpointUrl;
use rules::events::fit::brand_of;
use serde_json::{Map, Value, json};

/// 2026-01-31T09:30:00Z
const AT: Timestamp = Timestamp::from_millis(1_769_851_800_000);
/// Anybody's: for examples only.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SEED: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TEXT: &str = "an-example-secret";
const TENANT: &str = "customer_42";

/// What says nothing that is the dialect's own, or that OpenAPI says elsewhere.
const USUAL: [&str; 2] = ["content-type", "user-agent"];

/// One entry a type. `None` if the project has no catalogue.
pub(super) fn webhooks(project: ProjectId, dialect: &Arc<Dialect>) -> Option<Value> {
    let entries: Map<String, Value> =
        dialect.catalogue.types().map(|known| (name(known), webhook(project, known, dialect))).collect();
    (!entries.is_empty()).then_some(Value::Object(entries))
}

/// The groups of a catalogue, each once, as tags.
pub(super) fn groups(dialect: &Dialect) -> impl Iterator<Item = &str> {
    let mut seen = std::collections::HashSet::new();
    dialect
        .catalogue
        .types()
        .filter_map(|known| known.event_type.group.as_deref())
        .filter(move |group| seen.insert(*group))
}

fn name(known: &Known) -> String {
    known.event_type.name.as_str().to_owned()
}

/// Percent-encoded (RFC 3986, section 2.1).
fn in_uri(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn webhook(project: ProjectId, known: &Known, dialect: &Arc<Dialect>) -> Value {
    let event_type = &known.event_type;
    let said = say(project, known, event_type.example.clone(), dialect);
    let mut post = json!({
        "summary": name(known),
        "operationId": format!("webhook_{}", name(known)),
        "security": [{}],
        "responses": responses(dialect),
    });
    if let Some(description) = &event_type.description {
        post["description"] = json!(description.trim());
    }
    if let Some(group) = &event_type.group {
        post["tags"] = json!([group]);
    }
    match said {
        Ok(message) => {
            post["parameters"] =
                message.headers.iter().filter(|header| !USUAL.contains(&&*header.name)).map(header).collect();
            post["requestBody"] = body(project, known, &message, dialect);
        }
        // An example that the dialect cannot speak of, say with a line break where a header shows it.
        Err(reason) => {
            let description = format!("The example cannot be sent: {reason}");
            post["requestBody"] = json!({ "description": description, "content": {} });
        }
    }
    json!({ "post": post })
}

fn header(header: &dialect::renderer::Header) -> Value {
    json!({
        "name": &*header.name, "in": "header", "required": true,
        "schema": { "type": "string" }, "example": &*header.value,
    })
}

fn responses(dialect: &Dialect) -> Value {
    let mut responses = json!({
        "2XX": { "description": "Acknowledged: it is not sent again." },
        "default": { "description": "Not acknowledged: it is sent again later, as the dialect's schedule says." },
    });
    for status in &dialect.disable.on_status {
        let description = "Never again: the endpoint is disabled.";
        responses[status.to_string()] = json!({ "description": description });
    }
    for status in &dialect.retry.retry_after.on {
        let description = "Later: not before `Retry-After`, where that is given.";
        responses[status.to_string()] = json!({ "description": description });
    }
    responses
}

fn body(project: ProjectId, known: &Known, message: &Message, dialect: &Arc<Dialect>) -> Value {
    let media =
        message.headers.iter().find(|header| *header.name == *"content-type").map(|header| header.value.to_string());
    let mut content = json!({ "schema": schema(project, known, message, dialect) });
    if known.event_type.example.is_some() {
        content["example"] = value(&message.body);
    }
    let media = media.unwrap_or_else(|| "application/json".to_owned());
    json!({ "required": true, "content": { media: content } })
}

/// The body's schema: its members as the example has them and, where the data stands, the type's own schema.
fn schema(project: ProjectId, known: &Known, message: &Message, dialect: &Arc<Dialect>) -> Value {
    let data =
        known.event_type.example.as_ref().map_or_else(|| json!({}), |example| value(example.as_str().as_bytes()));
    let of_data = schema_of_data(known);
    if !dialect.spreads_data() {
        return shape(&value(&message.body), Some((&data, &of_data)));
    }
    // Without its members the rest is what stands beside them.
    let envelope = say(project, known, Some(Json::trusted("{}")), dialect).map(|message| value(&message.body));
    json!({ "allOf": [shape(&envelope.unwrap_or_default(), None), of_data] })
}

fn schema_of_data(known: &Known) -> Value {
    let Some(schema) = &known.event_type.schema else {
        return json!({ "description": "The event's data." });
    };
    let mut schema = value(schema.as_str().as_bytes());
    // Its references are into itself, so it has to be a document of its own within this one.
    if let Value::Object(members) = &mut schema
        && schema_refers(known)
    {
        members
            .entry("$id")
            .or_insert_with(|| json!(format!("urn:posthaste:event-type:{}", in_uri(known.event_type.name.as_str()))));
    }
    schema
}

fn schema_refers(known: &Known) -> bool {
    known.event_type.schema.as_ref().is_some_and(|schema| schema.as_str().contains("\"$ref\""))
}

/// A schema of values that look like this one.
fn shape(value: &Value, data: Option<(&Value, &Value)>) -> Value {
    if let Some((data, of_data)) = data
        && value == data
    {
        return of_data.clone();
    }
    match value {
        Value::Object(members) => {
            let properties: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), shape(value, data))).collect();
            json!({ "type": "object", "required": members.keys().collect::<Vec<_>>(), "properties": properties })
        }
        Value::Array(_) => json!({ "type": "array" }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Number(_) => json!({ "type": "number" }),
        Value::Bool(_) => json!({ "type": "boolean" }),
        // What is missing from the example may be there another time.
        Value::Null => json!({}),
    }
}

fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_default()
}

/// What an endpoint would be sent.
fn say(project: ProjectId, known: &Known, data: Option<Json>, dialect: &Arc<Dialect>) -> Result<Message, String> {
    let tenant = dialect.endpoints.tenant.as_ref().map(|_| TENANT.to_owned());
    let event = Event {
        brand: tenant.as_deref().map(brand_of),
        tenant,
        summary: known.summary(),
        ..Event::of(
            "evt_06f3m5q9kx6v0f0v8c9z1k2m3n".parse().expect("this is an event's id"),
            project,
            known.event_type.name.clone(),
            data.unwrap_or_else(|| Json::trusted("{}")),
            AT,
        )
    };
    let endpoint = endpoint(project, dialect);
    let due = Due {
        id: DeliveryId::from_bytes([1; 16]),
        endpoint: endpoint.id,
        event: Arc::new(event),
        attempts: 0,
        schedule_start: 0,
        manual: false,
        planned_at: None,
        order_key: AT,
        next_attempt_at: AT,
    };
    Renderer::new(dialect, &endpoint).render(&due, AT).map_err(|failure| failure.message)
}

/// One that is spoken to in all the ways that the dialect has.
fn endpoint(project: ProjectId, dialect: &Dialect) -> Endpoint {
    let signing = if dialect.signs_with(Signing::HmacSha256) { Signing::HmacSha256 } else { Signing::Ed25519 };
    let secret = match (signing, dialect.secret_form()) {
        (Signing::Ed25519, _) => SEED,
        (Signing::HmacSha256, Form::Standard) => SECRET,
        (Signing::HmacSha256, Form::Text) => TEXT,
    };
    let url = EndpointUrl::stored("https://example.com/webhooks").expect("this is a URL");
    Endpoint {
        id: EndpointId::from_bytes([1; 16]),
        project,
        settings: Settings { signing, secrets: Secrets::of(Secret::stored(secret.into())), ..Settings::of(url) },
        status: Status::Active,
        disabled_reason: None,
        created_at: AT,
        updated_at: AT,
    }
}
