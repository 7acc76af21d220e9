//! The receiver: answers 204 to everything and notes when each webhook came.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::id::Id;
use crate::processor::Account;
use crate::{Failure, clock, thread};

/// Room for so many arrivals is made before they come: a growing list is copied, which would show in the latencies.
/// It is address space only, until it is used.
const EXPECTED: usize = 4_000_000;

/// Nothing more is expected when nothing came for so long. Longer than the first wait of the retry schedule (5 s and
/// a tenth) and a request's timeout (10 s) together.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a waiting thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One webhook, wholly read.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) id: Id,
    pub(crate) at: Instant,
}

type Arrivals = Arc<Mutex<Vec<Arrival>>>;

/// A receiver on a thread of its own. It stops when it is dropped.
pub(crate) struct Sink {
    address: SocketAddr,
    arrivals: Arrivals,
    account: Account,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    pub(crate) fn start() -> Result<Self, Failure> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let arrivals = Arrivals::default();
        lock(&arrivals).reserve(EXPECTED);
        let (stop, stopped) = oneshot::channel();
        let (started, ready) = mpsc::sync_channel(1);
        let kept = arrivals.clone();
        let receive = move || {
            let start = || Ok::<_, std::io::Error>((Account::of_this_thread()?, thread::runtime()?));
            match start() {
                Ok((account, runtime)) => {
                    let _ = started.send(Ok(account));
                    runtime.block_on(receive_until(listener, kept, stopped));
                }
                Err(error) => drop(started.send(Err(error))),
            }
        };
        let thread = std::thread::Builder::new().name("sink".to_owned()).spawn(receive)?;
        let account = ready.recv()??;
        Ok(Self { address, arrivals, account, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The processor time it took so far.
    pub(crate) fn processor_time(&self) -> std::io::Result<Duration> {
        self.account.spent()
    }

    /// Forgets what came so far.
    pub(crate) fn clear(&self) {
        lock(&self.arrivals).clear();
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.arrivals).len()
    }

    /// What came since it was last cleared, in order.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.arrivals).clone()
    }

    /// Waits for `count` arrivals. False if nothing came for a long time and they are fewer.
    pub(crate) fn wait_for(&self, count: usize) -> bool {
        let mut last = (self.count(), clock::now());
        while last.0 < count {
            clock::wait(LOOK_EVERY);
            let seen = (self.count(), clock::now());
            if seen.0 > last.0 {
                last = seen;
            } else if seen.1 - last.1 > PATIENCE {
                return false;
            }
        }
        true
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(arrivals: &Arrivals) -> MutexGuard<'_, Vec<Arrival>> {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn receive_until(listener: std::net::TcpListener, arrivals: Arrivals, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let accept = async {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(converse(stream, arrivals.clone()));
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
}

async fn converse(stream: TcpStream, arrivals: Arrivals) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| receive(request, &arrivals));
    // A connection that breaks is the sender's to notice.
    let _ = http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service).await;
}

async fn receive(request: Request<Incoming>, arrivals: &Arrivals) -> Result<Response<Empty<Bytes>>, Infallible> {
    let id = request.headers().get("webhook-id").and_then(|value| Id::new(value.as_bytes()));
    let mut body = request.into_body();
    let mut whole = true;
    while let Some(frame) = body.frame().await {
        whole &= frame.is_ok();
    }
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    match id {
        Some(id) if whole => lock(arrivals).push(Arrival { id, at: clock::now() }),
        // Not a webhook of ours. It is not counted, so it cannot hide a loss.
        _ => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}
