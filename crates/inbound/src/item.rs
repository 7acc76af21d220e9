//! Items: what one request says, each of which becomes an event.

use model::json::Json;
use model::subscription::EventType;

/// One thing that a request says: a status of a message, a message or a mail that was received.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// For example `message.status`.
    pub event_type: EventType,
    /// The event's data, in the normalised vocabulary.
    pub data: Json,
    /// The name under which a repeat of this item is known, within its source. `None`: every repeat is another item.
    pub deduplication_key: Option<String>,
}
