//! The SQL of jobs: what is left to do, a step at a time.

use std::sync::Arc;

use model::id::{DeliveryId, EndpointId, EventId, JobId, ProjectId};
use model::job::{Job, Only, Status, Task};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::writer::Batch;
use super::{ingest, row, search};
use crate::Error;
use crate::jobs::{STEP, Step};

/// Events that a step looks at, of which it may want few.
const SEEN: usize = 4 * STEP;

pub(crate) fn create(batch: &mut Batch<'_>, project: ProjectId, task: &Task) -> Result<Job, Error> {
    let total = match task {
        Task::Recover { endpoint, since, until, only } => {
            let window = Window::new(batch, project, *endpoint, *since, *until)?;
            window.count(batch, *only)?
        }
        Task::Replay { event } => match search::event_row(batch.db, project, event)? {
            Some((_, stored)) => batch.directory.matching(&stored.event).count() as u64,
            None => 0,
        },
    };
    let id = JobId::new(batch.env);
    let text = serde_json::to_string(task).map_err(|error| Error::Corrupt(error.to_string()))?;
    batch
        .db
        .prepare_cached("INSERT INTO jobs (id, project, task, status, total, created_at) VALUES (?, ?, ?, 0, ?, ?)")?
        .execute(params![id.as_bytes(), project.as_bytes(), text, number(total), batch.now.as_millis()])?;
    let task = task.clone();
    Ok(Job { id, project, task, status: Status::Running, total, done: 0, failed: 0, created_at: batch.now })
}

pub(crate) fn find(db: &Connection, project: ProjectId, id: JobId) -> Result<Option<Job>, Error> {
    Ok(load(db, id)?.map(|(job, _)| job).filter(|job| job.project == project))
}

pub(crate) fn cancel(batch: &mut Batch<'_>, project: ProjectId, id: JobId) -> Result<Option<Job>, Error> {
    batch
        .db
        .prepare_cached("UPDATE jobs SET status = ? WHERE id = ? AND project = ? AND status = 0")?
        .execute(params![row::job_status_number(Status::Cancelled), id.as_bytes(), project.as_bytes()])?;
    find(batch.db, project, id)
}

