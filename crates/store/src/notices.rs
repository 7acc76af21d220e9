//! Notices about this process for operators: shown by `GET /v1/cluster` and `posthaste doctor`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::time::Timestamp;

use crate::local_faults::Seen;

/// Time for which a fault of this machine is shown after it last stopped a delivery.
const FAULTS_FOR: Duration = Duration::from_secs(600);

/// A notice for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Machine-readable name.
    pub code: &'static str,
    pub level: Level,
    pub message: String,
    /// Advice to the operator.
    pub remedy: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The operator chose it, and may have forgotten.
    Information,
    /// It does harm, or could.
    Warning,
}

/// Notices that parts of the server posted about themselves at start.
#[derive(Default)]
pub(crate) struct Notices(Mutex<Vec<Notice>>);

impl Notices {
    pub(crate) fn add(&self, notice: Notice) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    pub(crate) fn all(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Notices of the faults of this machine that stopped a delivery not long before `now`.
pub(crate) fn of_recent_faults(faults: Vec<Seen>, now: Timestamp) -> impl Iterator<Item = Notice> {
    faults.into_iter().filter(move |seen| seen.last_at.until(now) <= FAULTS_FOR).map(of_fault)
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
