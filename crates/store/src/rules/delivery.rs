//! A delivery's state: when it is made, after an attempt, and when a person asks for one more.

use std::sync::Arc;

use model::delivery::{Due, Status};
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use model::retry::Next;
use model::time::Timestamp;

use super::order;
use crate::directory::Directory;
use crate::record::Record;

/// The time at which a new delivery is made.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    /// The latest time at which an event was accepted: after `now` if the clock went back.
    pub(crate) accepted_at: Timestamp,
}

/// A new delivery that is not stored yet, due now or when its event is.
pub(crate) fn new(
    id: DeliveryId,
    event: &Arc<Event>,
    endpoint: EndpointId,
    manual: bool,
    directory: &Directory,
    moment: Moment,
) -> Due {
    let next_attempt_at = event.deliver_at.map_or(moment.now, |at| at.max(moment.now));
    Due {
        id,
        endpoint,
        event: event.clone(),
        attempts: 0,
        schedule_start: 0,
        manual,
        planned_at: None,
        order_key: order::key_of_new(order::of(directory, endpoint), next_attempt_at, moment.accepted_at),
        next_attempt_at,
    }
}

/// A delivery's state after an attempt.
pub(crate) struct Tried {
    pub(crate) status: Status,
    pub(crate) order_key: Timestamp,
    pub(crate) next_attempt_at: Timestamp,
    /// Attempts before the present run of the schedule: one that a person asked for is no step of it.
    pub(crate) schedule_start: u32,
}

/// The delivery's state after the attempt of `record`, unless it was cancelled meanwhile.
pub(crate) fn after(record: &Record, directory: &Directory) -> Tried {
    let due = &record.due;
    let next_attempt_at = match record.next {
        Next::Again(at) => at,
        Next::Delivered | Next::GiveUp { .. } => due.next_attempt_at,
    };
    Tried {
        status: match record.next {
            Next::Delivered => Status::Delivered,
            Next::Again(_) => Status::Pending,
            Next::GiveUp { .. } => Status::Failed,
        },
        order_key: order::key_of_retry(order::of(directory, due.endpoint), due, next_attempt_at),
        next_attempt_at,
        schedule_start: due.schedule_start + u32::from(due.planned_at.is_some()),
    }
}

/// A delivery that was in `status`, made ready for an attempt that a person asked for `now`.
///
/// One that had ended gets this attempt and no more. A pending one keeps its schedule and, with strict order, its turn.
pub(crate) fn by_hand(due: Due, status: Status, directory: &Directory, now: Timestamp) -> Due {
    if due.manual || status != Status::Pending {
        let run_began_at = due.attempts;
        return Due {
            manual: true,
            planned_at: None,
            schedule_start: run_began_at,
            order_key: now,
            next_attempt_at: now,
            ..due
        };
    }
    let planned_at = Some(due.planned_at.unwrap_or(due.next_attempt_at));
    let place = order::key_of_retry(order::of(directory, due.endpoint), &due, now);
    Due { planned_at, order_key: place, next_attempt_at: now, ..due }
}
