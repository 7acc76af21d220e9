//! New deliveries in SQLite.

use std::sync::Arc;

use model::event::Event;
use model::id::DeliveryId;
use rusqlite::params;

use super::commit::txn::WriteTxn;
use super::journal::record::RecordKind;
use super::occurrences;
use crate::Error;
use crate::filtering::Recipient;
use crate::rules::delivery::{self, Moment};

/// Makes a delivery of a stored event, due now or when the event is, and announces it.
pub(super) fn deliver_to(
    txn: &mut WriteTxn<'_>,
    seq: i64,
    event: &Arc<Event>,
    recipient: &Recipient,
    manual: bool,
) -> Result<DeliveryId, Error> {
    let moment = Moment { now: txn.now, accepted_at: txn.accepted_at };
    let id = txn.next_delivery_id();
    let due = delivery::new(id, event, recipient.endpoint, manual, &txn.directory, moment);
    let (id_bytes, project, endpoint_bytes) = (id.as_bytes(), event.project.as_bytes(), due.endpoint.as_bytes());
    let (place, due_at, note) = (due.order_key.as_millis(), due.next_attempt_at.as_millis(), &recipient.note);
    let values = params![id_bytes, project, endpoint_bytes, seq, manual, place, due_at, note, event.tenant];
    match event.tenant {
        None => txn.put(RecordKind::Delivery, &values[..values.len() - 1])?,
        Some(_) => txn.put(RecordKind::DeliveryOfTenant, values)?,
    }
    occurrences::note_delivery(txn, event.project, event.event_type.as_str(), id)?;
    txn.announce(due);
    Ok(id)
}
