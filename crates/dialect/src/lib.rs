//! How a product speaks: dialect files, bodies, headers and signatures. Pure: no runtime, no SQL, no clock, no randomness.
//!
//! A [`Dialect`] is read from a TOML file and checked once. A [`voice::Voice`] is a dialect towards one endpoint, with its
//! keys ready. It turns a due delivery into the [`voice::Message`] that is sent.

mod body;
pub mod catalogue;
mod compile;
mod dialect;
pub mod dialects;
mod document;
mod exactly;
mod file;
mod fill;
pub mod header;
pub mod interchange;
mod line;
pub mod mistake;
mod moment;
mod paths;
mod plain;
pub mod providers;
mod raw;
pub mod redact;
mod root;
pub mod sample;
mod schema;
pub mod settings;
mod shape;
pub mod sign;
mod slot;
mod syntax;
pub mod template;
pub mod voice;

pub use crate::dialect::{
    Dialect, Endpoints, EventsRule, LONGEST, Limits, Providers, RotateRule, SecretRule, built_in, built_in_names,
    built_in_text,
};
