//! Event types as people write them down: what an event of that name is, and how its data looks.

use crate::json::Json;
use crate::subscription;

/// One type of a catalogue. Not judged yet: the schema may be none, and the example may not fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventType {
    pub name: subscription::EventType,
    /// Under which heading it is listed.
    pub group: Option<String>,
    pub description: Option<String>,
    /// A JSON Schema for the data of its events.
    pub schema: Option<Json>,
    /// Data of such an event.
    pub example: Option<Json>,
}
