//! The one door to real time: a benchmark measures nothing else.

use std::future::Future;
use std::time::{Duration, Instant};

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the date of a run, the timestamp of a signature")]
pub(crate) fn date() -> Timestamp {
    Timestamp::now()
}

/// Blocks the calling thread.
#[expect(clippy::disallowed_methods, reason = "another process is waited for, which tells nobody when it is done")]
pub(crate) fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// Waits for a moment of an open loop's timetable; up to a millisecond late, as tokio's timer is.
#[expect(clippy::disallowed_methods, reason = "an open loop sends by real time")]
pub(crate) async fn until(moment: Instant) {
    tokio::time::sleep_until(moment.into()).await;
}

/// The result of `work`, or `None` if it takes longer than `limit`.
#[expect(clippy::disallowed_methods, reason = "a server that hangs must not hang the benchmark")]
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}
