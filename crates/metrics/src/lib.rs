//! Counters and histograms of a process, as atomics: counting takes no lock and a reader asks nobody.
//!
//! Their names stand once, in [`names`], which is what operators write into dashboards and alerts.

mod histogram;
pub mod names;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use self::histogram::Buckets;
pub use self::histogram::{BOUNDS, Snapshot};
pub use self::names::{Counter, Histogram};

/// All counters and histograms of a process. It is made once and handed to whatever counts.
#[derive(Debug, Default)]
pub struct Metrics {
    counters: [AtomicU64; Counter::ALL.len()],
    histograms: [Buckets; Histogram::ALL.len()],
}

impl Metrics {
    pub fn add(&self, counter: Counter, count: u64) {
        self.counters[counter as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub fn count(&self, counter: Counter) -> u64 {
        self.counters[counter as usize].load(Ordering::Relaxed)
    }

    pub fn observe(&self, histogram: Histogram, took: Duration) {
        self.histograms[histogram as usize].observe(took);
    }

    pub fn histogram(&self, histogram: Histogram) -> Snapshot {
        self.histograms[histogram as usize].snapshot()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn counts_of_many_threads_are_all_there() {
        let metrics = Arc::new(Metrics::default());
        let threads = (0..4).map(|_| {
            let metrics = metrics.clone();
            thread::spawn(move || {
                for _ in 0..1_000 {
                    metrics.add(Counter::EventsAccepted, 2);
                    metrics.observe(Histogram::CommitSeconds, Duration::from_millis(3));
                }
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());

        assert_eq!(metrics.count(Counter::EventsAccepted), 8_000);
        assert_eq!(metrics.count(Counter::Panics), 0);
        let commits = metrics.histogram(Histogram::CommitSeconds);
        assert_eq!((commits.count, commits.sum), (4_000, Duration::from_secs(12)));
    }
}
