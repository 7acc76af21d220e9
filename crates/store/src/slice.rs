//! What one verb may do at a time: work that may be long is done in slices, each a commit of its own, so that nobody
//! else's verb waits behind all of it.

use std::time::Duration;

use model::env::Env;
use tokio::time::Instant;

use crate::Store;
use crate::store::Database;

/// Rows that a slice changes at most.
pub const ROWS: usize = 256;

/// How long a slice may keep the writer from everybody else's verbs, less than half of what they can bear (20 ms): its
/// commit comes on top. It looks at the clock after every few rows, so slow disks get smaller slices.
pub const HOLD: Duration = Duration::from_millis(5);

/// The same while other projects commit too: each commit is one that they may just have missed.
pub const HOLD_IN_COMPANY: Duration = Duration::from_millis(2);

/// The longest that is rested after a slice: what took longer waited for something else.
const LONGEST_REST: Duration = Duration::from_millis(250);

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

impl Store {
    /// While others commit too: leaves the writer and the disk alone for as long as a slice took that began then, so that
    /// slices take half of them at most. By the runtime's clock: it is about the machine.
    #[expect(clippy::disallowed_methods, reason = "tests own the clock of events, and not the writer's time")]
    pub(crate) async fn leave_room(&self, began: Instant) {
        if let Database::Embedded(db) = self.database()
            && !db.is_busy()
        {
            return;
        }
        tokio::time::sleep(began.elapsed().min(LONGEST_REST)).await;
    }
}
