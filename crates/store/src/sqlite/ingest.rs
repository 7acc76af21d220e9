//! The SQL of taking events in.

use std::sync::Arc;

use model::event::Event;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::commit::txn::WriteTxn;
use super::fan_outs::{self, Recipients};
use super::journal::record::RecordKind;
use super::{deliveries, occurrences, row};
use crate::Error;
use crate::fan_outs::{DIRECT, FEW};
use crate::filtering::{FilterResults, Recipient};
use crate::ingest::{Accepted, Clash, Intake};
use crate::rules::order;
use crate::slice::Patience;

/// Bytes of events that end a slice of a batch.
const BYTES: usize = 256 * 1024;

pub(crate) fn take(txn: &mut WriteTxn<'_>, intake: &Intake, filter_results: &FilterResults) -> Result<Accepted, Error> {
    take_within(txn, intake, filter_results, DIRECT).map(|(accepted, _)| accepted)
}

/// Takes in as many events of a batch as one commit may have, from the first on. Returns their results.
pub(crate) fn take_slice(txn: &mut WriteTxn<'_>, filtered: &[(Intake, FilterResults)]) -> Result<Vec<Accepted>, Error> {
    let (mut patience, mut bytes) = (Patience::begin(txn.env, txn.hold), 0);
    let mut answers = Vec::new();
    for (intake, filter_results) in filtered {
        let (accepted, rows) = take_within(txn, intake, filter_results, patience.left().saturating_sub(1).max(FEW))?;
        answers.push(accepted);
        patience.spend(rows);
        bytes += intake.event.data.as_str().len();
        if patience.is_over(txn.env) || bytes >= BYTES {
            break;
        }
    }
    Ok(answers)
}

/// Takes one event in. Also returns the rows it put: its deliveries are among them if there are no more than `room`.
fn take_within(
    txn: &mut WriteTxn<'_>,
    intake: &Intake,
    filter_results: &FilterResults,
    room: usize,
) -> Result<(Accepted, usize), Error> {
    if let Some(earlier) = earlier(txn, intake)? {
        return Ok((earlier, 1));
    }
    let event = Arc::new(Event { created_at: txn.accepted_at, ..intake.event.clone() });
    let recipients = match txn.fan_outs.known_for(&txn.directory, &event) {
        Some(list) => Recipients::Listed(list),
        None => Recipients::Own(filter_results.recipients(&txn.directory, &event)),
    };
    let count = recipients.all().len();
    let deliveries = u32::try_from(count).unwrap_or(u32::MAX);
    let seq = insert_event(txn, &event, deliveries, intake.fingerprint.as_ref())?;
    let rows = if count > room || must_wait(txn, event.project, recipients.all()) {
        fan_outs::mark(txn, seq, &event, recipients)?;
        2
    } else {
        for recipient in recipients.all() {
            deliveries::deliver_to(txn, seq, &event, recipient, false)?;
        }
        1 + count
    };
    remember_key(txn, intake, seq)?;
    Ok((Accepted::New { id: event.id.clone(), deliveries }, rows))
}

/// True if one of the recipients has strict order, and may yet get an event that came before.
fn must_wait(txn: &WriteTxn<'_>, project: ProjectId, recipients: &[Recipient]) -> bool {
    txn.fan_outs.has(project) && order::has_strict(&txn.directory, recipients)
}

pub(crate) fn take_test(
    txn: &mut WriteTxn<'_>,
    event: &Event,
    endpoint: EndpointId,
) -> Result<Option<DeliveryId>, Error> {
    if txn.directory.endpoint(endpoint).is_none() {
        return Ok(None);
    }
    let event = Arc::new(Event { created_at: txn.accepted_at, test: true, ..event.clone() });
    let seq = insert_event(txn, &event, 1, None)?;
    deliveries::deliver_to(txn, seq, &event, &Recipient { endpoint, note: None }, true).map(Some)
}

/// The name that an earlier request is found by.
#[derive(Hash)]
enum Name<'a> {
    Key(ProjectId, &'a str),
    Event(ProjectId, &'a str),
}

/// The answer to the same request, if it came before.
fn earlier(txn: &mut WriteTxn<'_>, intake: &Intake) -> Result<Option<Accepted>, Error> {
    let Some(fingerprint) = &intake.fingerprint else { return Ok(None) };
    let project = intake.event.project;
    if let Some(key) = &intake.idempotency_key {
        let same_key = txn
            .db_with(Name::Key(project, key))?
            .prepare_cached(
                "SELECT e.id, e.type, e.deliveries, i.fingerprint
                 FROM idempotency AS i JOIN events AS e ON e.seq = i.event WHERE i.project = ? AND i.key = ?",
            )?
            .query_row(params![project.as_bytes(), key], |row| repeat(row, fingerprint, Clash::IdempotencyKey))
            .optional()?;
        if same_key.is_some() {
            return Ok(same_key);
        }
    }
    if !intake.chose_id {
        return Ok(None);
    }
    let same_id = txn
        .db_with(Name::Event(project, intake.event.id.as_str()))?
        .prepare_cached("SELECT id, type, deliveries, fingerprint, seq FROM events WHERE project = ? AND id = ?")?
        .query_row(params![project.as_bytes(), intake.event.id.as_str()], |row| {
            Ok((repeat(row, fingerprint, Clash::Id)?, row.get(4)?))
        })
        .optional()?;
    let Some((answer, seq)) = same_id else { return Ok(None) };
    if matches!(answer, Accepted::Again { .. }) {
        remember_key(txn, intake, seq)?;
    }
    Ok(Some(answer))
}

/// Stores the request's key for the event with that number.
fn remember_key(txn: &mut WriteTxn<'_>, intake: &Intake, seq: i64) -> Result<(), Error> {
    if let (Some(key), Some(fingerprint)) = (&intake.idempotency_key, &intake.fingerprint) {
        let project = intake.event.project;
        txn.put(RecordKind::IdempotencyKey, params![project.as_bytes(), key, seq, fingerprint])?;
        txn.give_name(Name::Key(project, key));
    }
    Ok(())
}

fn repeat(row: &rusqlite::Row<'_>, fingerprint: &[u8; 32], clash: Clash) -> rusqlite::Result<Accepted> {
    let kept: Option<[u8; 32]> = row.get(3)?;
    if kept.as_ref() != Some(fingerprint) {
        return Ok(Accepted::Conflict(clash));
    }
    Ok(Accepted::Again { id: row::text(row, 0)?, event_type: row::text(row, 1)?, deliveries: row.get(2)? })
}

fn insert_event(
    txn: &mut WriteTxn<'_>,
    event: &Event,
    deliveries: u32,
    fingerprint: Option<&[u8; 32]>,
) -> Result<i64, Error> {
    let seq = txn.next_event_number();
    txn.give_name(Name::Event(event.project, event.id.as_str()));
    txn.put(
        RecordKind::Event,
        params![
            seq,
            event.project.as_bytes(),
            event.id.as_str(),
            event.event_type.as_str(),
            event.tenant,
            event.data.as_str(),
            event.brand.as_ref().map(|brand| brand.as_str()),
            event.workflow.as_ref().map(|workflow| workflow.as_str()),
            event.summary,
            event.occurred_at.as_millis(),
            event.created_at.as_millis(),
            event.deliver_at.map(Timestamp::as_millis),
            event.expires_at.map(Timestamp::as_millis),
            deliveries,
            fingerprint,
            event.test,
        ],
    )?;
    occurrences::note_event(txn, event.project, event.event_type.as_str(), event.tenant.as_deref(), seq)?;
    Ok(seq)
}
