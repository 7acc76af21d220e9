//! Events with their deliveries, attempts and idempotency keys, and jobs that ended: a project's, oldest first.

use std::time::Duration;

use model::id::{DeliveryId, JobId, ProjectId};
use model::retention::Period;
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::{occurrences, row, search};
use super::rests::{DAY, PAUSE};
use crate::Error;
use crate::retention::Deleted;
use crate::slice::{Patience, ROWS};
use crate::sqlite::commit::txn::WriteTxn;

/// Time by which deliveries that were made with their event may be younger, and still go with it.
const TOGETHER: Duration = Duration::from_secs(60);

/// Attempts of one delivery that are deleted between two checks of the clock.
const ATTEMPTS_AT_ONCE: usize = 32;

/// A cursor through a project's events, by number.
pub(super) struct Cursor {
    pub(super) kept: Period,
    /// Not to be scanned before.
    pub(super) again_at: Timestamp,
    /// Number of the next event.
    next: i64,
    /// Some events that are old enough were left behind, for deliveries that are pending or younger.
    held: bool,
    began_at: Timestamp,
}

pub(crate) struct Chunk {
    pub(super) project: ProjectId,
    jobs: Vec<JobId>,
    events: Vec<ExpiredEvent>,
    /// The cursor's next event when all of this is deleted.
    next: i64,
}

/// An event, and those of its deliveries that may be deleted.
struct ExpiredEvent {
    seq: i64,
    deliveries: Vec<DeliveryId>,
}

pub(super) struct Reached {
    next: i64,
    held: bool,
    /// Attempts beyond this number were deleted.
    pub(super) newest_attempt: i64,
}

impl Cursor {
    pub(super) fn new(kept: Period, now: Timestamp) -> Self {
        Self { kept, again_at: now, next: 0, held: false, began_at: now }
    }

    /// Finds the next chunk, or the time at which there will be one.
    pub(super) fn scan(
        &mut self,
        db: &Connection,
        project: ProjectId,
        now: Timestamp,
        budget: &mut usize,
    ) -> Result<Option<Chunk>, Error> {
        *budget -= 1;
        let Some(before) = self.kept.over_before(now) else {
            self.again_at = now + DAY;
            return Ok(None);
        };
        if self.held && self.began_at + DAY <= now {
            *self = Self::new(self.kept, now);
        }
        let jobs = ended_jobs(db, project, before)?;
        let mut slice = Chunk { project, jobs, events: Vec::new(), next: self.next };
        let until = search::first_event_at(db, before)?;
        while slice.rows() < ROWS && *budget > 0 {
            let Some(seq) = next_event(db, project, slice.next)?.filter(|seq| *seq < until) else { break };
            *budget -= 1;
            let (deliveries, rest) = deliveries(db, seq, before + TOGETHER)?;
            slice.next = if rest == Rest::More { seq } else { seq + 1 };
            self.held |= rest == Rest::Held;
            if !deliveries.is_empty() || rest == Rest::None {
                slice.events.push(ExpiredEvent { seq, deliveries });
            }
        }
        if slice.rows() > 0 {
            return Ok(Some(slice));
        }
        self.next = slice.next;
        if *budget > 0 {
            self.again_at = self.next_at(db, project, now)?;
        }
        Ok(None)
    }

    /// Time at which the oldest of what is left will have been kept long enough.
    fn next_at(&self, db: &Connection, project: ProjectId, now: Timestamp) -> Result<Timestamp, Error> {
        let oldest = oldest(db, project, self.next)?.unwrap_or(now).min(now);
        let over_at = self.kept.over_at(oldest).unwrap_or(now + DAY) + Duration::from_millis(1);
        let next_at = if self.held { over_at.min(self.began_at + DAY) } else { over_at };
        Ok(next_at.max(now + PAUSE))
    }

    pub(super) fn advance(&mut self, reached: &Reached) {
        self.next = reached.next;
        self.held |= reached.held;
    }
}

impl Chunk {
    fn rows(&self) -> usize {
        self.jobs.len() + self.events.iter().map(|event| 1 + event.deliveries.len()).sum::<usize>()
    }
}

