//! Facts that a captured request states about its event and attempt.

use std::sync::Arc;

use model::event::Event;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::json::Json;
use model::time::Timestamp;

use crate::variable::{EndpointInfo, RenderContext};

/// Stands in for an id or type that the request does not have.
const UNKNOWN: &str = "unknown";

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) event_id: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) occurred_at: Option<String>,
    /// As it is written in the body.
    pub(super) data: Option<String>,
    pub(super) brand: Option<String>,
    pub(super) workflow: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) delivery: Option<String>,
    pub(super) attempt: Option<u32>,
    /// The attempt's time, in whole seconds since 1970.
    pub(super) at: Option<String>,
}

/// An event and an attempt that Posthaste can render.
pub(super) struct Scene {
    event: Event,
    delivery: DeliveryId,
    attempt: u32,
    at: Timestamp,
    pub(super) endpoint: EndpointInfo,
}

impl Facts {
    /// Unknown values are filled with ones that stand out.
    pub(super) fn scene(&self) -> Scene {
        fn read<T: std::str::FromStr>(text: Option<&String>) -> Option<T> {
            text.and_then(|text| text.parse().ok())
        }
        let json = |text: &Option<String>| text.as_ref().map(|text| Json::trusted(Arc::from(text.as_str())));
        let at = read(self.at.as_ref()).map(|seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000)));
        let occurred_at = read(self.occurred_at.as_ref()).or(at).unwrap_or(Timestamp::from_millis(0));
        let event = Event {
            tenant: self.tenant.clone(),
            brand: json(&self.brand),
            workflow: json(&self.workflow),
            summary: self.summary.clone(),
            ..Event::of(
                read(self.event_id.as_ref()).unwrap_or_else(|| UNKNOWN.parse().expect("a word is an id")),
                ProjectId::from_bytes([0; 16]),
                read(self.event_type.as_ref()).unwrap_or_else(|| UNKNOWN.parse().expect("a word is a type")),
                json(&self.data).unwrap_or_else(|| Json::trusted("{}")),
                occurred_at,
            )
        };
        Scene {
            event,
            delivery: read(self.delivery.as_ref()).unwrap_or(DeliveryId::from_bytes([0; 16])),
            attempt: self.attempt.unwrap_or(1),
            at: at.unwrap_or(Timestamp::from_millis(0)),
            endpoint: EndpointInfo { id: EndpointId::from_bytes([0; 16]), name: None },
        }
    }
}

impl Scene {
    pub(super) fn context(&self) -> RenderContext<'_> {
        RenderContext { event: &self.event, delivery: self.delivery, attempt: self.attempt, at: self.at }
    }
}
