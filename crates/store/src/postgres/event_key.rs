//! Keys of events, and their order relative to those of deliveries.

use std::time::Duration;

use model::id::DeliveryId;

/// An event's key: a UUID of version 7 like a delivery's, so that events are in the order they were accepted in. Its
/// time is the event's time of acceptance: a search by that time needs keys alone.
pub(super) type EventKey = DeliveryId;

/// Bound on the difference between nodes' clocks.
const APART: Duration = Duration::from_secs(3600);

/// A key before those of all deliveries of an event, whichever nodes made them.
pub(super) fn earliest_delivery(event: EventKey) -> DeliveryId {
    DeliveryId::first_at(event.created_at() - APART)
}
