//! The order of an endpoint's pending deliveries: the key by which both databases sort them.
//!
//! Without an order the key is the time at which a delivery is due. With strict order it is a turn, given once and kept
//! over every retry: the first in line holds back the rest, even when it is due only later.

use model::delivery::Due;
use model::endpoint::Ordering;
use model::id::EndpointId;
use model::time::Timestamp;

use crate::directory::Directory;
use crate::filtering::Recipient;

/// The endpoint's order; [`Ordering::None`] for an endpoint that is deleted.
pub(crate) fn of(directory: &Directory, endpoint: EndpointId) -> Ordering {
    directory.endpoint(endpoint).map_or(Ordering::None, |endpoint| endpoint.settings.ordering)
}

/// True if the endpoint has strict order.
pub(crate) fn is_strict(directory: &Directory, endpoint: EndpointId) -> bool {
    of(directory, endpoint) == Ordering::Fifo
}

/// True if one of the recipients has strict order.
pub(crate) fn has_strict(directory: &Directory, recipients: &[Recipient]) -> bool {
    recipients.iter().any(|recipient| is_strict(directory, recipient.endpoint))
}

/// The key of a new delivery. With strict order it comes after all that were accepted by then, also when the clock went
/// back.
pub(super) fn key_of_new(ordering: Ordering, due_at: Timestamp, accepted_at: Timestamp) -> Timestamp {
    match ordering {
        Ordering::None => due_at,
        Ordering::Fifo => due_at.max(accepted_at),
    }
}

/// The key of a delivery that is tried again at `next_attempt_at`, by its schedule or because a person asked.
pub(super) fn key_of_retry(ordering: Ordering, due: &Due, next_attempt_at: Timestamp) -> Timestamp {
    match ordering {
        Ordering::None => next_attempt_at,
        Ordering::Fifo => due.order_key,
    }
}

/// The last key that is read for what is due.
pub(crate) fn last_key(ordering: Ordering, now: Timestamp) -> i64 {
    match ordering {
        Ordering::None => now.as_millis(),
        Ordering::Fifo => i64::MAX,
    }
}

/// The first key that may belong to a delivery that is not due yet.
pub(crate) fn first_waiting_key(ordering: Ordering, now: Timestamp) -> Timestamp {
    match ordering {
        Ordering::None => now,
        Ordering::Fifo => Timestamp::from_millis(i64::MIN),
    }
}

/// Milliseconds by which the key of a delivery moves when its due time moves by `due_by`.
pub(crate) fn key_shift(ordering: Ordering, due_by: i64) -> i64 {
    match ordering {
        Ordering::None => due_by,
        Ordering::Fifo => 0,
    }
}
