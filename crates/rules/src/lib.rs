//! What makes an endpoint, an event, an event type, a key and a project right, whichever way it comes in: over the API, by a
//! page or from a file.
//!
//! An input is read into fields (`NewEvent`, `Fields`, `NewProject`), which a rule turns into what is stored, or into a
//! rejection that has all that is wrong with it. Pure: no SQL, no HTTP, no clock and no randomness of its own.

pub mod endpoints;
pub mod event_types;
pub mod events;
pub mod keys;
pub mod names;
pub mod projects;
