//! Hooks and their executions as Tracktile's API shows them.

use model::endpoint::{Endpoint, Status};
use model::id::{DeliveryId, EndpointId, EventId};
use model::subscription::{EventType, Subscription};
use model::time::Timestamp;
use serde::Serialize;
use store::search::{Attempted, FullDelivery};
use utoipa::ToSchema;

use crate::sight::Sight;

/// An address that gets webhooks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Hook)]
pub(crate) struct HookView {
    #[schema(value_type = String, example = "ep_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: EndpointId,
    #[schema(required = true, example = "My Webhook")]
    name: Option<String>,
    /// Without the scope `endpoints:write`, values of its query are masked, and a chat service's path.
    #[schema(example = "https://your-server.com/webhook")]
    url: String,
    /// Always a list.
    #[schema(value_type = Vec<String>, example = json!(["order.status.changed"]))]
    on: Subscription,
    /// `active` or `paused`, by its owner or by us.
    #[schema(example = "active")]
    status: &'static str,
    /// Why we paused it, if we did.
    #[schema(required = true, example = json!(null))]
    disabled_reason: Option<String>,
    /// Shown this once, when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl HookView {
    pub(super) fn of(endpoint: &Endpoint, sight: Sight) -> Self {
        Self {
            id: endpoint.id,
            name: endpoint.settings.name.clone(),
            url: sight.url(&endpoint.settings),
            on: endpoint.settings.events.clone(),
            // A hook is one or the other, whoever switched it off.
            status: match endpoint.status {
                Status::Active => "active",
                Status::Paused | Status::Disabled => "paused",
            },
            disabled_reason: endpoint.disabled_reason.clone(),
            secret: None,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }

    /// For the one who made it.
    pub(super) fn with_secret(self, secret: Option<String>) -> Self {
        Self { secret, ..self }
    }
}

/// A list of hooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct HookList {
    pub(super) data: Vec<HookView>,
}

/// One time that something was sent to a hook, or is to be.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Execution)]
pub(crate) struct ExecutionView {
    /// The delivery's id, the same for every time it was tried, and the number of the attempt.
    #[schema(example = "019c1c9e-6d38-7c3a-9d0e-3f5b6c7d8e9f-1")]
    id: String,
    #[schema(value_type = String, example = "evt_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    event_id: EventId,
    /// The event's type.
    #[schema(value_type = String, example = "order.status.changed")]
    kind: EventType,
    /// `delivered` (acknowledged with 2xx), `failed`, or of a test `pending` (not sent yet).
    #[schema(example = "delivered")]
    status: &'static str,
    /// If it was answered.
    #[schema(required = true, example = 200)]
    status_code: Option<u16>,
    /// If it was answered: as much as was read, as text.
    #[schema(required = true, example = "ok")]
    response_body: Option<String>,
    /// If it was sent.
    #[schema(required = true, example = 84)]
    duration_ms: Option<u64>,
    /// Counts from 1 over the retries of a delivery; 0 if it was not sent yet.
    #[schema(example = 1)]
    attempt: u32,
    /// When it was sent.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// Why it failed, if it did.
    #[schema(required = true, example = json!(null))]
    error: Option<String>,
}

/// A list of executions.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExecutionList {
    pub(super) data: Vec<ExecutionView>,
}

impl ExecutionView {
    pub(super) fn of(Attempted { delivery, event, event_type, attempt }: Attempted, sight: Sight) -> Self {
        Self {
            id: id_of(delivery, attempt.number),
            event_id: event,
            kind: event_type,
            status: if attempt.failure.is_none() { "delivered" } else { "failed" },
            status_code: attempt.status_code,
            response_body: attempt.status_code.map(|_| attempt.response_text()),
            duration_ms: Some(attempt.duration_ms),
            attempt: attempt.number,
            time: attempt.started_at,
            error: attempt.failure.map(|failure| sight.failure(failure).message),
        }
    }

    /// The last there was, or the one there will be.
    pub(super) fn of_last(found: FullDelivery, sight: Sight) -> Self {
        let FullDelivery { delivery, mut attempts, .. } = found;
        let (id, event, event_type) = (delivery.id, delivery.event, delivery.event_type);
        match attempts.pop() {
            Some(attempt) => Self::of(Attempted { delivery: id, event, event_type, attempt }, sight),
            None => Self {
                id: id_of(id, 0),
                event_id: event,
                kind: event_type,
                status: "pending",
                status_code: None,
                response_body: None,
                duration_ms: None,
                attempt: 0,
                time: delivery.created_at,
                error: None,
            },
        }
    }
}

fn id_of(delivery: DeliveryId, attempt: u32) -> String {
    format!("{delivery}-{attempt}")
}
