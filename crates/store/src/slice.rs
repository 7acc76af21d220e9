//! What one verb may do at a time: work that may be long is done in slices, each a commit of its own, so that nobody
//! else's verb waits behind all of it.

use std::time::Duration;

use model::env::Env;

/// Rows that a slice changes at most.
pub const ROWS: usize = 256;

/// How long a slice may keep the writer from everybody else's verbs, less than half of what they can bear (20 ms): its
/// commit comes on top. It looks at the clock after every few rows, so slow disks get smaller slices.
pub const MAX_WRITER_HOLD: Duration = Duration::from_millis(5);

/// The same while other projects commit too: each commit is one that they may just have missed.
pub const MAX_WRITER_HOLD_SHARED: Duration = Duration::from_millis(2);

/// What is left of the rows and the time of a slice.
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

    /// Rows that are left.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    pub(crate) fn is_over(&self, env: &dyn Env) -> bool {
        self.left == 0 || env.elapsed().saturating_sub(self.began) >= self.hold
    }
}
