//! Rests between the slices of long work.

use std::time::Duration;

use tokio::time::Instant;

use crate::Store;
use crate::handle::Database;

/// Rest after a slice while several projects commit, by what the slice took of the writer and the disk: what it writes
/// goes on for a while after its commit, in the tables and in their file.
const LEFT_IN_COMPANY: u32 = 3;

/// Maximum rest after a slice: one that took longer waited for something else.
const LONGEST_REST: Duration = Duration::from_millis(250);

impl Store {
    /// Leaves the writer and the disk alone while others commit too, for as long as the slice took that began at
    /// `began`. So slices take half of them at most, and a quarter beside other projects. On PostgreSQL it always
    /// rests.
    pub(crate) async fn leave_room(&self, began: Instant) {
        let left = match self.database() {
            Database::Embedded(db) if db.has_company() => LEFT_IN_COMPANY,
            Database::Embedded(db) if !db.is_busy() => return,
            Database::Embedded(_) | Database::Cluster(_) => 1,
        };
        rest(began, left).await;
    }

    /// The same for a request that is answered when its last slice is committed: it rests for other projects only.
    pub(crate) async fn leave_room_for_other_projects(&self, began: Instant) {
        if let Database::Embedded(db) = self.database()
            && db.has_company()
        {
            rest(began, LEFT_IN_COMPANY).await;
        }
    }
}

/// Rests by the runtime's clock: it is about the machine.
#[expect(clippy::disallowed_methods, reason = "tests own the clock of events, and not the writer's time")]
async fn rest(began: Instant, times: u32) {
    tokio::time::sleep((began.elapsed() * times).min(LONGEST_REST)).await;
}
