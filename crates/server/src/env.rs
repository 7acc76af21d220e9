//! The real world behind the one door: the system's clock, the runtime's timers, the system's randomness.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::env::{Env, Sleep};
use model::time::Timestamp;

#[derive(Debug)]
pub struct RealEnv {
    began: Instant,
    random: SystemRandom,
}

impl RealEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn new() -> Self {
        Self { began: Instant::now(), random: SystemRandom::new() }
    }
}

impl Default for RealEnv {
    fn default() -> Self {
        Self::new()
    }
}

impl Env for RealEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
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
