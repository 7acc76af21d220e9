//! The event types that a dialect knows.

use model::json::Json;
use model::subscription;

#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Types that are not listed are accepted as well.
    pub open: bool,
    pub types: Vec<EventType>,
}

/// One type and what is known about it.
#[derive(Clone, Debug)]
pub struct EventType {
    pub name: subscription::EventType,
    pub group: Option<String>,
    pub description: Option<String>,
    /// A JSON Schema for the data of its events.
    pub schema: Option<Json>,
    /// Data of such an event.
    pub example: Option<Json>,
}

impl Catalogue {
    pub fn find(&self, name: &subscription::EventType) -> Option<&EventType> {
        self.types.iter().find(|event_type| event_type.name == *name)
    }

    pub fn accepts(&self, name: &subscription::EventType) -> bool {
        self.open || name.is_operational() || self.find(name).is_some()
    }
}
