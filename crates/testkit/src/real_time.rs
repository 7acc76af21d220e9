//! The machine's own clock, for tests in which other programs' timers have a part.

use std::time::{Duration, Instant};

use model::env::{Env, Sleep};
use model::time::Timestamp;

use crate::clock::TestEnv;

/// An `Env` whose time passes by itself. Its randomness is a test's.
pub struct RealTime {
    began: Instant,
    chance: TestEnv,
}

impl RealTime {
    #[expect(clippy::disallowed_methods, reason = "this is a door")]
    pub fn new() -> Self {
        Self { began: Instant::now(), chance: TestEnv::new() }
    }
}

impl Default for RealTime {
    fn default() -> Self {
        Self::new()
    }
}

impl Env for RealTime {
    fn now(&self) -> Timestamp {
        crate::clock::START + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is a door")]
    fn sleep(&self, wait: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(wait))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.chance.fill(bytes);
    }
}
