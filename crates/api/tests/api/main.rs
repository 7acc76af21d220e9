//! The API as its users meet it: real routes over a real store, some of it over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod batch;
mod deliveries;
mod documents;
mod endpoints;
mod events;
mod gateway;
mod projects_and_keys;
mod serving;
mod tenants;
mod who_may;
