//! Deliveries as they are shown.

use std::collections::BTreeMap;

use bytes::Bytes;
use dialect::Dialect;
use dialect::renderer::{self, RenderContext};
use model::attempt::{Failure, FailureKind};
use model::delivery::Status;
use model::id::{DeliveryId, EndpointId, EventId};
use model::subscription::EventType;
use model::time::Timestamp;
use serde::Serialize;
use store::search::{Bodies, Delivery, SentBody, StoredAttempt};
use utoipa::ToSchema;

use crate::sight::Sight;

/// A delivery in a list: one event on its way to one endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    #[schema(value_type = String, example = "019c1c9e-6d38-7c3a-9d0e-3f5b6c7d8e9f")]
    id: DeliveryId,
    #[schema(value_type = String, example = "evt_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    event_id: EventId,
    #[schema(value_type = String, example = "invoice.paid")]
    event_type: EventType,
    #[schema(value_type = String, example = "ep_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    endpoint_id: EndpointId,
    #[schema(required = true, example = "customer_42")]
    tenant: Option<String>,
    /// `pending`, `delivered`, `failed` or `cancelled`.
    #[schema(value_type = String, example = "delivered")]
    status: Status,
    /// Why it was cancelled: `expired` or `endpoint_deleted`.
    #[schema(required = true, example = json!(null))]
    reason: Option<&'static str>,
    /// How many attempts were made.
    #[schema(example = 1)]
    attempt_count: u32,
    /// Whether the last attempt was asked for by hand.
    manual: bool,
    /// Of the last attempt, if it was answered.
    #[schema(required = true, example = 204)]
    status_code: Option<u16>,
    /// Of the last attempt's `error`, if it failed: `dns`, `connect`, `tls`, `timeout`, `reset`, `blocked`, `protocol`, `body`,
    /// `status` or `render`.
    #[schema(required = true, value_type = Option<String>, example = json!(null))]
    error_kind: Option<FailureKind>,
    /// While it is pending.
    #[schema(required = true, value_type = Option<String>, format = DateTime, example = json!(null))]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A delivery with the body that was sent and every attempt.
#[derive(Serialize, ToSchema)]
pub(crate) struct FullDelivery {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// What was sent, byte for byte; `null` before the first attempt, and when it was dropped because of its age. Not
    /// there with `?bodies=false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        value_type = Option<String>,
        example = "{\"type\":\"invoice.paid\",\"timestamp\":\"2026-01-31T09:30:00.000Z\",\"data\":{\"id\":\"inv_1\"}}"
    )]
    request_body: Option<Option<String>>,
    /// What else is worth knowing: for example why it was made although its endpoint's filter failed.
    #[schema(example = json!([]))]
    notes: Vec<String>,
    /// In the order they were made.
    attempts: Vec<AttemptView>,
}

/// One attempt: what was sent when, and what came back.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    /// Counts from 1 over the life of the delivery.
    #[schema(example = 1)]
    number: u32,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(example = 84)]
    duration_ms: u64,
    /// If it was answered.
    #[schema(required = true, example = 204)]
    status_code: Option<u16>,
    /// Why it failed; `null` if it did not.
    #[schema(required = true, value_type = Option<AttemptError>, example = json!(null))]
    error: Option<Failure>,
    /// As sent. Credentials are masked; without the scope `endpoints:write`, all headers of the endpoint's own.
    request_headers: BTreeMap<String, String>,
    /// As they came. Credentials are masked.
    response_headers: BTreeMap<String, String>,
    /// As much as was read, as text. Not there with `?bodies=false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    response_body: Option<String>,
    /// There was more to it than was read, or it broke off: then a note says how. Neither changes what the status says.
    response_truncated: bool,
    /// There were bodies, and they were dropped because of their age: the response's and, where it was not one that can
    /// be made again from the event, the request's.
    body_dropped: bool,
    /// When the next one was due, if there was to be one.
    #[schema(required = true, value_type = Option<String>, format = DateTime, example = json!(null))]
    next_attempt_at: Option<Timestamp>,
    /// What else is worth knowing: slots of a template for which the event had nothing, lines of the answer's head that
    /// could not be read, how its body broke off, and that the request went out more than once within the attempt.
    #[schema(example = json!([]))]
    notes: Vec<String>,
}

/// Why an attempt failed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of model::attempt::Failure, which knows no OpenAPI")]
pub(crate) struct AttemptError {
    /// `dns`, `connect`, `tls`, `timeout`, `reset`, `blocked`, `protocol`, `body`, `status` or `render`.
    #[schema(example = "timeout")]
    kind: String,
    /// What went wrong, in words.
    #[schema(example = "no answer within 10s")]
    message: String,
}

impl DeliveryView {
    pub(crate) fn of(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.event,
            event_type: delivery.event_type,
            endpoint_id: delivery.endpoint,
            tenant: delivery.tenant,
            status: delivery.status,
            reason: delivery.reason.map(|reason| reason.name()),
            attempt_count: delivery.attempts,
            manual: delivery.manual,
            status_code: delivery.status_code,
            error_kind: delivery.error_kind,
            next_attempt_at: delivery.next_attempt_at,
            created_at: delivery.created_at,
        }
    }
}

/// How a delivery is shown: as what it was sent, to whom, and with what.
pub(crate) struct Shown<'a> {
    pub(crate) dialect: Option<&'a Dialect>,
    pub(crate) sight: Sight,
    pub(crate) bodies: Bodies,
}

impl FullDelivery {
    /// `sent` is the body that its newest attempt with one sent, if it was kept.
    pub(crate) fn of(found: store::search::FullDelivery, sent: Option<Bytes>, shown: &Shown<'_>) -> Self {
        let request_body = match shown.bodies {
            Bodies::With => Some(sent_text(&found, sent)),
            Bodies::Without => None,
        };
        Self {
            request_body,
            notes: found.note.into_iter().collect(),
            attempts: found.attempts.into_iter().map(|attempt| AttemptView::of(attempt, shown)).collect(),
            delivery: DeliveryView::of(found.delivery),
        }
    }
}

impl AttemptView {
    fn of(attempt: StoredAttempt, Shown { dialect, sight, bodies }: &Shown<'_>) -> Self {
        let response_body = (*bodies == Bodies::With).then(|| attempt.response_text());
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            status_code: attempt.status_code,
            error: attempt.failure.map(|failure| sight.failure(failure)),
            request_headers: sight.sent_headers(&attempt.request_headers, *dialect),
            response_headers: sight.answered_headers(&attempt.response_headers),
            response_body,
            response_truncated: attempt.response_truncated,
            body_dropped: attempt.response_dropped || attempt.body == SentBody::Dropped,
            next_attempt_at: attempt.next_attempt_at,
            notes: attempt.notes,
        }
    }
}

/// The body that was sent last, kept or made again.
fn sent_text(found: &store::search::FullDelivery, kept: Option<Bytes>) -> Option<String> {
    let attempt = found.newest_with_body()?;
    let body = match &attempt.body {
        SentBody::None | SentBody::Dropped => return None,
        SentBody::Kept => kept?,
        SentBody::Of(dialect) => {
            let (event, delivery) = (&found.event, &found.delivery);
            let occasion =
                RenderContext { event, delivery: delivery.id, attempt: attempt.number, at: attempt.started_at };
            renderer::body_of(dialect, &occasion, delivery.endpoint)?
        }
    };
    Some(String::from_utf8_lossy(&body).into_owned())
}
