//! The accept loop: connections taken, bounded, watched and at the end let finish.

mod pulse;
mod tasks;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::Front;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use model::env::Env;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use pulse::{Felt, Pulse};
use tasks::Tasks;

/// Connections at a time where nothing is said. More wait in the kernel's queue.
pub const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// A request with more headers than this is refused with 431.
const MOST_HEADERS: usize = 100;

/// A request line and headers of more bytes than this are refused with 431.
const LARGEST_HEAD: usize = 64 * 1024;

/// Requests at a time on one HTTP/2 connection.
const MOST_STREAMS: u32 = 256;

/// After an accept that failed for want of something (descriptors, memory), which only time gives back.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// How to serve.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Connections at a time.
    pub connections: NonZeroUsize,
    /// How long requests in flight have to finish once `stop` has resolved.
    pub grace: Duration,
}

/// What every connection is given.
struct Host {
    front: Front,
    env: Arc<dyn Env>,
    http: auto::Builder<Tasks>,
    tasks: Tasks,
}

/// Serves until `stop` resolves. When this returns, nothing of it runs any more: requests in flight have been answered,
/// or were cut off when the grace was over.
pub async fn serve(
    listener: TcpListener,
    front: Front,
    env: Arc<dyn Env>,
    options: Options,
    stop: impl Future<Output = ()>,
) {
    let tasks = Tasks::new();
    let host = Arc::new(Host { front, env, http: http(&tasks), tasks: tasks.clone() });
    let room = Arc::new(Semaphore::new(options.connections.get()));
    let mut stop = pin!(stop);
    loop {
        let (stream, permit) = tokio::select! {
            biased;
            () = &mut stop => break,
            taken = take(&listener, &room, &*host.env) => taken,
        };
        tasks.spawn(host.clone().connection(stream, permit));
    }
    drop(listener);
    tasks.finish(&*host.env, options.grace).await;
}

/// HTTP/1.1 and, for clients that begin with it, HTTP/2 (h2c). Time-outs are the [`Pulse`]'s.
fn http(tasks: &Tasks) -> auto::Builder<Tasks> {
    let mut http = auto::Builder::new(tasks.clone());
    // Most answers are short: one write of one piece costs less than one of two.
    http.http1().max_headers(MOST_HEADERS).max_buf_size(LARGEST_HEAD).header_read_timeout(None).writev(false);
    let largest_head = u32::try_from(LARGEST_HEAD).expect("it is small");
    http.http2().max_concurrent_streams(MOST_STREAMS).max_header_list_size(largest_head);
    http
}

/// The next connection, as soon as there is room for it.
async fn take(listener: &TcpListener, room: &Arc<Semaphore>, env: &dyn Env) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) if is_theirs(&error) => {}
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept connections right now");
                env.sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

/// The client was gone before we came: nothing is wrong here.
fn is_theirs(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

impl Host {
    /// One connection, from its first byte to its last.
    async fn connection(self: Arc<Self>, stream: TcpStream, _permit: OwnedSemaphorePermit) {
        // Answers are small and written whole: nothing is gained by waiting for more of them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "a connection ended as it began");
            return;
        }
        let pulse = Arc::new(Pulse::new(self.env.clone()));
        let answer = |request: Request<Incoming>| {
            let (host, under_way) = (self.clone(), pulse.clone().begin(request.version()));
            async move {
                let answer = host.front.answer(request.map(Body::new)).await;
                drop(under_way);
                Ok::<_, Infallible>(answer)
            }
        };
        let io = TokioIo::new(Felt::new(stream, pulse.clone()));
        let mut connection = pin!(self.http.serve_connection(io, service_fn(answer)));
        let mut asked_to_stop = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error = &*error, "a connection broke");
                    }
                    return;
                }
                () = self.tasks.stopping(), if !asked_to_stop => {
                    asked_to_stop = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = pulse.stops() => return,
            }
        }
    }
}
