//! What an endpoint has to be sent next.

use model::delivery::Due;
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
