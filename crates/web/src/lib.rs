//! The HTTP kit: what stands under every router of the process, whichever crate has the routes.
//!
//! [`serve`] is the accept loop and [`front`] what it gives its requests to: a router within the [`frame`]. A handler
//! reads who asks ([`caller`]), the input ([`path`], [`query`], [`body`], [`json`]), and answers a value ([`answers`] for
//! those that are large) or a [`problem`]. What it is given is in [`context`].

pub mod answers;
pub mod body;
pub mod caller;
pub mod context;
pub mod frame;
pub mod front;
pub mod json;
pub mod path;
pub mod problem;
pub mod query;
pub mod responses;
pub mod room;
pub mod serve;
pub mod workers;
