//! The head of an endpoint's pending work: the deliveries it has to be sent next.

use model::delivery::Due;
use model::time::Timestamp;

/// The head of an endpoint's pending work.
#[derive(Debug, Default)]
pub struct Pending {
    /// Due now, in the order they are to be sent. With strict order the first may be due only later: it holds back the
    /// rest.
    pub due: Vec<Due>,
    /// Due time of the first delivery that is not in `due`; now, if there are more than were asked for.
    pub next_at: Option<Timestamp>,
}