/// All projects that have events or jobs, deleted ones too: one seek each.
pub(super) fn projects(db: &Connection) -> Result<Vec<ProjectId>, Error> {
    let mut found = Vec::new();
    for next in [
        "SELECT project FROM events INDEXED BY events_by_age WHERE project > ? ORDER BY project LIMIT 1",
        "SELECT project FROM jobs INDEXED BY jobs_by_project WHERE project > ? ORDER BY project LIMIT 1",
    ] {
        let mut next = db.prepare_cached(next)?;
        let mut after = Vec::new();
        while let Some(project) = next.query_row([&after], |row| row::id(row, 0)).optional()? {
            found.push(project);
            after = ProjectId::as_bytes(&project).to_vec();
        }
    }
    Ok(found)
}

fn ended_jobs(db: &Connection, project: ProjectId, before: Timestamp) -> Result<Vec<JobId>, Error> {
    // Their ids begin with the time, as those of deliveries do.
    let first = DeliveryId::first_at(before);
    let mut statement = db.prepare_cached(
        "SELECT id FROM jobs INDEXED BY jobs_by_project WHERE project = ? AND id < ? AND status <> 0 ORDER BY id LIMIT ?",
    )?;
    let rows =
        statement.query_map(params![project.as_bytes(), first.as_bytes(), row::limit(ROWS)], |row| row::id(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn next_event(db: &Connection, project: ProjectId, from: i64) -> Result<Option<i64>, Error> {
    let next = db
        .prepare_cached(
            "SELECT seq FROM events INDEXED BY events_by_age WHERE project = ? AND seq >= ? ORDER BY seq LIMIT 1",
        )?
        .query_row(params![project.as_bytes(), from], |row| row.get(0))
        .optional()?;
    Ok(next)
}

/// The rest of an event, besides the deliveries that may be deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    None,
    /// More that may be deleted.
    More,
    /// Deliveries that may not be deleted, or that are not made yet.
    Held,
}

/// Some of an event's deliveries that have ended and are old enough.
fn deliveries(db: &Connection, event: i64, before: Timestamp) -> Result<(Vec<DeliveryId>, Rest), Error> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM deliveries INDEXED BY deliveries_by_event
         WHERE event = ? AND id < ? AND status <> 0 ORDER BY id LIMIT ?",
    )?;
    let before = DeliveryId::first_at(before);
    let rows = statement
        .query_map(params![event, before.as_bytes(), row::limit(ROWS)], |row| row.get(0).map(DeliveryId::from_bytes))?;
    let ended: Vec<DeliveryId> = rows.collect::<rusqlite::Result<_>>()?;
    if ended.len() == ROWS {
        return Ok((ended, Rest::More));
    }
    let held = db
        .prepare_cached(
            "SELECT 1 FROM deliveries INDEXED BY deliveries_by_event WHERE event = ?1 AND (id >= ?2 OR status = 0)
             UNION ALL SELECT 1 FROM fan_outs WHERE event = ?1 LIMIT 1",
        )?
        .query_row(params![event, before.as_bytes()], |_| Ok(()))
        .optional()?;
    Ok((ended, if held.is_some() { Rest::Held } else { Rest::None }))
}

/// Time at which the oldest event from `from` on came in, or the oldest job that ended was made.
fn oldest(db: &Connection, project: ProjectId, from: i64) -> Result<Option<Timestamp>, Error> {
    let event = db
        .prepare_cached(
            "SELECT created_at FROM events INDEXED BY events_by_age WHERE project = ? AND seq >= ? ORDER BY seq LIMIT 1",
        )?
        .query_row(params![project.as_bytes(), from], |row| row::time(row, 0))
        .optional()?;
    let job = db
        .prepare_cached(
            "SELECT created_at FROM jobs INDEXED BY jobs_by_project WHERE project = ? AND status <> 0 ORDER BY id LIMIT 1",
        )?
        .query_row([project.as_bytes()], |row| row::time(row, 0))
        .optional()?;
    Ok(event.into_iter().chain(job).min())
}

