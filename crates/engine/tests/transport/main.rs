//! The network side of the engine against real sockets: receivers of every kind, and addresses that are never connected
//! to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod addresses;
mod answers;
mod blocked;
mod connections;
mod framing;
mod handshakes;
mod heads;
mod http2;
mod idle;
mod lookups;
mod name_server;
mod names;
mod peer;
mod proxies;
mod racing;
mod reused;
mod sender;
mod timeouts;
