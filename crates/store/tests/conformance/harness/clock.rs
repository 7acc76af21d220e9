//! A test's clock that can also go back, as a server's does when it is set.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::env::{Env, Sleep};
use model::time::Timestamp;
use testkit::clock::TestEnv;

#[derive(Default)]
pub(crate) struct Clock {
    env: TestEnv,
    behind_ms: AtomicU64,
    look_ms: AtomicU64,
    looks: AtomicU64,
}

impl Clock {
    pub(crate) fn advance(&self, by: Duration) {
        self.env.advance(by);
    }

    pub(crate) fn turn_back(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.behind_ms.fetch_add(millis, Ordering::Relaxed);
    }

    /// Makes every read of the stopwatch from now on come `to` after the one before.
    pub(crate) fn slow_down(&self, to: Duration) {
        self.look_ms.store(u64::try_from(to.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Env for Clock {
    fn now(&self) -> Timestamp {
        self.env.now() - Duration::from_millis(self.behind_ms.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        self.env.elapsed() + Duration::from_millis(looks * self.look_ms.load(Ordering::Relaxed))
    }

    fn sleep(&self, wait: Duration) -> Sleep {
        self.env.sleep(wait)
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.env.fill(bytes);
    }
}
