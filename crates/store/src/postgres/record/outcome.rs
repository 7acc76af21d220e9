//! Outcomes of deliveries that are to be recorded.

use model::delivery::Cancelled;
use model::id::DeliveryId;
use model::retry::Next;

use crate::record::Record;

pub(crate) enum Outcome {
    Tried(Box<Record>),
    Cancelled(DeliveryId, Cancelled),
}

impl Outcome {
    /// It arrived. Nobody waits for that to be on disk: if the database crashes before it is, within a second, it is sent
    /// again, as it may be. So the sync of the log is left to those who take events in and wait for it. Measured, at 100
    /// events a second: with a sync of its own each of the two commits mostly found the other's under way, waited for that
    /// one and then for its own.
    pub(super) fn is_arrival(&self) -> bool {
        matches!(self, Self::Tried(record) if record.next == Next::Delivered)
    }
}
