//! The real world behind the one door: the system's clock, the runtime's timers, the system's randomness.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::env::{Env, Sleep};
use model::time::Timestamp;

#[derive(Debug)]
pub struct RealEnv {
    began: Instant,
    random: SystemRandom,
    /// How far the clock that the cluster goes by is ahead of this machine's, in milliseconds.
    ahead: AtomicI64,
}

/// Clocks that differ by less are the same: the answer's way here is not measured any better.
const SAME: Duration = Duration::from_millis(100);

impl RealEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn new() -> Self {
        Self { began: Instant::now(), random: SystemRandom::new(), ahead: AtomicI64::new(0) }
    }
}

impl Default for RealEnv {
    fn default() -> Self {
        Self::new()
    }
}

/// By this machine's clock, right or wrong.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn machine_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Env for RealEnv {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(machine_millis() + self.ahead.load(Ordering::Relaxed))
    }

    fn shared(&self, theirs: Timestamp) -> Timestamp {
        theirs
    }

    fn correct(&self, theirs: Timestamp, uncertainty: Duration) {
        let ahead = theirs.as_millis() - machine_millis();
        let off = ahead.abs_diff(self.ahead.load(Ordering::Relaxed));
        if Duration::from_millis(off) > SAME + uncertainty {
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }

    fn corrected_by(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn sleep(&self, wait: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(wait))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.random.fill(bytes).expect("the system's random source does not fail once it has been seeded");
    }
}
