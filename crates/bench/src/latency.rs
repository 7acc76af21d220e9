//! Quantiles of many latencies.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Maximum latency. Longer ones count as this long.
const LONGEST: Duration = Duration::from_secs(600);

/// Latencies, recorded to three digits. An arrival before its cause counts as zero.
pub(crate) struct Latencies {
    nanoseconds: Histogram<u64>,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        let longest = LONGEST.as_nanos() as u64;
        Self { nanoseconds: Histogram::new_with_max(longest, 3).expect("a maximum above two, three digits") }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        self.nanoseconds.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let milliseconds = |quantile| self.nanoseconds.value_at_quantile(quantile) as f64 / 1e6;
        Quantiles {
            p50_ms: milliseconds(0.5),
            p99_ms: milliseconds(0.99),
            p999_ms: milliseconds(0.999),
            max_ms: self.nanoseconds.max() as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::new();
        for milliseconds in 1..=1_000 {
            latencies.record(Duration::from_millis(milliseconds));
        }
        let quantiles = latencies.quantiles();
        assert!((quantiles.p50_ms - 500.0).abs() < 1.0, "{}", quantiles.p50_ms);
        assert!((quantiles.p99_ms - 990.0).abs() < 2.0, "{}", quantiles.p99_ms);
        assert!((quantiles.max_ms - 1_000.0).abs() < 2.0, "{}", quantiles.max_ms);
    }
}
