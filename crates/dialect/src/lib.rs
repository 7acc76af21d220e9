//! A product's webhook format: dialect files, bodies, headers and signatures. Pure: no runtime, no SQL, no clock, no
//! randomness.
//!
//! A [`Dialect`] is read from a TOML file and checked once. A [`renderer::Renderer`] is a dialect prepared for one
//! endpoint, with its keys ready. It turns a due delivery into the [`renderer::Message`] that is sent.

mod body;
mod built_in;
pub mod catalogue;
mod checked;
mod compile;
pub mod detect;
pub mod diagnostic;
mod dialect;
pub mod dialects;
mod document;
mod exactly;
mod file;
pub mod header;
mod header_template;
mod keys;
mod limits;
mod moment;
mod paths;
mod plain;
pub mod providers;
mod raw;
mod read;
pub mod redact;
pub mod renderer;
mod resolve;
mod rules;
mod schema;
pub mod settings;
pub mod sign;
mod slot;
mod syntax;
pub mod template;
pub mod toml_json;
mod variable;

pub use crate::built_in::{built_in, built_in_names, built_in_text};
pub use crate::dialect::{Dialect, Endpoints, Limits, Providers};
pub use crate::limits::LONGEST;
pub use crate::rules::{EventsRule, RotateRule, SecretRule};
