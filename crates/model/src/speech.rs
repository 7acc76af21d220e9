//! What a project says about its own way of speaking: dialect files it wrote, event types it added.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalogue;
use crate::subscription::EventType;
use crate::time::Timestamp;

/// As it was written and judged. A dialect is made from it, the project's dialect by name among the built-in ones and
/// these files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speech {
    pub files: BTreeMap<String, File>,
    /// Over the dialect's types of the same names.
    pub event_types: BTreeMap<EventType, Arc<catalogue::EventType>>,
}

/// A dialect file, in TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub text: Arc<str>,
    pub updated_at: Timestamp,
}
