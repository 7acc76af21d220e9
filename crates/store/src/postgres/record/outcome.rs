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
    /// True if the delivery arrived. Nothing waits for that to be on disk: if the database crashes before it is, within
    /// a second, the delivery is sent again, which at least once allows. So the sync of the log is left to the ingest
    /// commits that wait for it. Measured, at 100 events a second: with a sync of its own each of the two commits
    /// mostly found the other's under way, waited for that one and then for its own.
    pub(super) fn is_arrival(&self) -> bool {
        matches!(self, Self::Tried(record) if record.next == Next::Delivered)
    }
}
