//! The network side of the engine against real sockets: what every kind of receiver makes of a request, and who is
//! never connected to.
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
