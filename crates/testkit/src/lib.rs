//! Tools for tests: a clock that waits for them, receivers that misbehave on real sockets, certificates, databases.

pub mod behaviour;
pub mod certificate;
pub mod clock;
mod conversation;
pub mod http;
pub mod pgbouncer;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod real_time;
pub mod receiver;
mod record;
mod supervisor;

pub use record::patiently;
