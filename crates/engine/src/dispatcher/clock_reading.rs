//! Reads both clocks: the wall clock and the stopwatch.

use std::time::Duration;

use model::env::Env;
use model::time::Timestamp;

/// Maximum time between two checks of the clock while something waits.
pub(super) const LONGEST_UNWATCHED: Duration = Duration::from_secs(10);

/// The time, and the milliseconds by which it is ahead of the stopwatch.
pub(super) fn read(env: &dyn Env) -> (Timestamp, i64) {
    let (now, elapsed) = (env.now(), env.elapsed());
    (now, now.as_millis() - i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}
