//! Time for which commits held those who wait for the next one: a histogram in memory, for operators, benchmarks and
//! tests.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Buckets, each a quarter longer than the one before; the last is unbounded.
const BUCKETS: usize = 64;

/// A commit that held others for at least this time is logged.
const LONG: Duration = Duration::from_millis(20);

/// The bucket that ends with [`LONG`], so that every quantile is known to be above that or not.
const LONG_ENDS: i32 = 27;

#[derive(Debug)]
pub(crate) struct Holds {
    buckets: [AtomicU64; BUCKETS],
    /// In microseconds.
    longest: AtomicU64,
    most_rows: AtomicUsize,
}

/// Summary of the histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub commits: u64,
    /// Rounded up, by a quarter at most.
    pub p50: Duration,
    pub p99: Duration,
    pub longest: Duration,
    /// Rows put by the largest commit.
    pub most_rows: usize,
}

impl Default for Holds {
    fn default() -> Self {
        let buckets = std::array::from_fn(|_| AtomicU64::new(0));
        Self { buckets, longest: AtomicU64::new(0), most_rows: AtomicUsize::new(0) }
    }
}

impl Holds {
    pub(crate) fn record(&self, held: Duration, verbs: usize, rows: usize) {
        let micros = u64::try_from(held.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.longest.fetch_max(micros, Ordering::Relaxed);
        self.most_rows.fetch_max(rows, Ordering::Relaxed);
        if held >= LONG {
            tracing::debug!(commit.held_us = micros, commit.verbs = verbs, commit.rows = rows, "long commit");
        }
    }

    pub(crate) fn held(&self) -> Held {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let longest = Duration::from_micros(self.longest.load(Ordering::Relaxed));
        Held {
            commits: counts.iter().sum(),
            p50: quantile(&counts, 0.5).min(longest),
            p99: quantile(&counts, 0.99).min(longest),
            longest,
            most_rows: self.most_rows.load(Ordering::Relaxed),
        }
    }

    /// Logs the summary.
    pub(crate) fn tell(&self) {
        let Held { commits, p50, p99, longest, most_rows } = self.held();
        tracing::info!(
            commits,
            p50_us = p50.as_micros(),
            p99_us = p99.as_micros(),
            longest_us = longest.as_micros(),
            most_rows,
            "how long commits held those who waited"
        );
    }
}

/// End of the bucket, in microseconds.
fn end(bucket: usize) -> f64 {
    let steps = i32::try_from(bucket).unwrap_or(i32::MAX) - LONG_ENDS;
    LONG.as_secs_f64() * 1e6 * 1.25_f64.powi(steps)
}

#[expect(clippy::cast_precision_loss, reason = "a microsecond in a hundred years")]
fn bucket(micros: u64) -> usize {
    (0..BUCKETS - 1).find(|bucket| micros as f64 <= end(*bucket)).unwrap_or(BUCKETS - 1)
}

#[expect(clippy::cast_precision_loss, reason = "commits that are counted in years")]
fn quantile(counts: &[u64], share: f64) -> Duration {
    let wanted = counts.iter().sum::<u64>() as f64 * share;
    let mut seen = 0;
    let reached = counts.iter().position(|count| {
        seen += count;
        *count > 0 && seen as f64 >= wanted
    });
    reached.map_or(Duration::ZERO, |bucket| Duration::from_secs_f64(end(bucket) / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_commits_have_a_middle_an_end_and_a_largest() {
        let holds = Holds::default();
        (1..=98).for_each(|_| holds.record(Duration::from_millis(1), 1, 3));
        (1..=2).for_each(|ms| holds.record(Duration::from_millis(100 * ms), 7, 500));

        let held = holds.held();

        assert_eq!((held.commits, held.longest, held.most_rows), (100, Duration::from_millis(200), 500));
        assert!((1_000..=1_250).contains(&held.p50.as_micros()), "{held:?}");
        assert!((100_000..=125_000).contains(&held.p99.as_micros()), "{held:?}");
        assert_eq!(Holds::default().held().p99, Duration::ZERO);
    }

    #[test]
    fn what_ninety_nine_of_a_hundred_stay_within_is_not_told_as_more() {
        let holds = Holds::default();
        (1..=99).for_each(|_| holds.record(LONG, 1, 1));
        holds.record(Duration::from_secs(1), 1, 1);

        assert_eq!(holds.held().p99, LONG);
    }
}
