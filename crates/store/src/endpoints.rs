//! The condition of an endpoint: its health and its last delivery.

use model::delivery::Status;
use model::health::Health;
use model::id::DeliveryId;
use model::time::Timestamp;

/// The condition of an endpoint: read on request, never while delivering.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    pub health: Health,
    pub last_delivery: Option<LastDelivery>,
}

#[derive(Clone, Debug)]
pub struct LastDelivery {
    pub id: DeliveryId,
    pub status: Status,
    pub status_code: Option<u16>,
    pub created_at: Timestamp,
}
