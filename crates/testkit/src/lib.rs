//! What tests hold in their hands: a clock that waits for them, receivers that misbehave on real sockets, certificates.

pub mod behaviour;
pub mod certificate;
pub mod clock;
mod conversation;
pub mod http;
pub mod process;
pub mod receiver;
mod record;

pub use record::patiently;
