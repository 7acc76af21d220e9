//! A person asks for one more attempt.

use model::delivery::{Due, Status};
use model::time::Timestamp;

/// Whether a delivery can be tried once more by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Due,
    /// Its endpoint is deleted: there is nowhere to send it.
    NoEndpoint,
}

/// A delivery that was in `status`, as it is for an attempt that a person asked for `now`.
///
/// One that had ended gets this attempt and no more. A pending one keeps its schedule and, with strict order, its turn.
pub(crate) fn by_hand(due: Due, status: Status, is_strict: bool, now: Timestamp) -> Due {
    if due.manual || status != Status::Pending {
        let run_began_at = due.attempts;
        return Due { manual: true, planned_at: None, run_began_at, place: now, next_attempt_at: now, ..due };
    }
    let planned_at = Some(due.planned_at.unwrap_or(due.next_attempt_at));
    Due { planned_at, place: if is_strict { due.place } else { now }, next_attempt_at: now, ..due }
}

/// Attempts that lie behind the present run of the schedule once `due` was tried: what a person asked for is no step of it.
pub(crate) fn run_began_at(due: &Due) -> u32 {
    due.run_began_at + u32::from(due.planned_at.is_some())
}
