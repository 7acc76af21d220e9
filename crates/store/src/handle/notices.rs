//! Verbs about what operators are to know of this process.

use crate::Store;
use crate::handle::Database;
use crate::notices::{self, Notice};

impl Store {
    /// From here on operators are shown it.
    pub fn post_notice(&self, notice: Notice) {
        self.said().add(notice);
    }

    /// What there is to know now.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices = match self.database() {
            Database::Embedded(_) => Vec::new(),
            Database::Cluster(db) => db.notices(),
        };
        notices.extend(self.said().all());
        notices.extend(notices::of_recent_faults(self.local_faults(), self.now()));
        notices
    }
}
