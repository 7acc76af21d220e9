//! The one door to time, sleep and randomness. The server opens it onto the real world; tests hold the handle
//! themselves.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::time::Timestamp;

/// A sleep that can be stored in a struct and polled beside other work.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Source of time, waits and randomness for every part of Posthaste.
pub trait Env: Send + Sync + 'static {
    /// The wall clock, to the millisecond.
    fn now(&self) -> Timestamp;

    /// The time, where a clock that many nodes share says `theirs`. An environment that owns its clock, as those of
    /// tests do, goes by its own.
    fn shared(&self, _theirs: Timestamp) -> Timestamp {
        self.now()
    }

    /// A clock that many nodes share said `theirs` within the last `uncertainty`: from now on [`now`](Self::now) goes
    /// by it, so that nodes with wrong clocks agree. An environment that owns its clock ignores it.
    fn correct(&self, _theirs: Timestamp, _uncertainty: Duration) {}

    /// Milliseconds by which [`now`](Self::now) is ahead of the machine's own clock because of that.
    fn corrected_by(&self) -> i64 {
        0
    }

    /// A clock that never goes back, for measuring durations.
    fn elapsed(&self) -> Duration;

    /// The same but for some milliseconds, at a fraction of the cost: for what is counted in seconds.
    fn elapsed_roughly(&self) -> Duration {
        self.elapsed()
    }

    /// Resolves when `wait` has passed on this environment's clock.
    fn sleep(&self, wait: Duration) -> Sleep;

    /// Resolves when the wall clock, if nobody sets it meanwhile, says `at`.
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.sleep(self.now().until(at))
    }

    /// Fills `bytes` from a cryptographic source.
    fn fill(&self, bytes: &mut [u8]);

    /// A number in `0.0..1.0`, evenly spread: jitter and nothing else.
    fn dice(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}
