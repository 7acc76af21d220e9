//! Deliveries in SQLite, as they are made.

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

/// Makes a delivery of an event that is stored, due now or when the event is, and announces it.
pub(super) fn deliver_to(
    batch: &mut WriteTxn<'_>,
    seq: i64,
    event: &Arc<Event>,
    taker: &Recipient,
    manual: bool,
) -> Result<DeliveryId, Error> {
    let moment = Moment { now: batch.now, accepted_at: batch.accepted_at };
    let id = batch.next_delivery_id();
    let due = delivery::new(id, event, taker.endpoint, manual, &batch.directory, moment);
    let (id_bytes, project, endpoint_bytes) = (id.as_bytes(), event.project.as_bytes(), due.endpoint.as_bytes());
    let (place, due_at, note) = (due.order_key.as_millis(), due.next_attempt_at.as_millis(), &taker.note);
    let values = params![id_bytes, project, endpoint_bytes, seq, manual, place, due_at, note, event.tenant];
    match event.tenant {
        None => batch.put(RecordKind::Delivery, &values[..values.len() - 1])?,
        Some(_) => batch.put(RecordKind::DeliveryOfTenant, values)?,
    }
    occurrences::note_delivery(batch, event.project, event.event_type.as_str(), id)?;
    batch.announce(due);
    Ok(id)
}
