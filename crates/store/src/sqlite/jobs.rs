//! The SQL of jobs, which go on a step at a time.

use std::sync::Arc;

use model::id::{EndpointId, EventId, JobId, ProjectId};
use model::job::{Job, Status, Task};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::commit::txn::WriteTxn;
use super::{deliveries, row, search};
use crate::Error;
use crate::directory::Directory;
use crate::filtering::FilterResults;
use crate::jobs::{self, Step, ours};
use crate::recovery::{self, Progress, Window};
use crate::search::{Cursor, Page, Paging};

type Filtered = jobs::Filtered<i64>;

/// Number of items that `task` is about. Counted outside of the writer: it may take long.
pub(crate) fn count(
    db: &Connection,
    directory: &Directory,
    project: ProjectId,
    task: &Task,
    now: Timestamp,
) -> Result<u64, Error> {
    match task {
        Task::Recover { endpoint, since, until, only } => match ours(directory, project, *endpoint) {
            Some(endpoint) => Window::new(db, endpoint, *since, *until)?.count(db, *only, now),
            None => Ok(0),
        },
        Task::Replay { event } => match search::event_row(db, project, event)? {
            Some((_, stored)) => {
                Ok(FilterResults::of(directory, &stored.event).recipients(directory, &stored.event).len() as u64)
            }
            None => Ok(0),
        },
    }
}

pub(crate) fn create(txn: &mut WriteTxn<'_>, project: ProjectId, task: &Task, total: u64) -> Result<Job, Error> {
    let id = JobId::new(txn.env);
    let text = serde_json::to_string(task).map_err(|error| Error::Corrupt(error.to_string()))?;
    txn.db()?
        .prepare_cached("INSERT INTO jobs (id, project, task, status, total, created_at) VALUES (?, ?, ?, 0, ?, ?)")?
        .execute(params![id.as_bytes(), project.as_bytes(), text, number(total), txn.now.as_millis()])?;
    let task = task.clone();
    Ok(Job { id, project, task, status: Status::Running, total, done: 0, failed: 0, created_at: txn.now })
}

pub(crate) fn find(db: &Connection, project: ProjectId, id: JobId) -> Result<Option<Job>, Error> {
    Ok(load(db, id)?.map(|(job, _)| job).filter(|job| job.project == project))
}

pub(crate) fn list(db: &Connection, project: ProjectId, paging: Paging) -> Result<Page<Job>, Error> {
    let before = paging.after.map_or([0xff; 16], |cursor| cursor.0);
    let sql = format!("SELECT {JOB} FROM jobs WHERE project = ? AND id < ? ORDER BY id DESC LIMIT ?");
    let mut statement = db.prepare_cached(&sql)?;
    let values = params![project.as_bytes(), before, row::limit(paging.limit + 1)];
    let rows = statement.query_map(values, |row| job(row).map(|(job, _)| (Cursor(*job.id.as_bytes()), job)))?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(Page::of(rows.into_iter().map(|(cursor, job)| (job, cursor)).collect(), paging.limit))
}

