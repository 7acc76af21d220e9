//! The receiver: answers each endpoint in its manner, and notes the arrival of each webhook that it acknowledged.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::id::Id;
use crate::processor::Account;
use crate::reserved_addresses::{ReservedAddresses, Urls};
use crate::wire::{self, Wire};
use crate::{BenchError, clock, thread};

/// Arrivals for which room is made before they come: a growing list is copied, which would show in the latencies. It is
/// address space only, until it is used.
const EXPECTED: usize = 8_000_000;

/// Time without an arrival after which nothing more is expected. Longer than the first wait of the retry schedule (5 s
/// and a tenth) and a request's timeout (10 s) together.
const PATIENCE: Duration = Duration::from_secs(20);

/// Interval at which a waiting thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Maximum connections that wait in the kernel until they are accepted.
const BACKLOG: u32 = 1_024;

/// The manner in which an endpoint answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// 204, at once.
    Well,
    /// 500, at once.
    Fails,
    /// Not at all.
    Hangs,
}

/// The manners of endpoints, by the number in their path.
pub(crate) type Manners = fn(u32) -> Manner;

pub(crate) fn all_well(_: u32) -> Manner {
    Manner::Well
}

/// One webhook, wholly read and acknowledged.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) id: Id,
    pub(crate) endpoint: u32,
    pub(crate) at: Instant,
}

type Arrivals = Arc<Mutex<Vec<Arrival>>>;

/// A receiver on a thread of its own. It stops when it is dropped.
pub(crate) struct Sink {
    urls: Urls,
    arrivals: Arrivals,
    account: Account,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The state that every connection is given.
#[derive(Clone)]
struct Desk {
    arrivals: Arrivals,
    manners: Manners,
}

impl Sink {
    /// Listens at these addresses, from now on.
    pub(crate) fn open(place: ReservedAddresses, manners: Manners) -> Result<Self, BenchError> {
        Self::start(place, manners, || Ok(()))
    }

    /// The same for another project, whose arrivals are not timed.
    pub(crate) fn open_beside(place: ReservedAddresses, manners: Manners) -> Result<Self, BenchError> {
        Self::start(place, manners, thread::stand_back)
    }

    fn start(
        place: ReservedAddresses,
        manners: Manners,
        at_first: fn() -> std::io::Result<()>,
    ) -> Result<Self, BenchError> {
        let urls = place.urls();
        let arrivals = Arrivals::default();
        lock(&arrivals).reserve(EXPECTED);
        let (stop, stopped) = oneshot::channel();
        let (started, ready) = mpsc::sync_channel(1);
        let desk = Desk { arrivals: arrivals.clone(), manners };
        let receive = move || {
            let start = || {
                at_first()?;
                Ok::<_, std::io::Error>((Account::of_this_thread()?, thread::runtime()?))
            };
            let (account, runtime) = match start() {
                Ok(both) => both,
                Err(error) => return drop(started.send(Err(error))),
            };
            runtime.block_on(async {
                match listen(place.into_sockets()) {
                    Ok(listeners) => {
                        let _ = started.send(Ok(account));
                        receive_until(listeners, desk, stopped).await;
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
            });
        };
        let thread = std::thread::Builder::new().name("sink".to_owned()).spawn(receive)?;
        let account = ready.recv()??;
        Ok(Self { urls, arrivals, account, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.urls.address()
    }

    pub(crate) fn url(&self, endpoint: u32) -> String {
        self.urls.of(endpoint)
    }

    /// The processor time that it took so far.
    pub(crate) fn processor_time(&self) -> std::io::Result<Duration> {
        self.account.spent()
    }

    /// Forgets the arrivals so far.
    pub(crate) fn clear(&self) {
        lock(&self.arrivals).clear();
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.arrivals).len()
    }

    /// Passes the arrivals since it was last cleared to `look`, in order. Nothing is received meanwhile.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&[Arrival]) -> T) -> T {
        look(&lock(&self.arrivals))
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

fn listen(sockets: Vec<TcpSocket>) -> std::io::Result<Vec<TcpListener>> {
    sockets.into_iter().map(|socket| socket.listen(BACKLOG)).collect()
}

async fn receive_until(listeners: Vec<TcpListener>, desk: Desk, stopped: oneshot::Receiver<()>) {
    let mut hosts = JoinSet::new();
    for listener in listeners {
        hosts.spawn(accept(listener, desk.clone()));
    }
    // Senders that still wait for an answer get none.
    let _ = stopped.await;
}

async fn accept(listener: TcpListener, desk: Desk) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, desk.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// The parts of a request that matter.
struct Asked {
    id: Option<Id>,
    endpoint: Option<u32>,
}

async fn converse(stream: TcpStream, desk: Desk) {
    // A connection that breaks is the sender's to notice.
    let _ = answer_all(stream, &desk).await;
}

async fn answer_all(stream: TcpStream, desk: &Desk) -> Result<(), BenchError> {
    let mut wire = Wire::over(stream)?;
    while let Some((asked, _body)) = wire.next(asked).await? {
        if let Some(answer) = answer(&asked, desk) {
            wire.write(answer).await?;
        }
    }
    Ok(())
}

fn asked(bytes: &[u8]) -> Result<Option<wire::Head<Asked>>, BenchError> {
    wire::request(bytes, |path, headers| Asked {
        id: wire::header(headers, "webhook-id").and_then(Id::new),
        endpoint: path.strip_prefix('/').and_then(|path| path.parse().ok()),
    })
}

/// The answer to a request. `None` where the sender waits in vain, until it gives up.
fn answer(asked: &Asked, desk: &Desk) -> Option<&'static [u8]> {
    let (Some(id), Some(endpoint)) = (asked.id, asked.endpoint) else {
        // Not a webhook of ours. It is not counted, so it cannot hide a loss.
        return Some(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    };
    match (desk.manners)(endpoint) {
        Manner::Well => {
            lock(&desk.arrivals).push(Arrival { id, endpoint, at: clock::now() });
            Some(b"HTTP/1.1 204 No Content\r\n\r\n")
        }
        Manner::Fails => Some(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"),
        Manner::Hangs => None,
    }
}
