//! A project's own dialect files and event types.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalogue;
use crate::subscription::EventType;
use crate::time::Timestamp;

/// As written and judged. A dialect is made from it: the project's, by name among the built-in ones and these files.
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
