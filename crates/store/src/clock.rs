//! Real time, for everything between this node and its database: leases, waits for a database that is away, deadlines
//! of searches. A test that owns the clock of events does not own this one.

use std::future::Future;
use std::time::Duration;

#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(crate) async fn wait(wait: Duration) {
    tokio::time::sleep(wait).await;
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(crate) async fn wait_until(at: tokio::time::Instant) {
    tokio::time::sleep_until(at).await;
}

/// `None` if the work was not done in time.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(crate) async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, work).await.ok()
}
