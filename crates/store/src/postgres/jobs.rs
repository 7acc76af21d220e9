//! The SQL of jobs: one step at a time, each by the node that has the job's shard.

use std::sync::Arc;

use model::actor::Actor;
use model::id::{EndpointId, EventId, JobId, ProjectId};
use model::job::{Job, Status, Task};
use model::time::Timestamp;
use tokio_postgres::Row;

use super::event_key::EventKey;
use super::node_context::NodeContext;
use super::param::Uuid;
use super::transaction::WriteTxn;
use super::{row, search};
use crate::Error;
use crate::directory::Directory;
use crate::filtering::FilterResults;
use crate::jobs::{self, Step, ours};
use crate::recovery::{self, Cursor, Progress, Window};
use crate::search::{Cursor as Position, Page, Paging};
use crate::shard;

type Filtered = jobs::Filtered<EventKey>;

/// The number of items of `task`.
pub(crate) async fn count(
    db: &Arc<NodeContext>,
    directory: &Directory,
    project: ProjectId,
    task: &Task,
    now: Timestamp,
) -> Result<u64, Error> {
    match task {
        Task::Recover { endpoint, since, until, only } => match ours(directory, project, *endpoint) {
            Some(endpoint) => Window::new(endpoint, *since, *until).count(db, *only, now).await,
            None => Ok(0),
        },
        Task::Replay { event } => match search::event_row(db, project, event).await? {
            Some((_, stored)) => {
                let filter_results = FilterResults::in_turns(directory, &stored.event).await;
                Ok(filter_results.recipients(directory, &stored.event).len() as u64)
            }
            None => Ok(0),
        },
    }
}

pub(crate) async fn create(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    task: &Task,
    total: u64,
) -> Result<Job, Error> {
    let txn = db.work(by).await?;
    let (id, created_at) = (JobId::new(&*db.env), txn.now);
    let text = serde_json::to_string(task).map_err(|error| Error::Corrupt(error.to_string()))?;
    txn.execute(
        "INSERT INTO jobs (id, project, endpoint, task, status, total, created_at)
             VALUES ($1, $2, $3, $4, 0, $5, $6)",
        &[
            &Uuid::from(id),
            &Uuid::from(project),
            &endpoint_of(task).map(Uuid::from),
            &text,
            &number(total),
            &created_at.as_millis(),
        ],
    )
    .await?;
    txn.commit().await?;
    // The job may be another node's to run.
    db.tell(|notifications| notifications.jobs = true);
    let task = task.clone();
    Ok(Job { id, project, task, status: Status::Running, total, done: 0, failed: 0, created_at })
}

pub(crate) async fn find(db: &Arc<NodeContext>, project: ProjectId, id: JobId) -> Result<Option<Job>, Error> {
    Ok(load(db, id).await?.map(|(job, _)| job).filter(|job| job.project == project))
}

pub(crate) async fn list(db: &Arc<NodeContext>, project: ProjectId, paging: Paging) -> Result<Page<Job>, Error> {
    let before = Uuid::from(JobId::from_bytes(paging.after.map_or([0xff; 16], |cursor| cursor.0)));
    let sql = format!("SELECT {JOB} FROM jobs WHERE project = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    let limit = row::limit(paging.limit + 1);
    let rows = db.session().await?.query(&sql, &[&Uuid::from(project), &before, &limit]).await?;
    let read = |row: &Row| job(row).map(|(job, _)| (Position(*job.id.as_bytes()), job));
    let rows: Vec<_> = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::of(rows.into_iter().map(|(position, job)| (job, position)).collect(), paging.limit))
}

pub(crate) async fn cancel(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    id: JobId,
) -> Result<Option<Job>, Error> {
    let cancelled = row::position(&Status::Cancelled, &Status::ALL);
    let txn = db.work(by).await?;
    txn.execute(
        "UPDATE jobs SET status = $3 WHERE id = $1 AND project = $2 AND status = 0",
        &[&Uuid::from(id), &Uuid::from(project), &cancelled],
    )
    .await?;
    txn.commit().await?;
    find(db, project, id).await
}

/// The jobs that are this node's to run, oldest first: a job goes with the shard of its endpoint, so a recovery runs
/// where its endpoint is delivered to.
pub(crate) async fn running(db: &Arc<NodeContext>) -> Result<Vec<JobId>, Error> {
    let sql = "SELECT id, endpoint FROM jobs WHERE status = 0 ORDER BY id";
    let mut running = Vec::new();
    for row in db.session().await?.query(sql, &[]).await? {
        let (id, endpoint): (JobId, Option<Uuid>) = (row::id(&row, 0)?, row::get(&row, 1)?);
        let shard = endpoint.map_or(shard::of(id), |endpoint| shard::of(EndpointId::from(endpoint)));
        if db.lease.holds(shard) {
            running.push(id);
        }
    }
    Ok(running)
}

pub(crate) async fn endpoint(db: &Arc<NodeContext>, id: JobId) -> Result<Option<EndpointId>, Error> {
    Ok(load(db, id).await?.and_then(|(job, _)| endpoint_of(&job.task)))
}

fn endpoint_of(task: &Task) -> Option<EndpointId> {
    match task {
        Task::Recover { endpoint, .. } => Some(*endpoint),
        Task::Replay { .. } => None,
    }
}

/// The number of `endpoint`'s pending deliveries, counted up to `enough`: a job waits for these before it adds more.
pub(crate) async fn backlog(db: &Arc<NodeContext>, endpoint: EndpointId, enough: usize) -> Result<usize, Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM pending WHERE endpoint = $1 LIMIT $2) AS waiting";
    let row = db.session().await?.query_one(sql, &[&Uuid::from(endpoint), &row::limit(enough)]).await?;
    Ok(usize::try_from(row::get::<i64>(&row, 0)?).unwrap_or(0))
}

