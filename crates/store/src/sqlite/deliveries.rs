//! Deliveries in SQLite, as they are made.

use std::sync::Arc;

use model::event::Event;
use model::id::DeliveryId;
use rusqlite::params;

use super::commit::txn::Batch;
use super::journal::record::Put;
use super::occurrences;
use crate::Error;
use crate::filtering::Taker;
use crate::rules::delivery::{self, Moment};

/// Makes a delivery of an event that is stored, due now or when the event is, and announces it.
pub(super) fn deliver_to(
    batch: &mut Batch<'_>,
    seq: i64,
    event: &Arc<Event>,
    taker: &Taker,
    manual: bool,
) -> Result<DeliveryId, Error> {
    let moment = Moment { now: batch.now, accepted_at: batch.accepted_at };
    let id = batch.next_delivery_id();
    let due = delivery::new(id, event, taker.endpoint, manual, &batch.directory, moment);
    let (id_bytes, project, endpoint_bytes) = (id.as_bytes(), event.project.as_bytes(), due.endpoint.as_bytes());
    let (place, due_at, note) = (due.place.as_millis(), due.next_attempt_at.as_millis(), &taker.note);
    let values = params![id_bytes, project, endpoint_bytes, seq, manual, place, due_at, note, event.tenant];
    match event.tenant {
        None => batch.put(Put::Delivery, &values[..values.len() - 1])?,
        Some(_) => batch.put(Put::DeliveryOfTenant, values)?,
    }
    occurrences::note_delivery(batch, event.project, event.event_type.as_str(), id)?;
    batch.announce(due);
    Ok(id)
}
