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

/// The part of the writer and the disk that slices leave to others while several projects commit, by what they take: what
/// a slice writes goes on for a while after its commit, in the tables and in their file.
const LEFT_IN_COMPANY: u32 = 3;

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
    /// slices take half of them at most, and a quarter beside other projects.
    pub(crate) async fn leave_room(&self, began: Instant) {
        let left = match self.database() {
            Database::Embedded(db) if db.has_company() => LEFT_IN_COMPANY,
            Database::Embedded(db) if !db.is_busy() => return,
            Database::Embedded(_) | Database::Cluster(_) => 1,
        };
        rest(began, left).await;
    }

    /// The same for a request that is answered when its last slice is committed: it does not rest for its own project.
    pub(crate) async fn leave_room_for_other_projects(&self, began: Instant) {
        if let Database::Embedded(db) = self.database()
            && db.has_company()
        {
            rest(began, LEFT_IN_COMPANY).await;
        }
    }
}

/// By the runtime's clock: it is about the machine.
#[expect(clippy::disallowed_methods, reason = "tests own the clock of events, and not the writer's time")]
async fn rest(began: Instant, times: u32) {
    tokio::time::sleep((began.elapsed() * times).min(LONGEST_REST)).await;
}
