//! A connection that broke, and the phase in which it did.

use std::io;

use model::attempt::{Failure, FailureKind};

use crate::tls;

/// Phase in which a connection broke.
pub(super) const BEFORE: &str = "before an answer came";

pub(super) const IN_BODY: &str = "in the middle of the answer's body";

pub(super) fn broken(error: &io::Error, when: &str) -> Failure {
    if let Some(message) = tls::explain("the receiver", error) {
        return Failure::new(FailureKind::Tls, message);
    }
    let message = match error.kind() {
        io::ErrorKind::ConnectionReset => format!("the receiver reset the connection {when}"),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => format!("the connection was closed {when}"),
        kind => format!("the connection broke {when}: {kind}"),
    };
    Failure::new(FailureKind::Reset, message)
}
