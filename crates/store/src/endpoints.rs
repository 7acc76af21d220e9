//! Endpoints: made, changed, deleted; and how each is doing.

use model::delivery::Status;
use model::health::Health;
use model::id::DeliveryId;
use model::time::Timestamp;

/// How an endpoint is doing: read when somebody looks, never on the road.
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
