//! Event types as people write them down: the meaning of an event of that name, and the form of its data.

use crate::json::Json;
use crate::subscription;

/// One type of a catalogue. Not validated yet: the schema may be invalid, and the example may not fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventType {
    pub name: subscription::EventType,
    /// Heading under which it is listed.
    pub group: Option<String>,
    pub description: Option<String>,
    /// A JSON Schema for the data of its events.
    pub schema: Option<Json>,
    /// Data of such an event.
    pub example: Option<Json>,
}
