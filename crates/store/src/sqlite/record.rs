//! The SQL of recording an attempt.

use std::sync::Arc;

use model::attempt::Attempt;
use model::delivery::{Cancelled, Status};
use model::endpoint::Endpoint;
use model::id::DeliveryId;
use model::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::commit::txn::WriteTxn;
use super::journal::record::RecordKind;
use super::{health, ingest, outbox, row};
use crate::Error;
use crate::filtering::FilterResults;
use crate::ingest::Intake;
use crate::operational::Notice;
use crate::record::Record;
use crate::rules::attempt::{kept_body, may_repeat_a_body, named_dialect, notes};
use crate::rules::delivery::{self, Tried};
use crate::rules::outcome::{Step, consequences_of, recorded};

pub(crate) fn record(txn: &mut WriteTxn<'_>, record: &Record) -> Result<(), Error> {
    insert_attempt(txn, record.due.id, &record.attempt)?;
    let status = move_delivery(txn, record)?;
    txn.recorded.push(recorded(record, status));
    let endpoint = txn.directory.endpoint(record.due.endpoint).cloned();
    match endpoint {
        Some(endpoint) => follow(txn, &endpoint, record),
        None => Ok(()),
    }
}

pub(crate) fn cancel(txn: &mut WriteTxn<'_>, delivery: DeliveryId, reason: Cancelled) -> Result<(), Error> {
    txn.db()?
        .prepare_cached("UPDATE deliveries SET status = 3, reason = ? WHERE id = ? AND status = 0")?
        .execute(params![row::reason_number(reason), delivery.as_bytes()])?;
    Ok(())
}

fn insert_attempt(txn: &mut WriteTxn<'_>, delivery: DeliveryId, attempt: &Attempt) -> Result<(), Error> {
    let answer = attempt.outcome.answer();
    let failure = attempt.outcome.failure();
    let kept = kept_body(attempt);
    let same_as = match kept {
        Some(body) if may_repeat_a_body(attempt) => sent_before(txn, delivery, attempt.number, body)?,
        _ => None,
    };
    let kept = kept.filter(|_| same_as.is_none());
    txn.put(
        RecordKind::Attempt,
        params![
            delivery.as_bytes(),
            attempt.number,
            attempt.started_at.as_millis(),
            i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX),
            answer.map(|answer| answer.status),
            failure.as_ref().map(|failure| failure.kind.name()),
            failure.as_ref().map(|failure| &failure.message),
            attempt.request_headers.packed(),
            answer.map(|answer| answer.headers.packed()),
            answer.map(|answer| &answer.body).filter(|body| !body.is_empty()),
            answer.is_some_and(|answer| answer.truncated),
            attempt.next_attempt_at.map(Timestamp::as_millis),
            kept,
            named_dialect(attempt),
            notes(attempt)?,
        ],
    )?;
    same_as.map_or(Ok(()), |same_as| refer(txn, delivery, attempt.number, same_as))
}

/// The number of the attempt that has this body, if the last one with a body sent the same.
fn sent_before(txn: &mut WriteTxn<'_>, delivery: DeliveryId, number: u32, body: &[u8]) -> Result<Option<u32>, Error> {
    let same = txn
        .db()?
        .prepare_cached(
            "SELECT k.number FROM (
                 SELECT delivery, coalesce(same_as, number) AS number FROM attempts
                 WHERE delivery = ?1 AND number < ?2 AND (typeof(request_body) = 'blob' OR same_as IS NOT NULL)
                 ORDER BY number DESC LIMIT 1) AS last
             JOIN attempts AS k ON k.delivery = last.delivery AND k.number = last.number
             WHERE length(k.request_body) = length(?3) AND k.request_body = ?3",
        )?
        .query_row(params![delivery.as_bytes(), number, body], |row| row.get(0))
        .optional()?;
    Ok(same)
}

fn refer(txn: &mut WriteTxn<'_>, delivery: DeliveryId, number: u32, same_as: u32) -> Result<(), Error> {
    txn.db()?.prepare_cached("UPDATE attempts SET same_as = ? WHERE delivery = ? AND number = ?")?.execute(params![
        same_as,
        delivery.as_bytes(),
        number
    ])?;
    Ok(())
}

/// Moves a delivery on and returns its status. One that was cancelled while the attempt was under way stays so, unless
/// it arrived after all.
fn move_delivery(txn: &mut WriteTxn<'_>, record: &Record) -> Result<Status, Error> {
    let due = &record.due;
    let Tried { status, order_key: place, next_attempt_at, schedule_start: run_began_at } =
        delivery::after(record, &txn.directory);
    if status == Status::Delivered {
        // Whatever its status became meanwhile.
        txn.put(
            RecordKind::Delivered,
            params![
                due.id.as_bytes(),
                record.attempt.number,
                place.as_millis(),
                next_attempt_at.as_millis(),
                record.attempt.outcome.status(),
            ],
        )?;
        return Ok(status);
    }
    let kept = txn
        .db()?
        .prepare_cached(
            "UPDATE deliveries
             SET status = CASE WHEN status = 3 THEN 3 ELSE ?1 END, reason = CASE WHEN status = 3 THEN reason END,
                 attempts = ?2, place = ?3, next_attempt_at = ?4, status_code = ?5, run_began_at = ?7, planned_at = NULL
             WHERE id = ?6 RETURNING status",
        )?
        .query_row(
            params![
                row::status_number(status),
                record.attempt.number,
                place.as_millis(),
                next_attempt_at.as_millis(),
                record.attempt.outcome.status(),
                due.id.as_bytes(),
                run_began_at,
            ],
            |row| row::status(row, 0),
        )
        .optional()?;
    Ok(kept.unwrap_or(status))
}

/// Writes the consequences for the endpoint.
fn follow(txn: &mut WriteTxn<'_>, endpoint: &Arc<Endpoint>, record: &Record) -> Result<(), Error> {
    let before = health::run_of(txn, endpoint.id)?;
    let then = consequences_of(record, before, endpoint, txn.now);
    let mut mailed = false;
    for step in then.steps {
        match step {
            Step::Publish(notice) => publish(txn, endpoint, &notice)?,
            Step::Disable(disabled) => drop(super::endpoints::put(txn, *disabled)?),
            Step::Mail(what) => mailed = outbox::put(txn, endpoint, what)?,
        }
    }
    let run = if mailed { then.run_if_mailed } else { then.run };
    if run == before { Ok(()) } else { health::set_run(txn, endpoint.id, run) }
}

/// Publishes `notice` of `endpoint` in the commit that caused it, if an endpoint wants it.
fn publish(txn: &mut WriteTxn<'_>, endpoint: &Endpoint, notice: &Notice<'_>) -> Result<(), Error> {
    notice.log(endpoint);
    let Some(event) = notice.event_if_wanted(endpoint, &txn.directory, txn.env, txn.now) else { return Ok(()) };
    // The event is made in this commit, so its filters are evaluated here.
    let filter_results = FilterResults::default();
    ingest::take(txn, &Intake { event, chose_id: false, idempotency_key: None, fingerprint: None }, &filter_results)
        .map(drop)
}
