//! A look at both clocks: the one on the wall and the stopwatch.

use std::time::Duration;

use model::env::Env;
use model::time::Timestamp;

/// While something waits for its time, the clock is looked at so often.
pub(super) const LONGEST_UNWATCHED: Duration = Duration::from_secs(10);

/// The time, and how far it is ahead of the stopwatch in milliseconds.
pub(super) fn read(env: &dyn Env) -> (Timestamp, i64) {
    let (now, elapsed) = (env.now(), env.elapsed());
    (now, now.as_millis() - i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}
