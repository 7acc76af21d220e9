//! Occurrences in SQLite: written with events and deliveries, read by searches.

use model::id::{DeliveryId, ProjectId};
use rusqlite::{Connection, OptionalExtension, params};

use super::commit::txn::WriteTxn;
use super::journal::record::RecordKind;
use crate::Error;
use crate::occurrences::{self, Kind};

/// Events are numbered: their occurrences are kept by blocks of 2^6 numbers, so that a block is full also in quiet
/// hours.
const BITS: u32 = 6;

pub(super) fn note_event(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    event_type: &str,
    tenant: Option<&str>,
    seq: i64,
) -> Result<(), Error> {
    note(txn, project, Kind::EventType, event_type, seq >> BITS)?;
    tenant.map_or(Ok(()), |tenant| note(txn, project, Kind::EventTenant, tenant, seq >> BITS))
}

pub(super) fn note_delivery(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    event_type: &str,
    id: DeliveryId,
) -> Result<(), Error> {
    note(txn, project, Kind::DeliveryType, event_type, occurrences::slot_of(id))
}

fn note(txn: &mut WriteTxn<'_>, project: ProjectId, kind: Kind, name: &str, slot: i64) -> Result<(), Error> {
    if !txn.noted.is_new((project, kind, name, slot)) {
        return Ok(());
    }
    txn.put(RecordKind::Occurrence, params![project.as_bytes(), kind.number(), name, slot])
}

/// The numbers of a block's events.
pub(super) fn events_of(block: i64) -> (i64, i64) {
    (block << BITS, (block + 1) << BITS)
}

pub(super) fn block_of(seq: i64) -> i64 {
    seq >> BITS
}

/// The newest slot up to `from` in which all of these occur. Slots that have only some of them are skipped, so it takes
/// no more steps than the rarest of them has slots.
pub(super) fn newest(
    db: &Connection,
    project: ProjectId,
    wanted: &[(Kind, &str)],
    from: i64,
) -> Result<Option<i64>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT slot FROM occurrences WHERE project = ? AND kind = ? AND name = ? AND slot <= ?
         ORDER BY slot DESC LIMIT 1",
    )?;
    let mut slot = from;
    loop {
        let before = slot;
        for (kind, name) in wanted {
            let found = statement
                .query_row(params![project.as_bytes(), kind.number(), name, slot], |row| row.get(0))
                .optional()?;
            let Some(found) = found else { return Ok(None) };
            slot = found;
        }
        if slot == before || wanted.len() == 1 {
            return Ok(Some(slot));
        }
    }
}

/// Deletes occurrences of a project in blocks of which no event is left, among those before the event `until`, and of
/// deliveries made before the oldest that is left. As many as a commit has time for.
pub(super) fn forget(txn: &mut WriteTxn<'_>, project: ProjectId, until: i64) -> Result<(), Error> {
    txn.noted.clear();
    let db = txn.db()?;
    let oldest: Option<i64> = db
        .prepare_cached("SELECT seq FROM events INDEXED BY events_by_age WHERE project = ? ORDER BY seq LIMIT 1")?
        .query_row([project.as_bytes()], |row| row.get(0))
        .optional()?;
    let gone = block_of(oldest.unwrap_or(until).min(until));
    for kind in [Kind::EventType, Kind::EventTenant] {
        forget_before(db, project, kind, gone)?;
    }
    let oldest: Option<[u8; 16]> = db
        .prepare_cached("SELECT id FROM deliveries ORDER BY id LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if let Some(oldest) = oldest {
        forget_before(db, project, Kind::DeliveryType, occurrences::slot_of(DeliveryId::from_bytes(oldest)))?;
    }
    Ok(())
}

/// Maximum occurrences of one kind deleted in one commit.
const SLICE: usize = 1_000;

fn forget_before(db: &Connection, project: ProjectId, kind: Kind, slot: i64) -> Result<(), Error> {
    db.prepare_cached(
        "DELETE FROM occurrences WHERE (project, kind, name, slot) IN (
             SELECT project, kind, name, slot FROM occurrences INDEXED BY occurrences_by_age
             WHERE project = ? AND kind = ? AND slot < ? ORDER BY slot LIMIT ?)",
    )?
    .execute(params![project.as_bytes(), kind.number(), slot, super::row::limit(SLICE)])?;
    Ok(())
}
