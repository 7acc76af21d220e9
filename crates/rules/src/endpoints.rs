//! Endpoints: their fields, each judged by itself and all of them together.

pub mod auth;
pub mod changes;
pub mod fields;
pub mod headers;
pub mod rotation;
pub mod tenant;
pub mod values;
