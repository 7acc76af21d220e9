//! Events: what a caller may send, and whether the project's dialect can speak of it.

pub mod fit;
pub mod new_event;
