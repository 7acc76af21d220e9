//! Deliveries in SQLite, as they are made.

use std::sync::Arc;

use model::delivery::Due;
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use rusqlite::params;

use super::commit::txn::Batch;
use super::journal::record::Put;
use super::occurrences;
use crate::Error;
use crate::filtering::Taker;

/// Makes a delivery of an event that is stored, due now or when the event is, and announces it.
pub(super) fn deliver_to(
    batch: &mut Batch<'_>,
    seq: i64,
    event: &Arc<Event>,
    taker: &Taker,
    manual: bool,
) -> Result<DeliveryId, Error> {
    let endpoint = taker.endpoint;
    let id = batch.next_delivery_id();
    let at = event.deliver_at.map_or(batch.now, |at| at.max(batch.now));
    let place = first_place(batch, endpoint, at);
    let (id_bytes, project, endpoint_bytes) = (id.as_bytes(), event.project.as_bytes(), endpoint.as_bytes());
    let (due, note) = ((place.as_millis(), at.as_millis()), &taker.note);
    let values = params![id_bytes, project, endpoint_bytes, seq, manual, due.0, due.1, note, event.tenant];
    match event.tenant {
        None => batch.put(Put::Delivery, &values[..values.len() - 1])?,
        Some(_) => batch.put(Put::DeliveryOfTenant, values)?,
    }
    occurrences::note_delivery(batch, event.project, event.event_type.as_str(), id)?;
    let event = event.clone();
    batch.announce(Due {
        id,
        endpoint,
        event,
        attempts: 0,
        run_began_at: 0,
        manual,
        planned_at: None,
        place,
        next_attempt_at: at,
    });
    Ok(id)
}

/// With strict order a new delivery stands behind all that were there, also when the clock went back.
fn first_place(batch: &Batch<'_>, endpoint: EndpointId, at: Timestamp) -> Timestamp {
    if is_strict(batch, endpoint) { at.max(batch.accepted_at) } else { at }
}

pub(super) fn is_strict(batch: &Batch<'_>, endpoint: EndpointId) -> bool {
    batch.directory.endpoint(endpoint).is_some_and(|endpoint| endpoint.is_strict())
}
