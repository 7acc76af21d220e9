//! Faults of this machine that stopped deliveries, in memory: the engine notes them, operators are shown them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::local_fault::LocalFault;
use model::time::Timestamp;

/// Minimum time between log lines about the same fault.
const LOG_EVERY: Duration = Duration::from_secs(30);

/// A fault, with the number of times it stopped a delivery since this process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub fault: LocalFault,
    pub count: u64,
    pub last_at: Timestamp,
}

/// All faults since this process started.
#[derive(Default)]
pub(crate) struct LocalFaults(Mutex<Vec<Entry>>);

struct Entry {
    seen: Seen,
    /// On the monotonic clock.
    logged_at: Duration,
    /// Deliveries stopped since the fault was last logged.
    unlogged: u64,
}

impl LocalFaults {
    /// Notes that `fault` stopped a delivery. If it is to be logged now, returns the number of deliveries it stopped
    /// since it was last logged.
    pub(crate) fn note(&self, fault: LocalFault, now: Timestamp, elapsed: Duration) -> Option<u64> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.iter_mut().find(|entry| entry.seen.fault == fault) else {
            let seen = Seen { fault, count: 1, last_at: now };
            entries.push(Entry { seen, logged_at: elapsed, unlogged: 0 });
            return Some(1);
        };
        entry.seen.count += 1;
        entry.seen.last_at = now;
        entry.unlogged += 1;
        if elapsed.saturating_sub(entry.logged_at) < LOG_EVERY {
            return None;
        }
        entry.logged_at = elapsed;
        Some(std::mem::take(&mut entry.unlogged))
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|entry| entry.seen).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_counted_each_time_and_logged_once_in_a_while() {
        let faults = LocalFaults::default();
        let at = |seconds: u64| Timestamp::from_millis(0) + Duration::from_secs(seconds);
        let note = |fault, second| faults.note(fault, at(second), Duration::from_secs(second));
        assert_eq!(note(LocalFault::OpenFiles, 0), Some(1));
        assert_eq!(note(LocalFault::Ports, 1), Some(1));
        for second in 1..30 {
            assert_eq!(note(LocalFault::OpenFiles, second), None);
        }
        assert_eq!(note(LocalFault::OpenFiles, 30), Some(30));
        assert_eq!(note(LocalFault::OpenFiles, 31), None);
        let seen = faults.seen();
        assert_eq!(seen[0], Seen { fault: LocalFault::OpenFiles, count: 32, last_at: at(31) });
        assert_eq!((seen[1].fault, seen[1].count), (LocalFault::Ports, 1));
    }
}
