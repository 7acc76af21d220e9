//! An event: something happened in the product, and endpoints may want to know.

use crate::id::{EventId, ProjectId};
use crate::json::Json;
use crate::subscription::EventType;
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub struct Event {
    pub id: EventId,
    pub project: ProjectId,
    pub event_type: EventType,
    /// The tenant whose event it is: endpoints of that tenant get it, and endpoints without one.
    pub tenant: Option<String>,
    /// The payload, as the bytes that came in.
    pub data: Json,
    /// Further roots for dialects that have them.
    pub brand: Option<Json>,
    pub workflow: Option<Json>,
    pub summary: Option<String>,
    pub occurred_at: Timestamp,
    pub created_at: Timestamp,
    /// Not delivered before.
    pub deliver_at: Option<Timestamp>,
    /// Not delivered after.
    pub expires_at: Option<Timestamp>,
    /// Made for one endpoint alone, to try it: nothing happened in the product.
    pub test: bool,
}

impl Event {
    /// One that happened at `at` and was accepted then, of which nothing else is said.
    pub fn of(id: EventId, project: ProjectId, event_type: EventType, data: Json, at: Timestamp) -> Self {
        Self {
            id,
            project,
            event_type,
            tenant: None,
            data,
            brand: None,
            workflow: None,
            summary: None,
            occurred_at: at,
            created_at: at,
            deliver_at: None,
            expires_at: None,
            test: false,
        }
    }

    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expiry| expiry <= now)
    }
}
