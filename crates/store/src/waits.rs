//! Waits after the clock went back: what was to wait for some time waits no longer than that.

use std::time::Duration;

use model::endpoint::Ordering;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;

/// Pending deliveries of an endpoint that are looked at in one commit.
pub(crate) const SLICE: usize = 256;

/// How far an endpoint's pending deliveries have been looked at, in their order.
pub(crate) type Cursor = (Timestamp, DeliveryId);

/// What is asked of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) endpoint: EndpointId,
    pub(crate) after: Cursor,
    pub(crate) by: Duration,
    pub(crate) now: Timestamp,
    pub(crate) ordering: Ordering,
}
