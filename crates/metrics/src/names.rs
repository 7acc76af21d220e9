//! The table of names. A metric is here or it is not counted; a name that is here is never given another meaning.

/// Counters: they only grow, from 0 at the start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    EventsAccepted,
    LeasesLost,
    Panics,
}

/// Histograms of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Histogram {
    AttemptDurationSeconds,
    DeliveryLagSeconds,
    CommitSeconds,
}

impl Counter {
    /// In the order of their numbers.
    pub const ALL: [Self; 3] = [Self::EventsAccepted, Self::LeasesLost, Self::Panics];

    /// The name, and a sentence that explains it.
    pub const fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::EventsAccepted => ("posthaste_events_accepted_total", "Events that are on disk."),
            Self::LeasesLost => ("posthaste_leases_lost_total", "Times that this node lost all its shards."),
            Self::Panics => ("posthaste_panics_total", "Tasks and threads that panicked."),
        }
    }
}

impl Histogram {
    /// In the order of their numbers.
    pub const ALL: [Self; 3] = [Self::AttemptDurationSeconds, Self::DeliveryLagSeconds, Self::CommitSeconds];

    /// The name, and a sentence that explains it.
    pub const fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::AttemptDurationSeconds => {
                ("posthaste_attempt_duration_seconds", "From the lookup of the name to the last byte of the answer.")
            }
            Self::DeliveryLagSeconds => {
                ("posthaste_delivery_lag_seconds", "From the moment an attempt was due to its beginning.")
            }
            Self::CommitSeconds => ("posthaste_commit_seconds", "Time that one commit held the writer."),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_end_in_their_unit() {
        let counters = Counter::ALL.map(|counter| counter.described().0);
        let histograms = Histogram::ALL.map(|histogram| histogram.described().0);
        assert!(counters.iter().all(|name| name.ends_with("_total")), "{counters:?}");
        assert!(histograms.iter().all(|name| name.ends_with("_seconds")), "{histograms:?}");
        let all: BTreeSet<&str> = counters.into_iter().chain(histograms).collect();
        assert_eq!(all.len(), Counter::ALL.len() + Histogram::ALL.len());
        assert!(all.iter().all(|name| name.starts_with("posthaste_")));
    }

    #[test]
    fn the_lists_are_in_the_order_of_their_numbers() {
        for (number, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, number);
        }
        for (number, histogram) in Histogram::ALL.into_iter().enumerate() {
            assert_eq!(histogram as usize, number);
        }
    }
}
