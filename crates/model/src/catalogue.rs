//! An event type and what is known about it: a line of a dialect's or a project's catalogue.

use crate::json::Json;
use crate::subscription;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventType {
    pub name: subscription::EventType,
    pub group: Option<String>,
    pub description: Option<String>,
    /// A JSON Schema for the data of its events.
    pub schema: Option<Json>,
    /// Data of such an event.
    pub example: Option<Json>,
}
