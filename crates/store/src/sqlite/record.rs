//! The SQL of what an attempt came to.

use std::sync::Arc;
use std::time::Duration;

use model::attempt::{Attempt, Body};
use model::delivery::{Cancelled, Due, Status};
use model::endpoint::{self, Endpoint, Ordering};
use model::health::Health;
use model::id::{DeliveryId, EndpointId};
use model::retry::Next;
use model::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::mails;
use super::row::{self, STANDARD};
use super::writer::Batch;
use crate::Error;
use crate::feed::Recorded;
use crate::mails::{Failing, What};
use crate::operational::{self, Notice};
use crate::record::Record;

/// An endpoint's run of failures, as its row has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) health: Health,
    /// A delivery was given up, or the endpoint disabled, since the last success.
    pub(crate) troubled: bool,
    /// Admins were told of this trouble, by mail.
    pub(crate) told: bool,
    /// When they were last told of trouble, this or an earlier one.
    pub(crate) told_at: Option<Timestamp>,
}

/// Admins are told so often that an endpoint gives deliveries up, and no oftener: one that fails for some events and
/// answers others is in trouble and out of it all day.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

pub(crate) fn record(batch: &mut Batch<'_>, record: &Record) -> Result<(), Error> {
    insert_attempt(batch, record.due.id, &record.attempt)?;
    let status = match record.next {
        Next::Delivered => Status::Delivered,
        Next::Again(_) => Status::Pending,
        Next::GiveUp { .. } => Status::Failed,
    };
    let kept = move_delivery(batch, record, status)?;
    batch.recorded.push(Recorded {
        project: record.due.event.project,
        endpoint: record.due.endpoint,
        delivery: record.due.id,
        attempt: record.attempt.number,
        status: kept,
    });
    let endpoint = batch.directory.endpoint(record.due.endpoint).cloned();
    match endpoint {
        Some(endpoint) if status == Status::Delivered => succeeded(batch, &endpoint),
        Some(endpoint) => failed(batch, &endpoint, record),
        None => Ok(()),
    }
}

pub(crate) fn cancel(batch: &mut Batch<'_>, delivery: DeliveryId, reason: Cancelled) -> Result<(), Error> {
    batch
        .db
        .prepare_cached("UPDATE deliveries SET status = 3, reason = ? WHERE id = ? AND status = 0")?
        .execute(params![row::reason_number(reason), delivery.as_bytes()])?;
    Ok(())
}

fn insert_attempt(batch: &Batch<'_>, delivery: DeliveryId, attempt: &Attempt) -> Result<(), Error> {
    let answer = attempt.outcome.answer();
    let failure = attempt.outcome.failure();
    let (kept, dialect) = match &attempt.body {
        Body::Kept(body) => (Some(&**body), None),
        Body::Of(dialect) if **dialect != *STANDARD => (None, Some(&**dialect)),
        Body::Of(_) | Body::None => (None, None),
    };
    let notes = (!attempt.notes.is_empty()).then(|| serde_json::to_string(&attempt.notes)).transpose();
    let notes = notes.map_err(|error| Error::Corrupt(error.to_string()))?;
    let headers = |headers| serde_json::to_string(headers).map_err(|error| Error::Corrupt(error.to_string()));
    batch
        .db
        .prepare_cached(
            "INSERT INTO attempts (delivery, number, started_at, duration_ms, status_code, error_kind, error,
                                   request_headers, response_headers, response_body, truncated, next_attempt_at,
                                   request_body, dialect, notes)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            delivery.as_bytes(),
            attempt.number,
            attempt.started_at.as_millis(),
            i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX),
            answer.map(|answer| answer.status),
            failure.as_ref().map(|failure| failure.kind.name()),
            failure.as_ref().map(|failure| &failure.message),
            headers(&attempt.request_headers)?,
            answer.map(|answer| headers(&answer.headers)).transpose()?,
            answer.map(|answer| &answer.body).filter(|body| !body.is_empty()),
            answer.is_some_and(|answer| answer.truncated),
            attempt.next_attempt_at.map(Timestamp::as_millis),
            kept,
            dialect,
            notes,
        ])?;
    Ok(())
}

/// Moves a delivery on and answers where it is. One that was cancelled while the attempt was under way stays so, unless
/// it arrived after all.
fn move_delivery(batch: &Batch<'_>, record: &Record, status: Status) -> Result<Status, Error> {
    let due = &record.due;
    let next_attempt_at = match record.next {
        Next::Again(at) => at,
        Next::Delivered | Next::GiveUp { .. } => due.next_attempt_at,
    };
    let kept = batch
        .db
        .prepare_cached(
            "UPDATE deliveries
             SET status = CASE WHEN status = 3 AND ?1 <> 1 THEN 3 ELSE ?1 END,
                 reason = CASE WHEN status = 3 AND ?1 <> 1 THEN reason END,
                 attempts = ?2, place = ?3, next_attempt_at = ?4, status_code = ?5
             WHERE id = ?6 RETURNING status",
        )?
        .query_row(
            params![
                row::status_number(status),
                record.attempt.number,
                place(batch, due, next_attempt_at).as_millis(),
                next_attempt_at.as_millis(),
                record.attempt.outcome.status(),
                due.id.as_bytes(),
            ],
            |row| row::status(row, 0),
        )
        .optional()?;
    Ok(kept.unwrap_or(status))
}

