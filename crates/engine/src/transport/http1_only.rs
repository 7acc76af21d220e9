//! Hosts that asked for HTTP/1.1 (`HTTP_1_1_REQUIRED`): HTTP/2 is not offered to them for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time for which a host stays on HTTP/1.1 after it last asked for that.
const STAYS: Duration = Duration::from_secs(3600);

/// Maximum hosts remembered. The one that asked first makes room for another.
const MOST_HOSTS: usize = 4096;

/// The time at which HTTP/2 is offered again, by origin.
#[derive(Default)]
pub(super) struct Http1Only(Mutex<HashMap<Box<str>, Duration>>);

impl Http1Only {
    pub(super) fn has(&self, origin: &str, now: Duration) -> bool {
        self.hosts().get(origin).is_some_and(|until| *until > now)
    }

    pub(super) fn add(&self, origin: &str, now: Duration) {
        let mut hosts = self.hosts();
        if hosts.len() >= MOST_HOSTS && !hosts.contains_key(origin) {
            hosts.retain(|_, until| *until > now);
            make_room(&mut hosts);
        }
        hosts.insert(origin.into(), now + STAYS);
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<Box<str>, Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(hosts: &mut HashMap<Box<str>, Duration>) {
    if hosts.len() < MOST_HOSTS {
        return;
    }
    let first = hosts.iter().min_by_key(|(_, until)| **until).map(|(origin, _)| origin.clone());
    if let Some(first) = first {
        hosts.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stays_for_an_hour() {
        let hosts = Http1Only::default();
        hosts.add("https://a.example", Duration::ZERO);
        let almost = STAYS - Duration::from_millis(1);
        assert!(hosts.has("https://a.example", almost) && !hosts.has("https://a.example", STAYS));
        assert!(!hosts.has("https://a.example:8443", almost) && !hosts.has("http://a.example", almost));
    }

    #[test]
    fn so_many_are_remembered_and_the_first_makes_room() {
        let hosts = Http1Only::default();
        let origin = |number: usize| format!("https://{number}.example");
        let now = |number: usize| Duration::from_millis(number as u64);
        for number in 0..=MOST_HOSTS {
            hosts.add(&origin(number), now(number));
        }
        assert_eq!(hosts.hosts().len(), MOST_HOSTS);
        let end = now(MOST_HOSTS);
        assert!(!hosts.has(&origin(0), end) && hosts.has(&origin(1), end) && hosts.has(&origin(MOST_HOSTS), end));
    }
}
