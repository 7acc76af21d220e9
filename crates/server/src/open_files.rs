//! Open files: the limit that the system sets, and how callers and deliveries share it. Each connection is one.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything but connections: the database and its journal, name servers, the log.
const RESERVE: u64 = 64;

/// Callers' connections that are accepted however low the limit is.
const FEWEST: NonZeroUsize = NonZeroUsize::new(8).expect("it is not zero");

/// Many systems start a process with 1,024. Takes what the system allows.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

/// Connections of callers accepted at a time: `most`, and no more than leaves a fifth of the descriptors to deliveries.
pub(crate) fn for_callers(most: NonZeroUsize) -> NonZeroUsize {
    match getrlimit(Resource::Nofile).current {
        Some(limit) => share(limit, most),
        None => most,
    }
}

fn share(limit: u64, most: NonZeroUsize) -> NonZeroUsize {
    let share = (limit / 5 * 4).saturating_sub(RESERVE);
    NonZeroUsize::new(usize::try_from(share).unwrap_or(usize::MAX)).unwrap_or(FEWEST).max(FEWEST).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_descriptors_is_left_to_deliveries() {
        let most = NonZeroUsize::new(10_000).unwrap();
        let cases = [(1 << 20, 10_000), (12_000, 9_536), (1_024, 752), (256, 140), (100, 16), (64, 8), (0, 8)];
        for (limit, expected) in cases {
            assert_eq!(share(limit, most).get(), expected, "{limit}");
        }
    }
}