pub(crate) fn cancel(txn: &mut WriteTxn<'_>, project: ProjectId, id: JobId) -> Result<Option<Job>, Error> {
    txn.db()?
        .prepare_cached("UPDATE jobs SET status = ? WHERE id = ? AND project = ? AND status = 0")?
        .execute(params![row::job_status_number(Status::Cancelled), id.as_bytes(), project.as_bytes()])?;
    find(txn.db()?, project, id)
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

/// Evaluates the filters that the next step of a job needs. Done outside of the writer: filters take their time.
pub(crate) fn evaluate(db: &Connection, directory: &Directory, id: JobId, now: Timestamp) -> Result<Filtered, Error> {
    let Some((job, cursor)) = load(db, id)? else { return Ok(Filtered::Nothing) };
    match &job.task {
        Task::Replay { event } => {
            let found = search::event_row(db, job.project, event)?;
            Ok(found.map_or(Filtered::Nothing, |(_, stored)| {
                let next = recovery::next_endpoints(directory, &stored.event, cursor.as_ref());
                Filtered::Replay(FilterResults::among(&next, &stored.event))
            }))
        }
        Task::Recover { endpoint, since, until, only } => {
            let Some(endpoint) = ours(directory, job.project, *endpoint) else { return Ok(Filtered::Nothing) };
            if endpoint.settings.filter.is_none() {
                return Ok(Filtered::Nothing);
            }
            Window::new(db, endpoint, *since, *until)?.review(db, *only, cursor, now).map(Filtered::Recover)
        }
    }
}

pub(crate) fn step(txn: &mut WriteTxn<'_>, id: JobId, filtered: &Filtered) -> Result<Step, Error> {
    let Some((job, cursor)) = load(txn.db()?, id)? else { return Ok(Step::Ended) };
    if job.status != Status::Running {
        return Ok(Step::Ended);
    }
    let progress = match &job.task {
        Task::Replay { event } => replay(txn, job.project, event, cursor, filtered)?,
        Task::Recover { endpoint, since, until, only } => {
            let Some(endpoint) = ours(&txn.directory, job.project, *endpoint) else {
                end(txn, id, Status::Failed)?;
                return Ok(Step::Ended);
            };
            let review = match filtered {
                Filtered::Recover(review) => Some(review),
                Filtered::Nothing | Filtered::Replay(_) => None,
            };
            Window::new(txn.db()?, endpoint, *since, *until)?.step(txn, *only, cursor, review)?
        }
    };
    advance(txn, id, &progress)?;
    if progress.cursor.is_some() {
        return Ok(Step::More);
    }
    end(txn, id, Status::Done)?;
    Ok(Step::Ended)
}

fn advance(txn: &mut WriteTxn<'_>, id: JobId, progress: &Progress<i64>) -> Result<(), Error> {
    txn.db()?.prepare_cached("UPDATE jobs SET done = done + ?, cursor = ? WHERE id = ?")?.execute(params![
        number(progress.done),
        progress.cursor.map(recovery::Cursor::to_bytes),
        id.as_bytes()
    ])?;
    Ok(())
}

fn end(txn: &mut WriteTxn<'_>, id: JobId, status: Status) -> Result<(), Error> {
    // If the job failed, its failed items are those that were counted and not done.
    txn
        .db()?
        .prepare_cached(
            "UPDATE jobs SET status = ?1, failed = CASE WHEN ?1 = 3 THEN max(total - done, 0) ELSE failed END WHERE id = ?2",
        )?
        .execute(params![row::job_status_number(status), id.as_bytes()])?;
    Ok(())
}

/// A job, and the cursor of its next step.
type Loaded = (Job, Option<recovery::Cursor<i64>>);

fn load(db: &Connection, id: JobId) -> Result<Option<Loaded>, Error> {
    let sql = format!("SELECT {JOB} FROM jobs WHERE id = ?");
    let found = db.prepare_cached(&sql)?.query_row([id.as_bytes()], job).optional()?;
    let Some((job, cursor)) = found else { return Ok(None) };
    Ok(Some((job, cursor.map(|bytes| recovery::Cursor::parse(&bytes)).transpose()?)))
}

/// The columns that [`job`] reads.
const JOB: &str = "id, project, task, status, total, done, failed, cursor, created_at";

/// A job, and its cursor as it is stored.
fn job(row: &Row<'_>) -> rusqlite::Result<(Job, Option<Vec<u8>>)> {
    let count = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
    let job = Job {
        id: row::id(row, 0)?,
        project: row::id(row, 1)?,
        task: row::json(row, 2)?,
        status: row::job_status(row, 3)?,
        total: count(4)?,
        done: count(5)?,
        failed: count(6)?,
        created_at: row::time(row, 8)?,
    };
    Ok((job, row.get(7)?))
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn replay(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    event: &EventId,
    cursor: Option<recovery::Cursor<i64>>,
    filtered: &Filtered,
) -> Result<Progress<i64>, Error> {
    let Some((seq, stored)) = search::event_row(txn.db()?, project, event)? else {
        return Ok(Progress { done: 0, cursor: None });
    };
    let event = Arc::new(stored.event);
    let next = recovery::next_endpoints(&txn.directory, &event, cursor.as_ref());
    let recipients = filtered.recipients(&next, &event);
    for recipient in &recipients {
        deliveries::deliver_to(txn, seq, &event, recipient, false)?;
    }
    Ok(Progress { done: recipients.len() as u64, cursor: recovery::after_endpoints(&next) })
}

/// Number of pending deliveries of `endpoint`, counted up to `enough`: a job waits for them before it adds more.
pub(crate) fn backlog(db: &Connection, endpoint: EndpointId, enough: usize) -> Result<usize, Error> {
    let count: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_pending
                                   WHERE status = 0 AND endpoint = ? LIMIT ?)",
        )?
        .query_row(params![endpoint.as_bytes(), row::limit(enough)], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}
