//! HTTP: what a user types and what comes back.
//!
//! [`routes`] is the table of contents. A handler is four things in this order: the caller and what it may, the input, one
//! verb of the store, the answer or a problem: the crate `web` has what these are made of, and serves the [`front`].
//! Endpoints have other ways in as well, for products that had an API before: [`surfaces`].

pub mod api;
mod cluster;
mod deliveries;
mod dialects;
mod docs;
mod endpoints;
mod event_types;
mod events;
mod front;
mod health;
mod jobs;
mod keys;
mod openapi;
mod projects;
mod routes;
mod sight;
mod surfaces;
mod templates;

pub use self::api::Api;
pub use self::front::{front, front_of_every_node};
pub use self::openapi::{Document, openapi};
