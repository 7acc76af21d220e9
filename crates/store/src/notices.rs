//! What operators are to know about this process: shown by `GET /v1/cluster`, said by `posthaste doctor`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Store;
use crate::local_faults::Seen;
use crate::store::Database;

/// How long a fault of this machine is said after it last stopped a delivery.
const FAULTS_FOR: Duration = Duration::from_secs(600);

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its name for programs.
    pub code: &'static str,
    pub level: Level,
    pub message: String,
    /// What to do about it.
    pub remedy: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The operator chose it, and may have forgotten.
    Information,
    /// It harms, or could.
    Warning,
}

/// What the parts of the server said about themselves at start.
#[derive(Default)]
pub(crate) struct Notices(Mutex<Vec<Notice>>);

impl Store {
    /// From here on operators are shown it.
    pub fn say(&self, notice: Notice) {
        self.said().0.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    /// What there is to know now.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices = match self.database() {
            Database::Embedded(_) => Vec::new(),
            Database::Cluster(db) => db.notices(),
        };
        notices.extend(self.said().0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        let now = self.now();
        let recent = |seen: &Seen| seen.last_at.until(now) <= FAULTS_FOR;
        notices.extend(self.local_faults().into_iter().filter(recent).map(of_fault));
        notices
    }
}

fn of_fault(seen: Seen) -> Notice {
    let Seen { fault, count, last_at } = seen;
    Notice {
        code: fault.code(),
        level: Level::Warning,
        message: format!("{fault}: it kept deliveries waiting {count} times since the start, last at {last_at}"),
        remedy: Some(fault.remedy()),
    }
}