pub(crate) fn running(db: &Connection) -> Result<Vec<JobId>, Error> {
    let mut statement = db.prepare_cached("SELECT id FROM jobs WHERE status = 0 ORDER BY id")?;
    let rows = statement.query_map([], |row| row::id(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn endpoint(db: &Connection, id: JobId) -> Result<Option<EndpointId>, Error> {
    Ok(load(db, id)?.and_then(|(job, _)| match job.task {
        Task::Recover { endpoint, .. } => Some(endpoint),
        Task::Replay { .. } => None,
    }))
}

pub(crate) fn step(batch: &mut Batch<'_>, id: JobId) -> Result<Step, Error> {
    let Some((job, cursor)) = load(batch.db, id)? else { return Ok(Step::Ended) };
    if job.status != Status::Running {
        return Ok(Step::Ended);
    }
    let progress = match &job.task {
        Task::Replay { event } => replay(batch, job.project, event)?,
        Task::Recover { endpoint, since, until, only } => {
            if batch.directory.endpoint(*endpoint).is_none_or(|endpoint| endpoint.project != job.project) {
                end(batch, id, Status::Failed)?;
                return Ok(Step::Ended);
            }
            let window = Window::new(batch, job.project, *endpoint, *since, *until)?;
            window.step(batch, *only, cursor)?
        }
    };
    advance(batch, id, &progress)?;
    if progress.cursor.is_some() {
        return Ok(Step::More);
    }
    end(batch, id, Status::Done)?;
    Ok(Step::Ended)
}

fn advance(batch: &Batch<'_>, id: JobId, progress: &Progress) -> Result<(), Error> {
    batch.db.prepare_cached("UPDATE jobs SET done = done + ?, cursor = ? WHERE id = ?")?.execute(params![
        number(progress.done),
        progress.cursor.map(Cursor::to_bytes),
        id.as_bytes()
    ])?;
    Ok(())
}

fn end(batch: &Batch<'_>, id: JobId, status: Status) -> Result<(), Error> {
    // What could not be put on the road is what was counted and not done, if the job failed.
    batch
        .db
        .prepare_cached(
            "UPDATE jobs SET status = ?1, failed = CASE WHEN ?1 = 3 THEN max(total - done, 0) ELSE failed END WHERE id = ?2",
        )?
        .execute(params![row::job_status_number(status), id.as_bytes()])?;
    Ok(())
}

fn load(db: &Connection, id: JobId) -> Result<Option<(Job, Option<Cursor>)>, Error> {
    let read = |row: &Row<'_>| {
        let job = Job {
            id,
            project: row::id(row, 0)?,
            task: row::json(row, 1)?,
            status: row::job_status(row, 2)?,
            total: row.get::<_, i64>(3)?.unsigned_abs(),
            done: row.get::<_, i64>(4)?.unsigned_abs(),
            failed: row.get::<_, i64>(5)?.unsigned_abs(),
            created_at: row::time(row, 7)?,
        };
        Ok((job, row.get::<_, Option<[u8; 17]>>(6)?.map(Cursor::from_bytes)))
    };
    let found = db
        .prepare_cached("SELECT project, task, status, total, done, failed, cursor, created_at FROM jobs WHERE id = ?")?
        .query_row([id.as_bytes()], read)
        .optional()?;
    Ok(found)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What a step did, and where the next one begins; without a cursor there is none.
struct Progress {
    done: u64,
    cursor: Option<Cursor>,
}

/// Where a recovery is: first through the failed deliveries, then through the events.
#[derive(Clone, Copy)]
enum Cursor {
    Failed(DeliveryId),
    Missed(i64),
}

impl Cursor {
    fn to_bytes(self) -> [u8; 17] {
        let mut bytes = [0; 17];
        match self {
            Self::Failed(id) => bytes[1..].copy_from_slice(id.as_bytes()),
            Self::Missed(seq) => {
                bytes[0] = 1;
                bytes[9..].copy_from_slice(&seq.to_be_bytes());
            }
        }
        bytes
    }

    fn from_bytes(bytes: [u8; 17]) -> Self {
        let [phase, rest @ ..] = bytes;
        if phase == 0 {
            return Self::Failed(DeliveryId::from_bytes(rest));
        }
        let seq = rest[8..].try_into().expect("eight bytes are left of sixteen");
        Self::Missed(i64::from_be_bytes(seq))
    }
}

fn replay(batch: &mut Batch<'_>, project: ProjectId, event: &EventId) -> Result<Progress, Error> {
    let Some((seq, stored)) = search::event_row(batch.db, project, event)? else {
        return Ok(Progress { done: 0, cursor: None });
    };
    let event = Arc::new(stored.event);
    let endpoints: Vec<EndpointId> = batch.directory.matching(&event).map(|endpoint| endpoint.id).collect();
    for endpoint in &endpoints {
        ingest::deliver_to(batch, seq, &event, *endpoint, false)?;
    }
    Ok(Progress { done: endpoints.len() as u64, cursor: None })
}

/// A stretch of time of one endpoint, in the terms the tables are ordered by.
struct Window {
    project: ProjectId,
    endpoint: EndpointId,
    deliveries: (DeliveryId, DeliveryId),
    events: (i64, i64),
}

impl Window {
    fn new(
        batch: &Batch<'_>,
        project: ProjectId,
        endpoint: EndpointId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self {
            project,
            endpoint,
            deliveries: (DeliveryId::first_at(since), DeliveryId::first_at(until)),
            events: (search::first_event_at(batch.db, since)?, search::first_event_at(batch.db, until)?),
        })
    }

    fn count(&self, batch: &Batch<'_>, only: Only) -> Result<u64, Error> {
        let mut total = 0;
        if only != Only::Missed {
            total += self.failed_after(batch, self.deliveries.0, usize::MAX)?.len() as u64;
        }
        if only != Only::Failed {
            let mut from = self.events.0;
            while let Some(seen) = self.missed_from(batch, from)? {
                total += seen.missed.len() as u64;
                from = seen.next;
            }
        }
        Ok(total)
    }

    fn step(&self, batch: &mut Batch<'_>, only: Only, cursor: Option<Cursor>) -> Result<Progress, Error> {
        let start = match only {
            Only::Missed => Cursor::Missed(self.events.0),
            Only::Failed | Only::All => Cursor::Failed(self.deliveries.0),
        };
        match cursor.unwrap_or(start) {
            Cursor::Failed(from) => self.step_failed(batch, only, from),
            Cursor::Missed(from) => self.step_missed(batch, from),
        }
    }

    /// Starts the schedule of failed deliveries anew.
    fn step_failed(&self, batch: &mut Batch<'_>, only: Only, from: DeliveryId) -> Result<Progress, Error> {
        let failed = self.failed_after(batch, from, STEP)?;
        for id in &failed {
            batch
                .db
                .prepare_cached(
                    "UPDATE deliveries SET status = 0, manual = 0, run_began_at = attempts, place = ?1, next_attempt_at = ?1
                     WHERE id = ?2 AND status = 2",
                )?
                .execute(params![batch.now.as_millis(), id.as_bytes()])?;
        }
        if !failed.is_empty() {
            batch.announce_work(self.endpoint, batch.now);
        }
        let cursor = match failed.last() {
            Some(last) if failed.len() == STEP => Some(Cursor::Failed(*last)),
            _ if only == Only::All => Some(Cursor::Missed(self.events.0)),
            _ => None,
        };
        Ok(Progress { done: failed.len() as u64, cursor })
    }

    fn failed_after(&self, batch: &Batch<'_>, from: DeliveryId, limit: usize) -> Result<Vec<DeliveryId>, Error> {
        let mut statement = batch.db.prepare_cached(
            "SELECT id FROM deliveries INDEXED BY deliveries_failed
             WHERE project = ? AND status = 2 AND endpoint = ? AND id > ? AND id < ? ORDER BY id LIMIT ?",
        )?;
        let rows = statement.query_map(
            params![
                self.project.as_bytes(),
                self.endpoint.as_bytes(),
                from.as_bytes(),
                self.deliveries.1.as_bytes(),
                row::limit(limit),
            ],
            |row| row.get(0).map(DeliveryId::from_bytes),
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Makes the deliveries that were missed.
    fn step_missed(&self, batch: &mut Batch<'_>, from: i64) -> Result<Progress, Error> {
        let Some(seen) = self.missed_from(batch, from)? else {
            return Ok(Progress { done: 0, cursor: None });
        };
        let done = seen.missed.len() as u64;
        for (seq, event) in seen.missed {
            ingest::deliver_to(batch, seq, &Arc::new(event), self.endpoint, false)?;
        }
        Ok(Progress { done, cursor: Some(Cursor::Missed(seen.next)) })
    }

    /// The next events of the window and those of them that the endpoint should have had; `None` at its end.
    fn missed_from(&self, batch: &Batch<'_>, from: i64) -> Result<Option<Seen>, Error> {
        let ours = batch.directory.endpoint(self.endpoint).filter(|endpoint| endpoint.project == self.project);
        let Some(endpoint) = ours else { return Ok(None) };
        let sql = format!(
            "SELECT {}, e.seq, EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event = e.seq AND d.endpoint = ?1)
             FROM events AS e INDEXED BY events_by_age
             WHERE e.project = ?2 AND e.seq >= ?3 AND e.seq < ?4 AND e.test = 0 ORDER BY e.seq LIMIT ?5",
            row::EVENT
        );
        let mut statement = batch.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![
            self.endpoint.as_bytes(),
            self.project.as_bytes(),
            from,
            self.events.1,
            row::limit(SEEN)
        ])?;
        let mut seen = None;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(row::EVENT_WIDTH)?;
            let has_delivery: bool = row.get(row::EVENT_WIDTH + 1)?;
            let Seen { missed, next } = seen.get_or_insert_with(Seen::default);
            *next = seq + 1;
            let event = row::event(row, 0)?;
            if !has_delivery && endpoint.matches(&event) && !event.has_expired(batch.now) {
                missed.push((seq, event));
            }
            if missed.len() == STEP {
                break;
            }
        }
        Ok(seen)
    }
}

#[derive(Default)]
struct Seen {
    missed: Vec<(i64, model::event::Event)>,
    next: i64,
}

/// How many deliveries of `endpoint` are pending, as far as up to `enough`: what a job waits for before it adds more.
pub(crate) fn backlog(db: &Connection, endpoint: EndpointId, enough: usize) -> Result<usize, Error> {
    let count: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_pending
                                   WHERE status = 0 AND endpoint = ? LIMIT ?)",
        )?
        .query_row(params![endpoint.as_bytes(), row::limit(enough)], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}
