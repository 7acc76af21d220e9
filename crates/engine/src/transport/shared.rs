//! One HTTP/2 connection, and the requests that share it. A task reads and writes for all of them.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2;
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use model::attempt::{Answer, Failure};

use super::failure;
use super::head::{self, Head};
use super::line::{LONGEST_HEAD, NoAnswer};
use super::outgoing::{Outgoing, Posted};
use crate::dial::wire::Wire;

/// What a receiver may send ahead of what is read: on one stream, on the whole connection.
const STREAM_WINDOW: u32 = 32 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// A connection with requests on it is asked so often whether it lives. Without, one that a firewall forgot would swallow
/// every request to that host until the kernel gives it up.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(5);

/// It ends when the last clone is dropped and the last request answered.
#[derive(Clone)]
pub(super) struct Shared(http2::SendRequest<Posted>);

impl Shared {
    pub(super) async fn over(wire: Wire) -> Result<Self, Failure> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(LONGEST_HEAD as u32)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN)
            .handshake(TokioIo::new(wire));
        let (requests, connection) = handshake.await.map_err(|error| failure::explain(&error))?;
        TokioExecutor::new().execute(async move {
            // Requests on it are told what went wrong.
            let _ = connection.await;
        });
        Ok(Self(requests))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    pub(super) async fn ask(&mut self, request: &Outgoing<'_>) -> Result<(Head, Incoming), NoAnswer> {
        let request = request.to_http2().map_err(NoAnswer::Failed)?;
        match self.0.try_send_request(request).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let all = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
                let headers = head::keep(parts.headers.len(), all);
                Ok((Head { status: parts.status.as_u16(), headers }, body))
            }
            Err(mut error) => {
                let is_unbegun = error.take_message().is_some();
                let failure = failure::explain(&error.into_error());
                Err(if is_unbegun { NoAnswer::Unbegun(failure) } else { NoAnswer::Failed(failure) })
            }
        }
    }
}

/// Reads at most `most` bytes. Dropping a body that has not ended resets its stream; the connection stays.
pub(super) async fn read(body: &mut Incoming, most: usize, answer: &mut Answer) -> Result<(), Failure> {
    while !body.is_end_stream() {
        if answer.body.len() == most {
            answer.truncated = true;
            break;
        }
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| failure::in_http2_body(&error))?;
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
