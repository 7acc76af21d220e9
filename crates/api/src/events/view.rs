//! Events as they are shown.

use model::event::Event;
use model::id::EventId;
use model::json::Json;
use model::subscription::EventType;
use model::time::Timestamp;
use serde::Serialize;
use store::search::{Delivery, ListedEvent};
use utoipa::ToSchema;

use crate::deliveries::view::DeliveryView;

/// An event that was accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Taken {
    #[schema(value_type = String, example = "evt_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    pub(super) id: EventId,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "invoice.paid")]
    pub(super) event_type: EventType,
    /// How many deliveries it makes: one for each endpoint that wants it. More than 256 are made behind the answer.
    #[schema(example = 2)]
    pub(super) deliveries: u32,
}

/// An event in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    #[schema(value_type = String, example = "evt_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: EventId,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "invoice.paid")]
    event_type: EventType,
    #[schema(required = true, example = "customer_42")]
    tenant: Option<String>,
    #[schema(required = true)]
    summary: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    deliver_at: Option<Timestamp>,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Made by `POST /v1/endpoints/{id}/test`, for that endpoint alone.
    #[schema(example = false)]
    test: bool,
    /// For how many endpoints it was accepted. More than 256 deliveries are made behind the answer.
    #[schema(example = 2)]
    deliveries: u32,
}

impl EventView {
    pub(super) fn of(event: ListedEvent) -> Self {
        Self {
            id: event.id,
            event_type: event.event_type,
            tenant: event.tenant,
            summary: event.summary,
            occurred_at: event.occurred_at,
            created_at: event.created_at,
            deliver_at: event.deliver_at,
            expires_at: event.expires_at,
            test: event.test,
            deliveries: event.deliveries,
        }
    }
}

/// An event with its data and its deliveries.
#[derive(Serialize, ToSchema)]
pub(crate) struct FullEvent {
    #[schema(value_type = String, example = "evt_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: EventId,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "invoice.paid")]
    event_type: EventType,
    #[schema(required = true, example = "customer_42")]
    tenant: Option<String>,
    /// As it came in.
    #[schema(value_type = Value, example = json!({ "id": "inv_1", "amount": 4200 }))]
    data: Json,
    #[schema(required = true, value_type = Option<Object>)]
    brand: Option<Json>,
    #[schema(required = true, value_type = Option<Object>)]
    workflow: Option<Json>,
    #[schema(required = true)]
    summary: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    deliver_at: Option<Timestamp>,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Made by `POST /v1/endpoints/{id}/test`, for that endpoint alone.
    #[schema(example = false)]
    test: bool,
    /// Newest first, at most 250.
    deliveries: Vec<DeliveryView>,
}

impl FullEvent {
    pub(super) fn of(event: Event, deliveries: Vec<Delivery>) -> Self {
        Self {
            id: event.id,
            event_type: event.event_type,
            tenant: event.tenant,
            data: event.data,
            brand: event.brand,
            workflow: event.workflow,
            summary: event.summary,
            occurred_at: event.occurred_at,
            created_at: event.created_at,
            deliver_at: event.deliver_at,
            expires_at: event.expires_at,
            test: event.test,
            deliveries: deliveries.into_iter().map(DeliveryView::of).collect(),
        }
    }
}
