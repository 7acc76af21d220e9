//! Verbs about notices for operators of this process.

use crate::Store;
use crate::handle::Database;
use crate::notices::{self, Notice};

impl Store {
    /// Shows a notice to operators from now on.
    pub fn post_notice(&self, notice: Notice) {
        self.said().add(notice);
    }

    /// All notices as of now.
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
