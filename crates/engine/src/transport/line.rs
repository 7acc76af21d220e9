//! One connection to a receiver, and what is asked over it.
//!
//! An HTTP/1.1 connection has no task of its own: whoever has a request on it reads and writes it. So nothing is handed
//! from task to task on the way of a request, and a connection in the pool is still. HTTP/2 is shared by many requests,
//! so there a task reads and writes for all of them.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::outgoing::Outgoing;
use crate::dial::wire::Wire;

/// The head of an answer, and what is read of it ahead.
const LONGEST_HEAD: usize = 16 * 1024;

/// What an HTTP/2 receiver may send ahead of what is read: on one stream, on the whole connection.
const STREAM_WINDOW: u32 = 32 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// An HTTP/2 connection with requests on it is asked so often whether it lives. Without, one that a firewall forgot
/// would swallow every request to that host until the kernel gives it up.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(5);

pub(super) enum Line {
    /// For one request at a time.
    Own(Own),
    /// For as many as come.
    Shared(Shared),
}

/// HTTP/1.1.
pub(super) struct Own {
    requests: http1::SendRequest<Outgoing>,
    /// `None` once it has ended.
    connection: Option<Box<http1::Connection<Wire, Outgoing>>>,
}

/// HTTP/2. It ends when the last clone is dropped and the last request answered.
pub(super) type Shared = http2::SendRequest<Outgoing>;

impl Line {
    pub(super) async fn over(wire: Wire) -> Result<Self, hyper::Error> {
        if wire.is_h2() {
            return share(wire).await.map(Self::Shared);
        }
        let (requests, connection) = http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(wire).await?;
        Ok(Self::Own(Own { requests, connection: Some(Box::new(connection)) }))
    }

    /// Asks, and waits for the head of the answer. A request that was not begun comes back with the error.
    pub(super) async fn ask(
        &mut self,
        mut request: Request<Outgoing>,
        uri: &Uri,
    ) -> Result<Response<Incoming>, TrySendError<Request<Outgoing>>> {
        match self {
            Self::Own(own) => {
                to_origin(&mut request, uri);
                let answer = own.requests.try_send_request(request);
                own.during(answer).await
            }
            Self::Shared(requests) => {
                *request.uri_mut() = uri.clone();
                requests.try_send_request(request).await
            }
        }
    }

    /// Does `work` with an answer that comes over this connection.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        match self {
            Self::Own(own) => own.during(work).await,
            Self::Shared(_) => work.await,
        }
    }
}

impl Own {
    /// Reads and writes as far as that goes now. True if another request can be sent.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(connection) = &mut self.connection
            // Whoever waits for an answer is told what went wrong.
            && Pin::new(connection).poll(cx).is_ready()
        {
            self.connection = None;
        }
        self.connection.is_some() && self.requests.is_ready()
    }

    async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            self.turn(cx);
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Whether it can be used for another request, as far as is known now.
    pub(super) async fn is_free(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.turn(cx))).await
    }
}

async fn share(wire: Wire) -> Result<Shared, hyper::Error> {
    let (requests, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(LONGEST_HEAD as u32)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .handshake(wire)
        .await?;
    TokioExecutor::new().execute(async move {
        // Requests on it are told what went wrong.
        let _ = connection.await;
    });
    Ok(requests)
}

/// HTTP/1.1 has the path in the request line and the authority in a header (RFC 9112, section 3.2.1).
fn to_origin(request: &mut Request<Outgoing>, uri: &Uri) {
    let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    if let Some(host) = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
}
