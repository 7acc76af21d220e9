//! A test's clock that can also go back, as a server's does when somebody sets it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::env::{Env, Sleep};
use model::time::Timestamp;
use testkit::clock::TestEnv;

#[derive(Default)]
pub(crate) struct Clock {
    env: TestEnv,
    behind_ms: AtomicU64,
}

impl Clock {
    pub(crate) fn advance(&self, by: Duration) {
        self.env.advance(by);
    }

    pub(crate) fn turn_back(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.behind_ms.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Env for Clock {
    fn now(&self) -> Timestamp {
        self.env.now() - Duration::from_millis(self.behind_ms.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.env.elapsed()
    }

    fn sleep(&self, wait: Duration) -> Sleep {
        self.env.sleep(wait)
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.env.fill(bytes);
    }
}
