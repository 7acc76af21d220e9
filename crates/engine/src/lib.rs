//! Delivery: which, when, to where, what next.
//!
//! [`dispatcher`] decides what is sent next, [`shares`] which lane has the next turn, [`lane`] what an endpoint may
//! have in flight; [`deliver`] carries one delivery from start to finish, [`transport`] sends it through [`dial`] and
//! [`guard`]; [`jobs`] runs recoveries and replays, and [`fan_outs`] makes the deliveries of events with many
//! recipients.

mod concurrency;
pub mod context;
mod deliver;
mod dial;
mod dispatcher;
pub mod engine;
mod fan_outs;
mod guard;
mod in_flight;
mod jobs;
mod lane;
mod local;
mod prepared_endpoint;
mod race;
pub mod resolve;
mod shares;
mod timers;
mod tls;
pub mod transport;

pub use self::engine::Engine;
