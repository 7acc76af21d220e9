//! The requests that a receiver saw, and waiting until it has seen enough.

use std::future::Future;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

/// Maximum wait. A test that waits longer for something has failed, and says for what.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Maximum requests kept in full. A test that sends more wants `counting()`.
const MOST_KEPT: usize = 10_000;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    /// With the query.
    pub path: String,
    /// In the order they came; names in lower case, as HTTP/2 has them and our parser makes them.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub version: hyper::Version,
    /// Time at which its last byte was read.
    pub at: Instant,
}

impl Received {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// All that a counting receiver keeps of a request.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The `webhook-id` header, empty if there was none.
    pub id: Box<str>,
    pub at: Instant,
}

#[derive(Default)]
pub(crate) struct Record {
    seen: Mutex<Seen>,
    changed: Notify,
    counting: bool,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) received: usize,
    pub(crate) requests: Vec<Received>,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) statuses: Vec<u16>,
    pub(crate) connected: usize,
    pub(crate) disconnected: usize,
}

impl Record {
    pub(crate) fn new(counting: bool) -> Self {
        Self { counting, ..Self::default() }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nothing panics while it holds the record")
    }

    pub(crate) fn connected(&self) {
        self.seen().connected += 1;
        self.changed.notify_waiters();
    }

    pub(crate) fn disconnected(&self) {
        self.seen().disconnected += 1;
        self.changed.notify_waiters();
    }

    pub(crate) fn received(&self, request: Received) {
        let mut seen = self.seen();
        seen.received += 1;
        if self.counting {
            let id = request.header("webhook-id").unwrap_or_default().into();
            seen.arrivals.push(Arrival { id, at: request.at });
        } else if seen.requests.len() < MOST_KEPT {
            seen.requests.push(request);
        }
        drop(seen);
        self.changed.notify_waiters();
    }

    pub(crate) fn answered(&self, status: u16) {
        let mut seen = self.seen();
        if !self.counting && seen.statuses.len() < MOST_KEPT {
            seen.statuses.push(status);
        }
    }

    /// Waits until `enough` holds; panics with the requests seen when that takes too long.
    pub(crate) async fn until(&self, hope: &str, enough: impl Fn(&Seen) -> bool) {
        let reached = async {
            loop {
                let changed = self.changed.notified();
                if enough(&self.seen()) {
                    return;
                }
                changed.await;
            }
        };
        patiently(reached, || self.disappointment(hope)).await;
    }

    fn disappointment(&self, hope: &str) -> String {
        let seen = self.seen();
        let (received, statuses) = (seen.received, &seen.statuses[..seen.statuses.len().min(20)]);
        let (connected, disconnected) = (seen.connected, seen.disconnected);
        format!(
            "waited {PATIENCE:?} of real time for {hope}, but the receiver has seen {received} requests \
             over {connected} connections ({disconnected} of them ended) and answered {statuses:?}"
        )
    }
}

/// Waits for a future that must end; panics with `complaint` when it does not.
#[expect(clippy::disallowed_methods, reason = "a test's patience ends in real time, whatever its clock says")]
pub async fn patiently<T>(hope: impl Future<Output = T>, complaint: impl FnOnce() -> String) -> T {
    match tokio::time::timeout(PATIENCE, hope).await {
        Ok(value) => value,
        Err(_) => panic!("{}", complaint()),
    }
}
