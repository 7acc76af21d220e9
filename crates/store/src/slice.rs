//! Bounds of one verb: work that may be long is done in slices, each a commit of its own, so that no other verb waits
//! behind all of it.

use std::time::Duration;

use model::env::Env;

/// Maximum rows that a slice changes.
pub const ROWS: usize = 256;

/// Maximum time for which a slice keeps the writer from other verbs, less than half of what they can bear (20 ms): its
/// commit comes on top. It checks the clock after every few rows, so slow disks get smaller slices.
pub const MAX_WRITER_HOLD: Duration = Duration::from_millis(5);

/// The same while other projects commit too: each commit is one that they may just have missed.
pub const MAX_WRITER_HOLD_SHARED: Duration = Duration::from_millis(2);

/// The rows and the time left to a slice.
pub(crate) struct Patience {
    began: Duration,
    hold: Duration,
    left: usize,
}

impl Patience {
    pub(crate) fn begin(env: &dyn Env, hold: Duration) -> Self {
        Self { began: env.elapsed(), hold, left: ROWS }
    }

    pub(crate) fn spend(&mut self, rows: usize) {
        self.left = self.left.saturating_sub(rows);
    }

    pub(crate) fn left(&self) -> usize {
        self.left
    }

    pub(crate) fn is_over(&self, env: &dyn Env) -> bool {
        self.left == 0 || env.elapsed().saturating_sub(self.began) >= self.hold
    }
}
