//! The grace of a stop, and how workers and the store share it.

use std::time::Duration;

/// The part that is kept for the store, at most.
const FOR_STORE: Duration = Duration::from_secs(2);

/// How long workers have to finish: the grace without a quarter of it, or without two seconds, which the store needs to
/// close in order.
pub(crate) fn for_workers(grace: Duration) -> Duration {
    grace - for_store(grace)
}

/// How long the store has to close, at least.
pub(crate) fn for_store(grace: Duration) -> Duration {
    FOR_STORE.min(grace / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_and_the_store_share_the_grace() {
        for (grace, workers, store) in [(0, 0, 0), (1_000, 750, 250), (8_000, 6_000, 2_000), (15_000, 13_000, 2_000)] {
            let [grace, workers, store] = [grace, workers, store].map(Duration::from_millis);
            assert_eq!((for_workers(grace), for_store(grace)), (workers, store));
        }
    }
}
