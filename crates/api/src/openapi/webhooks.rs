//! What receivers get, for the `webhooks` of the OpenAPI document: the standard dialect, Standard Webhooks 1.0.

use serde_json::{Value, json};

pub(super) fn webhooks() -> Value {
    json!({
        "event": {
            "post": {
                "summary": "An event",
                "description": "Sent to every endpoint that wants it, again and again until it is acknowledged with a 2xx, so a receiver may see it twice: with the same `webhook-id`. This is how the dialect `standard` speaks (Standard Webhooks 1.0); projects in other dialects speak otherwise.",
                "operationId": "event",
                "security": [{}],
                "parameters": [
                    header("webhook-id", "The event's id, the same for every attempt.", "evt_06f3m5q9kx6v0f0v8c9z1k2m3n"),
                    header("webhook-timestamp", "When this attempt was made, in seconds since 1970. Refuse old ones.", "1769851800"),
                    header("webhook-signature", "Signatures of `id.timestamp.body`, separated by spaces: `v1,` and base64 of HMAC-SHA256, or `v1a,` and base64 of Ed25519. One that is right is enough.", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
                ],
                "requestBody": {
                    "required": true,
                    "content": { "application/json": { "schema": body() } },
                },
                "responses": {
                    "2XX": { "description": "Acknowledged: it is not sent again." },
                    "410": { "description": "Never again: the endpoint is disabled." },
                    "429": { "description": "Later: not before `Retry-After`, where that is given." },
                    "default": { "description": "Not acknowledged: it is sent again later." },
                },
            },
        },
    })
}

fn header(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name, "in": "header", "required": true,
        "description": description, "schema": { "type": "string" }, "example": example,
    })
}

fn body() -> Value {
    json!({
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": { "type": "string", "description": "What happened.", "example": "invoice.paid" },
            "timestamp": { "type": "string", "format": "date-time", "description": "When it happened.", "example": "2026-01-31T09:30:00.000Z" },
            "data": { "description": "As it was sent to Posthaste.", "example": { "id": "inv_1", "amount": 4200 } },
        },
    })
}
