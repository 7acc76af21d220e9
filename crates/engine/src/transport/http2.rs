//! One HTTP/2 connection, and the requests that share it. A task reads and writes for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2;
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use model::attempt::{Answer, Failure};
use tokio_util::sync::CancellationToken;

use super::deadline::Deadline;
use super::failure;
use super::head::{self, Head};
use super::resends::{SendError, SendErrorKind};
use super::wire_request::{RequestBody, WireRequest};
use crate::dial::stream::Stream;

/// Maximum size of a head, as HTTP/2 counts it (RFC 9113, section 6.5.2): more than is kept of one.
const LONGEST_HEAD: u32 = 256 * 1024;

/// Flow-control windows: bytes that a receiver may send ahead of what is read, per stream and per connection.
const STREAM_WINDOW: u32 = 32 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Interval of PINGs on a connection with requests on it. Without them, one that a firewall forgot would swallow every
/// request to that host until the kernel gives it up.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(5);

/// A connection that requests share. It ends when the last clone is dropped and the last request answered.
#[derive(Clone)]
pub(super) struct Http2 {
    requests: http2::SendRequest<RequestBody>,
    state: Arc<State>,
}

/// State of a connection besides what hyper knows.
#[derive(Default)]
struct State {
    /// True once it takes no more requests or has ended.
    is_over: AtomicBool,
    /// The receiver ended it because it wants HTTP/1.1.
    wants_http1: AtomicBool,
    /// Cancelled once it has ended and the flags above are set.
    ended: CancellationToken,
}

impl Http2 {
    pub(super) async fn over(stream: Stream) -> Result<Self, Failure> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(LONGEST_HEAD)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN)
            .handshake(TokioIo::new(stream));
        let (requests, connection) = handshake.await.map_err(|error| failure::no_http2_answer(&error).failure)?;
        let state = Arc::<State>::default();
        let told = state.clone();
        TokioExecutor::new().execute(async move {
            // Requests on it learn that it ended, but not always why.
            if let Err(error) = connection.await
                && failure::no_http2_answer(&error).kind == SendErrorKind::WantsHttp1
            {
                told.wants_http1.store(true, Ordering::Relaxed);
            }
            told.is_over.store(true, Ordering::Relaxed);
            told.ended.cancel();
        });
        Ok(Self { requests, state })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.is_over.load(Ordering::Relaxed) || self.requests.is_closed()
    }

    pub(super) async fn ask(
        &mut self,
        request: &WireRequest<'_>,
        deadline: &mut Deadline,
    ) -> Result<(Head, Incoming), SendError> {
        let body = request.to_http2().map_err(SendError::failed)?;
        let asking = async {
            match self.requests.try_send_request(body).await {
                Ok(response) => Ok(response),
                Err(mut error) => {
                    let is_not_sent = error.take_message().is_some();
                    Err(self.state.explain(&error.into_error(), is_not_sent).await)
                }
            }
        };
        let response = tokio::select! {
            biased; // an answer that is here is in time
            response = asking => response?,
            () = &mut *deadline => {
                let sent = request.sent.is_sent();
                return Err(SendError::failed(failure::unanswered(deadline.timeout, sent, None)));
            }
        };
        let (parts, body) = response.into_parts();
        let all = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Ok((head::keep(parts.status.as_u16(), parts.headers.len(), all), body))
    }
}

impl State {
    async fn explain(&self, error: &hyper::Error, is_not_sent: bool) -> SendError {
        let SendError { kind: end, failure } = failure::no_http2_answer(error);
        if end == SendErrorKind::Silent {
            // Only the connection's task learns why it ended.
            self.ended.cancelled().await;
        }
        let wants_http1 = self.wants_http1.load(Ordering::Relaxed);
        let end = match end {
            _ if wants_http1 => SendErrorKind::WantsHttp1,
            _ if is_not_sent => SendErrorKind::NotSent,
            end => end,
        };
        if matches!(
            end,
            SendErrorKind::NotSent | SendErrorKind::Silent | SendErrorKind::WantsHttp1 | SendErrorKind::GoingAway
        ) {
            self.is_over.store(true, Ordering::Relaxed);
        }
        SendError { kind: end, failure }
    }
}

/// Reads at most `most` bytes. Dropping a body that has not ended resets its stream; the connection stays.
pub(super) async fn read(body: &mut Incoming, most: usize, answer: &mut Answer) -> Result<(), Failure> {
    while !body.is_end_stream() {
        if answer.body.len() == most {
            answer.truncated = true;
            break;
        }
        let Some(frame) = body.frame().await else {
            // hyper ends a body also where its stream was reset without an error.
            return if body.is_end_stream() { Ok(()) } else { Err(failure::stream_ended(answer.body.len())) };
        };
        let frame = frame.map_err(|error| failure::in_http2_body(&error, answer.body.len()))?;
        let Ok(data) = frame.into_data() else { continue }; // trailers say nothing to us
        let room = most - answer.body.len();
        if data.len() > room {
            answer.truncated = true;
            answer.body.extend_from_slice(&data[..room]);
            break;
        }
        answer.body.extend_from_slice(&data);
    }
    Ok(())
}
