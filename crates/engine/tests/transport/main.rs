//! The network side of the engine against real sockets: what every kind of receiver makes of a request, and who is
//! never connected to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod blocked;
mod connections;
mod framing;
mod handshakes;
mod lookups;
mod name_server;
mod names;
mod proxies;
mod sender;
mod timeouts;
