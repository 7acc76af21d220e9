//! Durations in buckets, as Prometheus has them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets: from half a millisecond to a minute, each about two and a half times the last. One more
/// bucket has all that is longer.
pub const BOUNDS: [Duration; 12] = [
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

#[derive(Debug, Default)]
pub(crate) struct Buckets {
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Durations up to each bound, those of the bounds before included.
    pub up_to: [u64; BOUNDS.len()],
    /// All of them.
    pub count: u64,
    pub sum: Duration,
}

impl Buckets {
    pub(crate) fn observe(&self, took: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < took);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Counts of one moment, as far as nobody observes meanwhile.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut count = 0;
        let mut up_to = [0; BOUNDS.len()];
        for (at, bucket) in self.counts.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            if let Some(up_to) = up_to.get_mut(at) {
                *up_to = count;
            }
        }
        Snapshot { up_to, count, sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_its_bucket_and_in_all_above() {
        let buckets = Buckets::default();
        for took in [Duration::ZERO, BOUNDS[0], BOUNDS[0] + Duration::from_nanos(1), Duration::from_secs(3600)] {
            buckets.observe(took);
        }
        let Snapshot { up_to, count, sum } = buckets.snapshot();
        assert_eq!(up_to[..3], [2, 3, 3]);
        assert_eq!((up_to[BOUNDS.len() - 1], count), (3, 4));
        assert_eq!(sum, Duration::from_secs(3600) + BOUNDS[0] * 2 + Duration::from_nanos(1));
    }
}
