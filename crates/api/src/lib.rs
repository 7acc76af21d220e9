//! HTTP: what a user types and what comes back.
//!
//! [`routes`] is the table of contents. A handler is four things in this order: the [`caller`] and what it may, the
//! input ([`body`], [`query`], [`path`]), one verb of the store, the answer or a [`problem`]. Around every handler stands
//! the [`frame`], beneath all of them the accept loop, [`serve`], and [`front`] brings these together. Endpoints have other ways in as well, for products that
//! had an API before: [`surfaces`].

mod answers;
pub mod api;
mod body;
mod caller;
mod cluster;
mod deliveries;
mod dialects;
mod docs;
mod endpoints;
mod event_types;
mod events;
mod frame;
mod front;
mod health;
mod jobs;
mod json;
mod keys;
mod names;
mod object;
mod openapi;
mod path;
pub mod problem;
mod projects;
mod query;
mod responses;
mod room;
mod routes;
pub mod serve;
mod sight;
mod surfaces;
mod templates;
mod workers;

pub use self::api::Api;
pub use self::front::Front;
pub use self::openapi::{Document, openapi};
