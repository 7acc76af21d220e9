//! The pulse of a connection: whether a request is under way on it, one is arriving, or nothing happens.
//!
//! hyper's own time-out sets a timer for every request and counts idleness as slowness. This one sets a timer for a
//! connection now and then and looks at what has happened since.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Version;
use model::env::Env;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A request's head must have come whole after this long.
const LONGEST_HEAD: Duration = Duration::from_secs(10);

/// A connection on which nothing happens is closed after this long. Longer than clients and proxies usually keep one,
/// so that they close first and lose no request.
const LONGEST_IDLE: Duration = Duration::from_secs(75);

/// A head may begin while idleness is timed: the pulse is felt at least so often.
const LOOK: Duration = Duration::from_secs(5);

pub(super) struct Pulse {
    env: Arc<dyn Env>,
    /// Requests under way.
    requests: AtomicU32,
    /// A head is arriving: something was read since the last request began.
    arriving: AtomicBool,
    /// Several requests share the connection, and frames come that belong to none: reading is no sign of life.
    shared: AtomicBool,
    /// Milliseconds on the environment's clock since when it is as it is.
    since: AtomicU64,
}

impl Pulse {
    /// Of a new connection, whose first request is awaited at once.
    pub(super) fn new(env: Arc<dyn Env>) -> Self {
        let pulse = Self {
            env,
            requests: AtomicU32::new(0),
            arriving: AtomicBool::new(true),
            shared: AtomicBool::new(false),
            since: AtomicU64::new(0),
        };
        pulse.touch();
        pulse
    }

    /// A request is under way for as long as that is kept.
    pub(super) fn begin(self: Arc<Self>, version: Version) -> UnderWay {
        self.shared.store(version == Version::HTTP_2, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.arriving.store(false, Ordering::Relaxed);
        UnderWay(self)
    }

    /// Resolves when the connection has been still for too long.
    pub(super) async fn stops(&self) {
        loop {
            let limit = self.limit();
            let still_for = self.now().saturating_sub(self.since.load(Ordering::Relaxed));
            match limit.checked_sub(Duration::from_millis(still_for)) {
                Some(left) if !left.is_zero() => self.env.sleep(left.min(LOOK)).await,
                _ => return,
            }
        }
    }

    /// How long it may stay as it is.
    fn limit(&self) -> Duration {
        if self.requests.load(Ordering::Relaxed) > 0 {
            // A request has its own bounds. Looked at again later.
            self.touch();
            return LONGEST_IDLE;
        }
        if self.arriving.load(Ordering::Relaxed) { LONGEST_HEAD } else { LONGEST_IDLE }
    }

    fn read(&self) {
        // Pings alone keep nothing open: a shared connection is idle from the end of its last request on.
        let is_idle = !self.shared.load(Ordering::Relaxed) && self.requests.load(Ordering::Relaxed) == 0;
        if is_idle && !self.arriving.swap(true, Ordering::Relaxed) {
            self.touch();
        }
    }

    fn touch(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.env.elapsed_roughly().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A request, until it is answered or given up.
pub(super) struct UnderWay(Arc<Pulse>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let pulse = &self.0;
        pulse.arriving.store(false, Ordering::Relaxed);
        pulse.touch();
        pulse.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket whose reads are felt.
pub(super) struct Felt {
    stream: TcpStream,
    pulse: Arc<Pulse>,
}

impl Felt {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }
}

impl AsyncRead for Felt {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.read();
        }
        polled
    }
}

impl AsyncWrite for Felt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