/// Does the next items of a job, exactly once even if another node takes the job for its own.
pub(crate) async fn step(
    db: &Arc<NodeContext>,
    directory: &Directory,
    id: JobId,
    now: Timestamp,
) -> Result<Step, Error> {
    let Some(known) = load(db, id).await?.filter(is_running) else { return Ok(Step::Ended) };
    let filtered = evaluate(db, directory, &known, now).await?;
    let mut txn = db.work(&Actor::System).await?;
    let sql = format!("SELECT {JOB} FROM jobs WHERE id = $1 FOR UPDATE");
    let row = txn.query_opt(&sql, &[&Uuid::from(id)]).await?;
    let step = match row.as_ref().map(job).transpose()?.filter(is_running) {
        Some(known) => advance(&mut txn, &known, &filtered).await?,
        None => Step::Ended,
    };
    txn.commit().await?;
    Ok(step)
}

/// A job and its progress.
type Known = (Job, Option<Cursor<EventKey>>);

fn is_running((job, _): &Known) -> bool {
    job.status == Status::Running
}

/// Evaluates the filters that the next step of a job needs, before its transaction: filters take time.
async fn evaluate(
    db: &Arc<NodeContext>,
    directory: &Directory,
    (job, cursor): &Known,
    now: Timestamp,
) -> Result<Filtered, Error> {
    match &job.task {
        Task::Replay { event } => match search::event_row(db, job.project, event).await? {
            Some((_, stored)) => {
                let next = recovery::next_endpoints(directory, &stored.event, cursor.as_ref());
                Ok(Filtered::Replay(FilterResults::among(&next, &stored.event)))
            }
            None => Ok(Filtered::Nothing),
        },
        Task::Recover { endpoint, since, until, only } => match ours(directory, job.project, *endpoint) {
            Some(endpoint) if endpoint.settings.filter.is_some() => {
                Window::new(endpoint, *since, *until).review(db, *only, *cursor, now).await.map(Filtered::Recover)
            }
            _ => Ok(Filtered::Nothing),
        },
    }
}

async fn advance(txn: &mut WriteTxn, (job, cursor): &Known, filtered: &Filtered) -> Result<Step, Error> {
    let progress = match &job.task {
        Task::Replay { event } => replay(txn, job.project, event, *cursor, filtered).await?,
        Task::Recover { endpoint, since, until, only } => {
            let Some(endpoint) = ours(&txn.directory, job.project, *endpoint) else {
                // The items that failed are those that were counted and not done.
                let sql = "UPDATE jobs SET status = $2, failed = greatest(total - done, 0) WHERE id = $1";
                txn.execute(sql, &[&Uuid::from(job.id), &row::position(&Status::Failed, &Status::ALL)]).await?;
                return Ok(Step::Ended);
            };
            let review = match filtered {
                Filtered::Recover(review) => Some(review),
                Filtered::Nothing | Filtered::Replay(_) => None,
            };
            Window::new(endpoint, *since, *until).step(txn, *only, *cursor, review).await?
        }
    };
    let (status, step) = match progress.cursor {
        Some(_) => (Status::Running, Step::More),
        None => (Status::Done, Step::Ended),
    };
    let (status, cursor) =
        (row::position(&status, &Status::ALL), progress.cursor.map(|cursor| cursor.to_bytes().to_vec()));
    txn.execute(
        "UPDATE jobs SET status = $2, done = done + $3, cursor = $4 WHERE id = $1",
        &[&Uuid::from(job.id), &status, &number(progress.done), &cursor],
    )
    .await?;
    Ok(step)
}

async fn replay(
    txn: &mut WriteTxn,
    project: ProjectId,
    event: &EventId,
    cursor: Option<Cursor<EventKey>>,
    filtered: &Filtered,
) -> Result<Progress<EventKey>, Error> {
    let Some((key, stored)) = search::event_in(txn.session(), project, event).await? else {
        return Ok(Progress { done: 0, cursor: None });
    };
    let event = Arc::new(stored.event);
    let next = recovery::next_endpoints(&txn.directory, &event, cursor.as_ref());
    let recipients = filtered.recipients(&next, &event);
    let done = recipients.len() as u64;
    for recipient in recipients {
        txn.deliver_to(key, &event, recipient, false);
    }
    Ok(Progress { done, cursor: recovery::after_endpoints(&next) })
}

/// The columns that [`job`] reads.
const JOB: &str = "id, project, task, status, total, done, failed, cursor, created_at";

async fn load(db: &Arc<NodeContext>, id: JobId) -> Result<Option<Known>, Error> {
    let sql = format!("SELECT {JOB} FROM jobs WHERE id = $1");
    let row = db.session().await?.query_opt(&sql, &[&Uuid::from(id)]).await?;
    row.as_ref().map(job).transpose()
}

fn job(row: &Row) -> Result<Known, Error> {
    let count = |at| row::get::<i64>(row, at).map(i64::unsigned_abs);
    let job = Job {
        id: row::id(row, 0)?,
        project: row::id(row, 1)?,
        task: row::json(row, 2)?,
        status: row::member(row::get(row, 3)?, &Status::ALL)?,
        total: count(4)?,
        done: count(5)?,
        failed: count(6)?,
        created_at: row::time(row, 8)?,
    };
    let cursor: Option<&[u8]> = row::get(row, 7)?;
    Ok((job, cursor.map(Cursor::parse).transpose()?))
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
