//! Connections between requests, by where they go to. A quiet receiver's are let go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::rt::{Executor, Timer};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::line::Line;
use super::own::Own;
use super::shared::Shared;

/// The pool is looked through so often, and what was not used since the last time is closed. So a busy endpoint's
/// connections are reused, and a quiet one's cost nothing after half a minute.
const ROUND: Duration = Duration::from_secs(15);

/// Idle connections kept to one host: as many as one endpoint has in flight at its best, so that none is made anew at
/// full speed.
const MOST_IDLE_PER_HOST: usize = 64;

/// Scheme and authority, as a URL begins: connections are one host's, and not shared with other names for it.
type Origin = str;

#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    hosts: HashMap<Box<Origin>, Host>,
    round: u64,
    is_watched: bool,
}

#[derive(Default)]
struct Host {
    /// The last one used is at the end.
    idle: Vec<Idle<Box<Own>>>,
    shared: Option<Idle<Shared>>,
}

struct Idle<T> {
    line: T,
    /// In which it was used last.
    round: u64,
}

impl Pool {
    /// A connection that is there. It may have gone stale.
    pub(super) fn take(&self, origin: &Origin) -> Option<Line> {
        let mut inner = self.inner();
        let round = inner.round;
        let host = inner.hosts.get_mut(origin)?;
        if host.shared.as_ref().is_some_and(|shared| shared.line.is_closed()) {
            host.shared = None;
        }
        if let Some(shared) = &mut host.shared {
            shared.round = round;
            return Some(Line::Shared(shared.line.clone()));
        }
        host.idle.pop().map(|idle| Line::Own(idle.line))
    }

    /// Keeps an HTTP/1.1 connection that is free for the next request.
    pub(super) fn put(&self, origin: &Origin, line: Box<Own>) {
        let mut inner = self.inner();
        let round = inner.round;
        let host = inner.host(origin);
        if host.idle.len() < MOST_IDLE_PER_HOST {
            host.idle.push(Idle { line, round });
        }
        self.watch(inner);
    }

    /// Shares a new HTTP/2 connection with all who come. Whoever was faster stays: the answer is the one to use.
    pub(super) fn share(&self, origin: &Origin, line: Shared) -> Shared {
        let mut inner = self.inner();
        let round = inner.round;
        let host = inner.host(origin);
        let there = host.shared.take().filter(|shared| !shared.line.is_closed());
        let shared = there.map_or(line, |shared| shared.line);
        host.shared = Some(Idle { line: shared.clone(), round });
        self.watch(inner);
        shared
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, mut inner: MutexGuard<'_, Inner>) {
        if !std::mem::replace(&mut inner.is_watched, true) {
            TokioExecutor::new().execute(rounds(Arc::downgrade(&self.0)));
        }
    }
}

impl Inner {
    fn host(&mut self, origin: &Origin) -> &mut Host {
        if !self.hosts.contains_key(origin) {
            self.hosts.insert(origin.into(), Host::default());
        }
        self.hosts.get_mut(origin).expect("it was there or was just put there")
    }

    /// Closes what was not used since the round before. True while there is anything left.
    fn end_round(&mut self) -> bool {
        let ended = self.round;
        self.round += 1;
        self.hosts.retain(|_, host| {
            host.idle.retain(|idle| idle.round == ended);
            host.shared.take_if(|shared| shared.round != ended || shared.line.is_closed());
            !host.idle.is_empty() || host.shared.is_some()
        });
        self.is_watched = !self.hosts.is_empty();
        self.is_watched
    }
}

/// Ends with the pool, or when that is empty.
async fn rounds(pool: Weak<Mutex<Inner>>) {
    loop {
        TokioTimer::new().sleep(ROUND).await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.lock().unwrap_or_else(PoisonError::into_inner).end_round() {
            return;
        }
    }
}
