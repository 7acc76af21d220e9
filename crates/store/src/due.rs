//! What an endpoint has to be sent next.

use model::delivery::Due;
use model::endpoint::Ordering;
use model::time::Timestamp;

/// The head of an endpoint's pending work.
#[derive(Debug, Default)]
pub struct Pending {
    /// Due now, in the order they are to be sent. With strict order the first may be due only later: it holds the rest
    /// back.
    pub due: Vec<Due>,
    /// When the next one that is not in `due` is due; now, if there are more than were asked for.
    pub next_at: Option<Timestamp>,
}

/// Up to which place an endpoint's work is looked at. With strict order a place is a turn, and the first in line holds back
/// the rest even when it is due only later.
pub(crate) fn last_place(ordering: Ordering, now: Timestamp) -> i64 {
    match ordering {
        Ordering::None => now.as_millis(),
        Ordering::Fifo => i64::MAX,
    }
}
