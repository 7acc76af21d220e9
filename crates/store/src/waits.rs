//! Waits after the wall clock went back: they get no longer by it.

use std::time::Duration;

use model::endpoint::Ordering;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;

/// Maximum pending deliveries of an endpoint that one commit looks at.
pub(crate) const SLICE: usize = 256;

/// Position in an endpoint's pending deliveries, in their order.
pub(crate) type Cursor = (Timestamp, DeliveryId);

/// Parameters of one slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) endpoint: EndpointId,
    pub(crate) after: Cursor,
    pub(crate) by: Duration,
    pub(crate) now: Timestamp,
    pub(crate) ordering: Ordering,
}