pub(super) fn take(txn: &mut WriteTxn<'_>, slice: &Chunk, mut patience: Patience) -> Result<(Deleted, Reached), Error> {
    let mut deleted = Deleted::default();
    for job in &slice.jobs {
        deleted.jobs += delete(txn, "DELETE FROM jobs WHERE id = ? AND status <> 0", params![job.as_bytes()])?;
        patience.spend(1);
    }
    let (mut next, mut held) = (slice.next, false);
    for event in &slice.events {
        match take_event(txn, event, &mut patience, &mut deleted)? {
            Fate::Gone => {}
            Fate::Held => held = true,
            Fate::Interrupted => {
                next = event.seq;
                break;
            }
        }
    }
    occurrences::forget(txn, slice.project, next)?;
    let newest_attempt = forget_numbers(txn)?;
    let reached = Reached { next, held, newest_attempt };
    Ok((deleted, reached))
}

enum Fate {
    Gone,
    /// It has deliveries that stay.
    Held,
    /// The slice was over before the event was deleted.
    Interrupted,
}

fn take_event(
    txn: &mut WriteTxn<'_>,
    event: &ExpiredEvent,
    patience: &mut Patience,
    deleted: &mut Deleted,
) -> Result<Fate, Error> {
    for delivery in &event.deliveries {
        if patience.is_over(txn.env) || !take_delivery(txn, *delivery, patience, deleted)? {
            return Ok(Fate::Interrupted);
        }
    }
    if patience.is_over(txn.env) {
        return Ok(Fate::Interrupted);
    }
    let gone = delete(
        txn,
        "DELETE FROM events WHERE seq = ?1
         AND NOT EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_by_event WHERE event = ?1)
         AND NOT EXISTS (SELECT 1 FROM fan_outs WHERE event = ?1)",
        params![event.seq],
    )?;
    if gone == 0 {
        return Ok(Fate::Held);
    }
    delete(txn, "DELETE FROM idempotency WHERE event = ?", params![event.seq])?;
    deleted.events += 1;
    patience.spend(1);
    Ok(Fate::Gone)
}

/// Deletes a delivery that has ended, with its attempts. False if the slice was over before all of it was gone.
fn take_delivery(
    txn: &mut WriteTxn<'_>,
    delivery: DeliveryId,
    patience: &mut Patience,
    deleted: &mut Deleted,
) -> Result<bool, Error> {
    let ended = txn
        .db()?
        .prepare_cached("SELECT 1 FROM deliveries WHERE id = ? AND status <> 0")?
        .query_row([delivery.as_bytes()], |_| Ok(()))
        .optional()?;
    if ended.is_none() {
        return Ok(true);
    }
    loop {
        let attempts = delete(
            txn,
            "DELETE FROM attempts WHERE rowid IN (SELECT rowid FROM attempts WHERE delivery = ? ORDER BY number LIMIT ?)",
            params![delivery.as_bytes(), row::limit(ATTEMPTS_AT_ONCE)],
        )?;
        let count = usize::try_from(attempts).unwrap_or(ATTEMPTS_AT_ONCE);
        deleted.attempts += attempts;
        patience.spend(count);
        if count < ATTEMPTS_AT_ONCE {
            break;
        }
        if patience.is_over(txn.env) {
            return Ok(false);
        }
    }
    deleted.deliveries += delete(txn, "DELETE FROM deliveries WHERE id = ?", params![delivery.as_bytes()])?;
    patience.spend(1);
    Ok(true)
}

fn delete(txn: &mut WriteTxn<'_>, sql: &str, which: &[&dyn rusqlite::ToSql]) -> Result<u64, Error> {
    Ok(txn.db()?.prepare_cached(sql)?.execute(which)? as u64)
}

/// Moves stored positions back to the newest attempt: the numbers of deleted ones will be given again, to attempts that
/// no cursor has passed.
fn forget_numbers(txn: &mut WriteTxn<'_>) -> Result<i64, Error> {
    let newest: Option<i64> =
        txn.db()?.prepare_cached("SELECT max(rowid) FROM attempts")?.query_row([], |row| row.get(0))?;
    let newest = newest.unwrap_or(0);
    txn.db()?.prepare_cached("UPDATE bodies_dropped SET attempt = ?1 WHERE attempt > ?1")?.execute([newest])?;
    Ok(newest)
}
