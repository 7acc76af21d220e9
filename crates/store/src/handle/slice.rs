//! Rests between the slices of long work.

use std::time::Duration;

use tokio::time::Instant;

use crate::Store;
use crate::handle::Database;

/// The part of the writer and the disk that slices leave to others while several projects commit, by what they take: what
/// a slice writes goes on for a while after its commit, in the tables and in their file.
const LEFT_IN_COMPANY: u32 = 3;

/// The longest that is rested after a slice: what took longer waited for something else.
const LONGEST_REST: Duration = Duration::from_millis(250);

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
