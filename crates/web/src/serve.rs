//! The accept loop: connections taken, bounded, watched and at the end let finish.

mod addresses;
mod pulse;
mod tasks;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Request, Version};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use model::env::Env;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::front::Front;
use addresses::{Addresses, Place, TooMany};
use pulse::{Felt, Pulse};
use tasks::Tasks;

/// Connections at a time where nothing is said. More wait in the kernel's queue.
pub const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// Connections from one address where nothing is said.
pub const CONNECTIONS_PER_ADDRESS: usize = 1_000;

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
    /// Of them, those from one address; any number if `None`.
    pub connections_per_address: Option<NonZeroUsize>,
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
    let addresses = Addresses::new(options.connections_per_address);
    let mut stop = pin!(stop);
    loop {
        let taken = tokio::select! {
            biased;
            () = &mut stop => break,
            taken = take(&listener, &room, &addresses, &*host.env) => taken,
        };
        tasks.spawn(host.clone().connection(taken));
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

/// A connection, and its places among all and among those of its address.
struct Taken {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
    _place: Option<Place>,
}

/// The next connection, as soon as there is room for it. One too many from its address is closed.
async fn take(listener: &TcpListener, room: &Arc<Semaphore>, addresses: &Addresses, env: &dyn Env) -> Taken {
    let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match addresses.admit(peer.ip()) {
                Ok(place) => return Taken { stream, _permit: permit, _place: place },
                Err(TooMany) => {
                    tracing::debug!(address = %peer.ip(), "an address has too many connections; one was closed");
                }
            },
            Err(error) if is_theirs(&error) => {}
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept connections right now");
                env.sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

/// Whether it says which host it is for, once, as RFC 9112, section 3.2, wants of HTTP/1.1.
fn names_host(request: &Request<Body>) -> bool {
    if request.version() != Version::HTTP_11 {
        return true;
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    hosts.next().is_some() && hosts.next().is_none()
}

/// The client was gone before we came: nothing is wrong here.
fn is_theirs(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

impl Host {
    /// One connection, from its first byte to its last.
    async fn connection(self: Arc<Self>, taken: Taken) {
        let Taken { stream, _permit, _place } = taken;
        // Answers are small and written whole: nothing is gained by waiting for more of them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "a connection ended as it began");
            return;
        }
        let pulse = Arc::new(Pulse::new(self.env.clone()));
        let answer = |request: Request<Incoming>| {
            let (host, under_way) = (self.clone(), pulse.clone().begin(request.version()));
            async move {
                let request = request.map(Body::new);
                let answer = if names_host(&request) {
                    host.front.answer(request).await
                } else {
                    host.front.no_host(request).await
                };
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
