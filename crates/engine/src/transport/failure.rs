//! Network errors as messages for a person. Errors are recognised by their types, never by their words.

mod broken;
mod http2;

use std::io;
use std::time::Duration;

use model::attempt::{Answer, Failure, FailureKind};
use model::time::Span;

use self::broken::{BEFORE, IN_BODY, broken};
pub(super) use self::http2::{in_http2_body, no_http2_answer, stream_ended};
use super::chunks::NotChunks;
use super::head::{NotAHead, Unclear};
use crate::dial::Step;

const IN_HEAD: &str = "in the middle of the answer's head";

/// Bytes of a body that came, and that were announced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    pub(super) came: u64,
    pub(super) announced: Option<u64>,
}

/// No head of an answer came over an HTTP/1.1 connection.
pub(super) fn unanswered_by(error: &io::Error) -> Failure {
    broken(error, BEFORE)
}

/// The bytes received are not the head of an answer.
pub(super) fn not_http(what: &NotAHead) -> Failure {
    Failure::new(FailureKind::Protocol, format!("what came back is not HTTP: {what}"))
}

/// Interim answers came and nothing else.
pub(super) fn no_head() -> Failure {
    Failure::new(FailureKind::Protocol, "what came back is not HTTP: more than 64 KiB without an answer")
}

/// No head came in time.
pub(super) fn unanswered(timeout: Duration, sent: bool, step: Option<Step>) -> Failure {
    let waited_for = match step {
        _ if sent => "connected, request sent, no headers came",
        Some(Step::Lookup) => "the name was still being looked up",
        Some(Step::Connecting) => "still connecting",
        Some(Step::Handshake) => "connected, but the TLS handshake did not end",
        None => "no connection was free",
    };
    Failure::new(FailureKind::Timeout, format!("no answer within {} ({waited_for})", Span(timeout)))
}

/// The head broke off behind its status line.
pub(super) fn in_head(error: &io::Error) -> Failure {
    broken(error, IN_HEAD)
}

/// The status line came in time, and not all of the head behind it.
pub(super) fn head_stalled(timeout: Duration) -> Failure {
    let message = format!("the answer's head did not end within {}", Span(timeout));
    Failure::new(FailureKind::Timeout, message)
}

pub(super) fn head_too_long() -> Failure {
    Failure::new(FailureKind::Protocol, "the answer's head has more than 64 KiB; what came behind them was not read")
}

/// The end of the body cannot be determined.
pub(super) fn unclear(what: Unclear) -> Failure {
    Failure::new(FailureKind::Body, format!("the answer's body was not read, because {what}"))
}

/// The body is not in chunks, although its head says so.
pub(super) fn not_chunks(what: &NotChunks) -> Failure {
    Failure::new(FailureKind::Body, format!("the answer's body cannot be read in chunks: {what}"))
}

/// The body of an HTTP/1.1 answer ended too soon, after `came` bytes.
pub(super) fn in_body(error: &io::Error, came: usize) -> Failure {
    if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_some() {
        // TCP says that it ended by reading nothing. This is TLS.
        let message = format!(
            "the connection was closed without the close_notify of TLS, so the answer's body may not be whole ({came} bytes came)"
        );
        return Failure::new(FailureKind::Reset, message);
    }
    let Failure { kind, message } = broken(error, IN_BODY);
    Failure::new(kind, format!("{message}, after {came} bytes"))
}

/// The connection was closed before the body was whole.
pub(super) fn body_ended(Bytes { came, announced }: Bytes) -> Failure {
    let message = match announced {
        Some(announced) => {
            format!("the connection was closed {IN_BODY}, after {came} of {announced} bytes")
        }
        None => format!("the connection was closed {IN_BODY}, after {came} bytes and before the last chunk"),
    };
    Failure::new(FailureKind::Reset, message)
}

/// A head came, but the body did not end in time.
pub(super) fn stalled(timeout: Duration, answer: &Answer) -> Failure {
    let message =
        format!("the answer's body did not end within {}: it stalled after {} bytes", Span(timeout), answer.body.len());
    Failure::new(FailureKind::Timeout, message)
}
