//! Idle connections by origin. Each is dropped before its receiver may close it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use model::env::Env;

use super::connection::Connection;
use super::http1::Http1;
use super::http2::Http2;

/// Time for which an HTTP/1.1 connection is kept idle if its receiver names none: many close after five seconds.
const IDLE: Duration = Duration::from_secs(4);

/// Margin before the time that the receiver named: a request takes a while on its way.
const MARGIN: Duration = Duration::from_secs(1);

/// Maximum time without a request for any connection, HTTP/2 included.
const LONGEST_IDLE: Duration = Duration::from_secs(30);

/// Interval at which expired connections are closed.
const ROUND: Duration = Duration::from_secs(2);

/// Maximum idle connections per host: as many as one endpoint has in flight at its best, so that none is made anew at
/// full speed.
const MOST_IDLE_PER_HOST: usize = 64;

/// Maximum idle connections in all. Each holds a descriptor.
const MOST_IDLE: usize = 4096;

/// Scheme and authority, as a URL begins: connections are one host's, and not shared with other names for it.
type Origin = str;

#[derive(Clone)]
pub(super) struct Pool {
    inner: Arc<Mutex<Inner>>,
    env: Arc<dyn Env>,
    /// Maximum idle HTTP/1.1 connections of all hosts.
    most: usize,
}

#[derive(Default)]
struct Inner {
    hosts: HashMap<Box<Origin>, Host>,
    /// HTTP/1.1 connections of all hosts.
    idle: usize,
    is_watched: bool,
}

#[derive(Default)]
struct Host {
    /// The last one used is at the end.
    idle: Vec<Idle<Box<Http1>>>,
    http2: Option<Idle<Http2>>,
}

struct Idle<T> {
    connection: T,
    /// Time at which it is dropped.
    until: Duration,
}

impl Pool {
    pub(super) fn new(env: Arc<dyn Env>) -> Self {
        Self::with_room_for(MOST_IDLE, env)
    }

    fn with_room_for(most: usize, env: Arc<dyn Env>) -> Self {
        Self { inner: Arc::default(), env, most }
    }

    /// Takes an idle connection. It may have gone stale.
    pub(super) fn take(&self, origin: &Origin) -> Option<Connection> {
        let now = self.env.elapsed_roughly();
        let mut inner = self.inner();
        let inner = &mut *inner;
        let host = inner.hosts.get_mut(origin)?;
        if let Some(http2) = host.http2.as_mut().filter(|http2| http2.is_good(now)) {
            http2.until = now + LONGEST_IDLE;
            return Some(Connection::Http2(http2.connection.clone()));
        }
        host.http2 = None;
        while let Some(idle) = host.idle.pop() {
            inner.idle -= 1;
            if idle.until > now {
                return Some(Connection::Http1(idle.connection));
            }
        }
        None
    }

    /// Keeps an HTTP/1.1 connection that is free for the next request.
    pub(super) fn put(&self, origin: &Origin, connection: Box<Http1>) {
        let idle_for = idle_for(connection.keep_alive());
        if idle_for.is_zero() {
            return;
        }
        let until = self.env.elapsed_roughly() + idle_for;
        let mut inner = self.inner();
        let has_room = inner.idle < self.most;
        let host = inner.host(origin);
        if has_room && host.idle.len() < MOST_IDLE_PER_HOST {
            host.idle.push(Idle { connection, until });
            inner.idle += 1;
        }
        self.watch(inner);
    }

    /// Shares a new HTTP/2 connection with later requests, unless there is one by now. Returns the one to use, and true
    /// if others use it.
    pub(super) fn share(&self, origin: &Origin, connection: Http2) -> (Http2, bool) {
        let now = self.env.elapsed_roughly();
        let mut inner = self.inner();
        let host = inner.host(origin);
        let there = host.http2.take().filter(|http2| http2.is_good(now));
        let is_there = there.is_some();
        let http2 = there.map_or(connection, |http2| http2.connection);
        host.http2 = Some(Idle { connection: http2.clone(), until: now + LONGEST_IDLE });
        self.watch(inner);
        (http2, is_there)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, mut inner: MutexGuard<'_, Inner>) {
        if !std::mem::replace(&mut inner.is_watched, true) {
            TokioExecutor::new().execute(rounds(Arc::downgrade(&self.inner), self.env.clone()));
        }
    }
}

impl Idle<Http2> {
    fn is_good(&self, now: Duration) -> bool {
        self.until > now && !self.connection.is_closed()
    }
}

impl Inner {
    fn host(&mut self, origin: &Origin) -> &mut Host {
        if !self.hosts.contains_key(origin) {
            self.hosts.insert(origin.into(), Host::default());
        }
        self.hosts.get_mut(origin).expect("it was there or was just put there")
    }

    /// Takes out expired connections.
    fn end_round(&mut self, now: Duration) -> (Vec<Idle<Box<Http1>>>, Vec<Idle<Http2>>) {
        let (mut left, mut shared_left) = (Vec::new(), Vec::new());
        self.hosts.retain(|_, host| {
            left.extend(host.idle.extract_if(.., |idle| idle.until <= now));
            shared_left.extend(host.http2.take_if(|http2| !http2.is_good(now)));
            !host.idle.is_empty() || host.http2.is_some()
        });
        self.idle -= left.len();
        self.is_watched = !self.hosts.is_empty();
        (left, shared_left)
    }
}

/// Time for which a connection is kept whose receiver closes it after `keep_alive` without a request.
fn idle_for(keep_alive: Option<Duration>) -> Duration {
    keep_alive.map_or(IDLE, |keep_alive| keep_alive.saturating_sub(MARGIN).min(LONGEST_IDLE))
}

/// Closes expired connections. Ends with the pool, or when that is empty.
async fn rounds(pool: Weak<Mutex<Inner>>, env: Arc<dyn Env>) {
    loop {
        env.sleep(ROUND).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut inner = pool.lock().unwrap_or_else(PoisonError::into_inner);
        let left = inner.end_round(env.elapsed_roughly());
        let is_watched = inner.is_watched;
        drop(inner);
        // Closed outside the lock.
        drop(left);
        if !is_watched {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::clock::TestEnv;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::dial::stream::Stream;

    #[tokio::test]
    async fn the_idle_connections_of_all_hosts_are_bounded_and_one_that_is_taken_makes_room() {
        let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connect = async || {
            let stream = TcpStream::connect(receiver.local_addr().unwrap()).await.unwrap();
            Box::new(Http1::new(Stream::Plain(stream)))
        };
        let pool = Pool::with_room_for(2, Arc::new(TestEnv::new()));
        for host in ["http://a", "http://b", "http://c"] {
            pool.put(host, connect().await);
        }
        assert!(pool.take("http://c").is_none(), "a third is closed");
        assert!(pool.take("http://a").is_some());
        pool.put("http://c", connect().await);
        assert!(pool.take("http://c").is_some() && pool.take("http://b").is_some());
    }

    #[test]
    fn a_connection_leaves_a_second_before_its_receiver_closes_it() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let cases =
            [(None, 4), (seconds(5), 4), (seconds(2), 1), (seconds(1), 0), (seconds(0), 0), (seconds(3600), 30)];
        for (keep_alive, kept) in cases {
            assert_eq!(idle_for(keep_alive), Duration::from_secs(kept), "{keep_alive:?}");
        }
    }
}
