//! The meaning of an error of an HTTP/2 exchange: for a person, and for the request.

use std::error::Error as StdError;
use std::io;

use h2::Reason;
use model::attempt::{Failure, FailureKind};

use super::broken::{BEFORE, IN_BODY, broken};
use crate::transport::resends::{SendError, SendErrorKind};

/// No head of an answer came over an HTTP/2 connection, or the connection's task ended with `error`.
pub(in crate::transport) fn no_http2_answer(error: &hyper::Error) -> SendError {
    SendError { kind: end(error), failure: exchange(error, BEFORE) }
}

/// The body of an HTTP/2 answer ended too soon, after `came` bytes.
pub(in crate::transport) fn in_http2_body(error: &hyper::Error, came: usize) -> Failure {
    let Failure { kind, message } = exchange(error, IN_BODY);
    Failure::new(kind, format!("{message}, after {came} bytes"))
}

/// The stream ended before the body did, after `came` bytes, and without an error.
pub(in crate::transport) fn stream_ended(came: usize) -> Failure {
    Failure::new(FailureKind::Reset, format!("the receiver ended the HTTP/2 stream {IN_BODY}, after {came} bytes"))
}

/// State of the request at the receiver, as far as is known.
fn end(error: &hyper::Error) -> SendErrorKind {
    match cause::<h2::Error>(error) {
        Some(error) if error.is_remote() && error.reason() == Some(Reason::HTTP_1_1_REQUIRED) => {
            SendErrorKind::WantsHttp1
        }
        // GOAWAY names the last stream that may have been processed; only requests after it get this error.
        Some(error) if error.is_remote() && error.is_go_away() => SendErrorKind::GoingAway,
        Some(error) if error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM) => {
            SendErrorKind::Unprocessed
        }
        Some(error) if error.is_io() => SendErrorKind::Silent,
        Some(_) => SendErrorKind::Failed,
        None if has_ended(error) || error.is_timeout() || cause::<io::Error>(error).is_some() => SendErrorKind::Silent,
        None => SendErrorKind::Failed,
    }
}

fn has_ended(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_canceled() || error.is_closed() || error.is_body_write_aborted()
}

fn exchange(error: &hyper::Error, when: &str) -> Failure {
    if has_ended(error) {
        return Failure::new(FailureKind::Reset, format!("the connection was closed {when}"));
    }
    if error.is_timeout() {
        return Failure::new(FailureKind::Reset, format!("the HTTP/2 connection was silent {when}: no PING came back"));
    }
    if let Some(error) = cause::<h2::Error>(error) {
        return http2(error, when);
    }
    match cause::<io::Error>(error) {
        Some(error) => broken(error, when),
        None => Failure::new(FailureKind::Protocol, format!("what came back {when} is not HTTP/2")),
    }
}

fn http2(error: &h2::Error, when: &str) -> Failure {
    match (error.get_io(), error.reason()) {
        (Some(error), _) => broken(error, when),
        (None, Some(reason)) if error.is_remote() && error.is_go_away() => {
            let reason = name(reason);
            Failure::new(FailureKind::Reset, format!("the receiver ended the HTTP/2 connection {when} ({reason})"))
        }
        (None, Some(reason)) if error.is_remote() => {
            let reason = name(reason);
            Failure::new(FailureKind::Reset, format!("the receiver reset the HTTP/2 stream {when} ({reason})"))
        }
        (None, reason) => {
            let reason = reason.map_or("PROTOCOL_ERROR", name);
            Failure::new(FailureKind::Protocol, format!("what came back {when} is not HTTP/2 ({reason})"))
        }
    }
}

/// Name of the error code (RFC 9113, section 7).
fn name(reason: Reason) -> &'static str {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(u32::from(reason) as usize).copied().unwrap_or("an unknown reason")
}

/// The first error of type `E` among the causes, the error itself included.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let causes = std::iter::successors(Some(error), |error| StdError::source(*error));
    causes.filter_map(|error| error.downcast_ref()).next()
}
