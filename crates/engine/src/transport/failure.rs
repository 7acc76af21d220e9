//! What an error on the network means, told to a person. Errors are known by their types, never by their words.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use model::attempt::{Answer, Failure, FailureKind};
use model::time::Span;

use crate::dial::Step;
use crate::tls;

/// When a connection broke.
const BEFORE: &str = "before an answer came";
const IN_BODY: &str = "in the middle of the answer's body";

/// Why no head of an answer came over an HTTP/2 connection.
pub(super) fn explain(error: &hyper::Error) -> Failure {
    exchange(error, BEFORE)
}

/// Why the body of an HTTP/2 answer ended too soon.
pub(super) fn in_http2_body(error: &hyper::Error) -> Failure {
    exchange(error, IN_BODY)
}

/// Why no head of an answer came over an HTTP/1.1 connection.
pub(super) fn unanswered_by(error: &io::Error) -> Failure {
    broken(error, BEFORE)
}

/// Why the body of an HTTP/1.1 answer ended too soon.
pub(super) fn in_body(error: &io::Error) -> Failure {
    broken(error, IN_BODY)
}

/// What came is not the head of an answer.
pub(super) fn not_http(what: &dyn fmt::Display) -> Failure {
    Failure::new(FailureKind::Protocol, format!("what came back is not HTTP: {what}"))
}

/// What came is not a body.
pub(super) fn unreadable(what: &dyn fmt::Display) -> Failure {
    Failure::new(FailureKind::Body, format!("the answer's body cannot be read: {what}"))
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

/// A head came, but the body did not end in time.
pub(super) fn stalled(timeout: Duration, answer: &Answer) -> Failure {
    let (timeout, status, read) = (Span(timeout), answer.status, answer.body.len());
    let message = format!(
        "no whole answer within {timeout} (answered {status}, then stalled while reading the body, after {read} bytes)"
    );
    Failure::new(FailureKind::Timeout, message)
}

fn exchange(error: &hyper::Error, when: &str) -> Failure {
    if error.is_parse() {
        return not_http(error);
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() || error.is_body_write_aborted() {
        return Failure::new(FailureKind::Reset, format!("the connection was closed {when}"));
    }
    if let Some(error) = cause::<h2::Error>(error) {
        return http2(error, when);
    }
    match cause::<io::Error>(error) {
        Some(error) => broken(error, when),
        None => Failure::new(FailureKind::Protocol, format!("HTTP went wrong {when}: {error}")),
    }
}

fn http2(error: &h2::Error, when: &str) -> Failure {
    match (error.get_io(), error.reason()) {
        (Some(error), _) => broken(error, when),
        (None, Some(reason)) if error.is_remote() && error.is_go_away() => {
            Failure::new(FailureKind::Reset, format!("the receiver ended the HTTP/2 connection {when} ({reason})"))
        }
        (None, Some(reason)) if error.is_remote() => {
            Failure::new(FailureKind::Reset, format!("the receiver reset the HTTP/2 stream {when} ({reason})"))
        }
        _ => Failure::new(FailureKind::Protocol, format!("what came back is not HTTP/2: {error}")),
    }
}

fn broken(error: &io::Error, when: &str) -> Failure {
    if let Some(message) = tls::explain("the receiver", error) {
        return Failure::new(FailureKind::Tls, message);
    }
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => unreadable(error),
        io::ErrorKind::ConnectionReset => {
            Failure::new(FailureKind::Reset, format!("the receiver reset the connection {when}"))
        }
        io::ErrorKind::UnexpectedEof => Failure::new(FailureKind::Reset, format!("the connection was closed {when}")),
        _ => Failure::new(FailureKind::Reset, format!("the connection broke {when}: {error}")),
    }
}

/// The first error of type `E` among the causes, the error itself included.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let causes = std::iter::successors(Some(error), |error| StdError::source(*error));
    causes.filter_map(|error| error.downcast_ref()).next()
}