/// With strict order a delivery keeps its turn; otherwise its turn comes when it is due.
fn place(batch: &Batch<'_>, due: &Due, next_attempt_at: Timestamp) -> Timestamp {
    let ordering = batch.directory.endpoint(due.endpoint).map(|endpoint| endpoint.settings.ordering);
    match ordering {
        Some(Ordering::Fifo) => due.place,
        Some(Ordering::None) | None => next_attempt_at,
    }
}

fn succeeded(batch: &mut Batch<'_>, endpoint: &Endpoint) -> Result<(), Error> {
    let run = run_of(batch, endpoint.id)?;
    let well = Run { told_at: run.told_at, ..Run::default() };
    if run == well {
        return Ok(());
    }
    set_run(batch, endpoint.id, well)?;
    if run.troubled {
        operational::publish(batch, endpoint, &Notice::Recovered)?;
    }
    if run.told {
        mails::put(batch, endpoint, What::Recovered)?;
    }
    Ok(())
}

fn failed(batch: &mut Batch<'_>, endpoint: &Arc<Endpoint>, record: &Record) -> Result<(), Error> {
    let run = run_of(batch, endpoint.id)?;
    let health = run.health.after_failure(batch.now);
    // A notice that could not be delivered is not a reason for another one.
    let exhausted = record.next == Next::GiveUp { exhausted: true } && !record.due.event.event_type.is_operational();
    let reason =
        reason_if_gone(record).or_else(|| record.rule.reason(health, record.attempt.outcome.status(), batch.now));
    let disabled = reason.filter(|_| endpoint.is_active());
    let announced = disabled.clone().filter(|_| record.notify);
    if exhausted {
        let notice = Notice::Exhausted { due: &record.due, attempt: &record.attempt };
        operational::publish(batch, endpoint, &notice)?;
    }
    if let Some(reason) = disabled {
        disable(batch, endpoint, &reason)?;
    }
    if let Some(reason) = &announced {
        operational::publish(batch, endpoint, &Notice::Disabled { reason })?;
    }
    let troubled = run.troubled || exhausted || announced.is_some();
    let told = tell(batch, endpoint, Run { health, ..run }, record, exhausted, announced)?;
    let told_at = if told { Some(batch.now) } else { run.told_at };
    set_run(batch, endpoint.id, Run { health, troubled, told: run.told || told, told_at })
}

/// Mails admins what they do not know yet. True if there is somebody to tell.
fn tell(
    batch: &mut Batch<'_>,
    endpoint: &Endpoint,
    run: Run,
    record: &Record,
    exhausted: bool,
    disabled: Option<String>,
) -> Result<bool, Error> {
    let quiet = !run.told && run.told_at.is_none_or(|at| batch.now.since(at) >= TOLD_EVERY);
    let what = match disabled {
        Some(reason) => What::Disabled { reason, failing: Failing::of(run.health, &record.attempt) },
        None if exhausted && quiet && record.notify => What::GivesUp {
            event_type: record.due.event.event_type.to_string(),
            delivery: record.due.id,
            failing: Failing::of(run.health, &record.attempt),
        },
        None => return Ok(false),
    };
    mails::put(batch, endpoint, what)
}

fn reason_if_gone(record: &Record) -> Option<String> {
    let failure = record.attempt.outcome.failure().filter(|_| record.gone)?;
    record.rule.reason_if_gone(&failure.message)
}

fn disable(batch: &mut Batch<'_>, endpoint: &Arc<Endpoint>, reason: &str) -> Result<(), Error> {
    let disabled = Endpoint {
        status: endpoint::Status::Disabled,
        disabled_reason: Some(reason.to_owned()),
        updated_at: batch.now,
        ..Endpoint::clone(endpoint)
    };
    super::endpoints::put(batch, disabled)?;
    Ok(())
}

fn run_of(batch: &mut Batch<'_>, id: EndpointId) -> Result<Run, Error> {
    if let Some(run) = batch.runs.get(&id) {
        return Ok(*run);
    }
    let run = batch
        .db
        .prepare_cached("SELECT failure_count, failing_since, troubled, told, told_at FROM endpoints WHERE id = ?")?
        .query_row([id.as_bytes()], |row| {
            let time = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_millis));
            let health = Health { failure_count: row.get(0)?, failing_since: time(1)? };
            Ok(Run { health, troubled: row.get(2)?, told: row.get(3)?, told_at: time(4)? })
        })
        .optional()?
        .unwrap_or_default();
    batch.runs.insert(id, run);
    Ok(run)
}

pub(super) fn set_run(batch: &mut Batch<'_>, id: EndpointId, run: Run) -> Result<(), Error> {
    batch.runs.insert(id, run);
    batch
        .db
        .prepare_cached(
            "UPDATE endpoints SET failure_count = ?, failing_since = ?, troubled = ?, told = ?, told_at = ? WHERE id = ?",
        )?
        .execute(params![
            run.health.failure_count,
            run.health.failing_since.map(Timestamp::as_millis),
            run.troubled,
            run.told,
            run.told_at.map(Timestamp::as_millis),
            id.as_bytes(),
        ])?;
    Ok(())
}

/// Forgets failures that are over because somebody resumed the endpoint, but not that there was trouble.
pub(super) fn forgive(batch: &mut Batch<'_>, id: EndpointId) -> Result<(), Error> {
    let run = run_of(batch, id)?;
    set_run(batch, id, Run { health: Health::default(), ..run })
}
