//! Writing down what attempts came to, many in one commit.
//!
//! An attempt is the next of its delivery or it is not written: whoever held the shard before, was stopped and goes on,
//! or repeats a commit that was in doubt, changes nothing that is there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future;
use model::attempt::{Attempt, Body};
use model::delivery::{Cancelled, Status};
use model::endpoint::{self, Endpoint};
use model::health::Health;
use model::id::{DeliveryId, EndpointId};
use model::retry::Next;
use model::time::Timestamp;
use tokio_postgres::Row;

use super::change::{self, Change, Lock};
use super::cluster::Shared;
use super::group::Commit;
use super::param::Uuid;
use super::row::{self, STANDARD};
use super::rows::{Columns, Statements, borrowed, column};
use super::session::{Prepared, Session};
use super::{Cluster, endpoints, mails};
use crate::Error;
use crate::directory::Directory;
use crate::feed::Recorded;
use crate::headers;
use crate::health::{Consequences, Run};
use crate::mails::What;
use crate::operational::Notice;
use crate::record::Record;
use crate::shard::Shards;

pub(crate) async fn record(db: &Cluster, record: Record) -> Result<(), Error> {
    let delivery = record.due.id;
    if db.records.commit(Outcome::Tried(Box::new(record))).await? {
        Ok(())
    } else {
        Err(Error::Corrupt(format!("this attempt at {delivery} was recorded before, or its delivery is gone")))
    }
}

pub(crate) async fn cancel(db: &Cluster, delivery: DeliveryId, reason: Cancelled) -> Result<(), Error> {
    db.records.commit(Outcome::Cancelled(delivery, reason)).await.map(drop)
}

pub(super) enum Outcome {
    Tried(Box<Record>),
    Cancelled(DeliveryId, Cancelled),
}

/// The group commit of what was delivered.
pub(super) struct Records {
    shared: Arc<Shared>,
    session: Option<Session>,
    /// Endpoints that are known to have nothing to recover from. Only a failure changes that, and only the holder of
    /// their shard records one.
    well: HashSet<EndpointId>,
    held: Shards,
}

impl Commit for Records {
    type Item = Outcome;
    /// Whether it was written down: a cancellation always is.
    type Answer = bool;

    fn weight(outcome: &Outcome) -> usize {
        match outcome {
            Outcome::Tried(record) => match &record.attempt.body {
                Body::Kept(body) => body.len(),
                Body::Of(_) | Body::None | Body::Dropped => 0,
            },
            Outcome::Cancelled(..) => 0,
        }
    }

    async fn commit(&mut self, outcomes: &[Outcome], again: bool) -> Result<Vec<bool>, Error> {
        let held = self.shared.lease.held();
        if held != self.held {
            self.well.clear();
            self.held = held;
        }
        let session = match self.session.take() {
            Some(session) => session,
            None => self.shared.connections.session().await?,
        };
        let committed = match self.quietly(&session, outcomes).await {
            Ok(committed) => committed,
            Err(error) => {
                session.abandon();
                return Err(error);
            }
        };
        self.session = Some(session);
        let recorded = match committed {
            Quiet::Done(recorded) => recorded,
            Quiet::Loud(lock) => self.loudly(outcomes, lock).await?,
        };
        // What a first try may have written is not written again.
        let written: HashSet<DeliveryId> = recorded.iter().map(|recorded| recorded.delivery).collect();
        let is_written = |outcome: &Outcome| match outcome {
            Outcome::Tried(record) => again || written.contains(&record.due.id),
            Outcome::Cancelled(..) => true,
        };
        let answers = outcomes.iter().map(is_written).collect();
        self.shared.published.recorded(recorded);
        Ok(answers)
    }
}

/// How a commit went that was to bring about nothing beside itself.
enum Quiet {
    Done(Vec<Recorded>),
    /// It is undone: there is more to do, which needs this lock.
    Loud(Lock),
}

impl Records {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, session: None, well: HashSet::new(), held: Shards::default() }
    }

    async fn quietly(&mut self, session: &Session, outcomes: &[Outcome]) -> Result<Quiet, Error> {
        let directory = self.shared.published.directory.load_full();
        let now = self.shared.env.now();
        let moves = Moves::of(session, outcomes).await?;
        let (began, moved) = future::join(session.begin(), moves.make(session)).await;
        began?;
        let tried = tried(outcomes, &moved?);
        let mut runs = self.runs(session, &directory, &tried).await?;
        let mut changed = HashMap::new();
        for (record, _) in &tried {
            let Some(endpoint) = directory.endpoint(record.due.endpoint) else { continue };
            let before = runs.get(&endpoint.id).copied().unwrap_or_default();
            let then = before.after(record, endpoint, now);
            if let Some(lock) = self.needs(&directory, endpoint, &then) {
                session.run("ROLLBACK").await?;
                return Ok(Quiet::Loud(lock));
            }
            if then.run != before {
                runs.insert(endpoint.id, then.run);
                changed.insert(endpoint.id, then.run);
            }
        }
        let ready = writings(session, &directory, &tried, &changed).await?;
        let (sent, committed) = future::join(ready.send(session), session.commit()).await;
        sent.and(committed)?;
        self.remember(&runs, &tried);
        Ok(Quiet::Done(tried.iter().map(|(record, status)| recorded(record, *status)).collect()))
    }

    /// The same, with what follows for others: operational events, mail, an endpoint that is disabled.
    async fn loudly(&mut self, outcomes: &[Outcome], lock: Lock) -> Result<Vec<Recorded>, Error> {
        let mut change = Change::begin(&self.shared, lock).await?;
        let moved = Moves::of(change.session(), outcomes).await?.make(change.session()).await?;
        let tried = tried(outcomes, &moved);
        let directory = change.directory.clone();
        let mut runs = self.runs(change.session(), &directory, &tried).await?;
        let mut changed = HashMap::new();
        for (record, _) in &tried {
            let Some(endpoint) = change.directory.endpoint(record.due.endpoint).cloned() else { continue };
            let before = runs.get(&endpoint.id).copied().unwrap_or_default();
            let then = before.after(record, &endpoint, change.now);
            let run = follow(&mut change, &endpoint, then).await?;
            runs.insert(endpoint.id, run);
            changed.insert(endpoint.id, run);
        }
        let ready = writings(change.session(), &directory, &tried, &changed).await?;
        ready.send(change.session()).await?;
        change.commit().await?;
        self.remember(&runs, &tried);
        Ok(tried.iter().map(|(record, status)| recorded(record, *status)).collect())
    }

    /// The runs of failures of those endpoints of which they matter.
    async fn runs(
        &self,
        session: &Session,
        directory: &Directory,
        tried: &[(&Record, Status)],
    ) -> Result<HashMap<EndpointId, Run>, Error> {
        let matters = |record: &&Record| record.next != Next::Delivered || !self.well.contains(&record.due.endpoint);
        let records = tried.iter().map(|(record, _)| *record).filter(matters);
        let mut asked: Vec<Uuid> = records
            .map(|record| record.due.endpoint)
            .filter(|endpoint| directory.endpoint(*endpoint).is_some())
            .map(Uuid::from)
            .collect();
        asked.sort_unstable();
        asked.dedup();
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = session.query(RUNS, &[&asked]).await?;
        let mut runs: HashMap<EndpointId, Run> = asked.into_iter().map(|id| (id.into(), Run::default())).collect();
        for row in &rows {
            runs.insert(row::id(row, 0)?, run(row)?);
        }
        Ok(runs)
    }

    fn remember(&mut self, runs: &HashMap<EndpointId, Run>, tried: &[(&Record, Status)]) {
        for (record, _) in tried {
            let endpoint = record.due.endpoint;
            match runs.get(&endpoint) {
                Some(run) if *run == run.well() => drop(self.well.insert(endpoint)),
                Some(_) => drop(self.well.remove(&endpoint)),
                None => {}
            }
        }
    }

    /// Which lock what follows needs, if anything does beside the run itself.
    fn needs(&self, directory: &Directory, endpoint: &Endpoint, then: &Consequences<'_>) -> Option<Lock> {
        if then.disabled.is_some() {
            return Some(Lock::Directory);
        }
        let now = self.shared.env.now();
        let wanted = |notice: &Notice<'_>| {
            let event = notice.event(endpoint, &*self.shared.env, now);
            directory.matching(&event).next().is_some()
        };
        let has_admins = || directory.project(endpoint.project).is_some_and(|project| !project.admins.is_empty());
        let mailed = then.mail.is_some() && self.shared.published.mails.is_some() && has_admins();
        (mailed || then.before.as_ref().is_some_and(wanted)).then_some(Lock::Work)
    }
}

const RUNS: &str = "SELECT endpoint, failure_count, failing_since, troubled, told, told_at
     FROM health WHERE endpoint = ANY($1) ORDER BY endpoint FOR UPDATE";

fn run(row: &Row) -> Result<Run, Error> {
    let health = Health { failure_count: row::count(row, 1)?, failing_since: row::maybe_time(row, 2)? };
    let (troubled, told) = (row::get(row, 3)?, row::get(row, 4)?);
    Ok(Run { health, troubled, told, told_at: row::maybe_time(row, 5)? })
}

/// Forgets the failures of an endpoint that somebody resumed.
pub(super) async fn forgive(change: &Change, id: EndpointId) -> Result<(), Error> {
    let Some(row) = change.query_opt(RUNS, &[&vec![Uuid::from(id)]]).await? else { return Ok(()) };
    let columns = health_columns(&[(id, run(&row)?.forgiven())]);
    change.execute(HEALTH, &borrowed(&columns)).await?;
    Ok(())
}

/// Brings about what follows for the endpoint and answers its run.
async fn follow(change: &mut Change, endpoint: &Arc<Endpoint>, then: Consequences<'_>) -> Result<Run, Error> {
    if let Some(notice) = &then.before {
        change.publish(endpoint, notice);
    }
    if let Some(reason) = &then.disabled {
        let disabled = Endpoint {
            status: endpoint::Status::Disabled,
            disabled_reason: Some(reason.clone()),
            updated_at: change.now,
            ..Endpoint::clone(endpoint)
        };
        endpoints::put(change, disabled).await?;
        if then.announced {
            change.publish(endpoint, &Notice::Disabled { reason });
        }
    }
    let recovered = matches!(then.mail, Some(What::Recovered));
    let told = match then.mail {
        Some(what) => mails::put(change, endpoint, what).await?,
        None => false,
    };
    Ok(if told && !recovered { then.run.told(change.now) } else { then.run })
}

fn recorded(record: &Record, status: Status) -> Recorded {
    Recorded {
        project: record.due.event.project,
        endpoint: record.due.endpoint,
        delivery: record.due.id,
        attempt: record.attempt.number,
        status,
    }
}

/// Those records whose deliveries were moved, each with what its delivery is now.
fn tried<'a>(outcomes: &'a [Outcome], moved: &HashMap<DeliveryId, Status>) -> Vec<(&'a Record, Status)> {
    let tried = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Tried(record) => Some(&**record),
        Outcome::Cancelled(..) => None,
    });
    tried.filter_map(|record| Some((record, *moved.get(&record.due.id)?))).collect()
}

/// The deliveries' new states.
struct Moves {
    tried: Option<(Prepared, Columns)>,
    cancelled: Option<(Prepared, Columns)>,
}

/// One that was cancelled while the attempt was under way stays so, unless it arrived after all.
const MOVE: &str = "UPDATE deliveries AS d
     SET status = CASE WHEN d.status = 3 AND t.status <> 1 THEN 3 ELSE t.status END,
         reason = CASE WHEN d.status = 3 AND t.status <> 1 THEN d.reason END,
         failed = d.status <> 3 AND t.status = 2,
         attempts = t.number, next_attempt_at = t.next_attempt_at, status_code = t.status_code
     FROM unnest($1, $2, $3, $4, $5) AS t (id, status, number, next_attempt_at, status_code)
     WHERE d.id = t.id AND d.attempts = t.number - 1
     RETURNING d.id, d.status";
const CANCEL: &str = "WITH cancelled AS (
         UPDATE deliveries AS d SET status = 3, reason = c.reason
         FROM unnest($1, $2) AS c (id, reason) WHERE d.id = c.id AND d.status = 0 RETURNING d.id)
     DELETE FROM pending WHERE delivery IN (SELECT id FROM cancelled)";

impl Moves {
    async fn of(session: &Session, outcomes: &[Outcome]) -> Result<Self, Error> {
        let mut tried: Vec<&Record> = Vec::new();
        let mut cancelled = Vec::new();
        for outcome in outcomes {
            match outcome {
                Outcome::Tried(record) => tried.push(record),
                Outcome::Cancelled(delivery, reason) => cancelled.push((*delivery, *reason)),
            }
        }
        // In one order everywhere, so that two transactions never wait for each other in a circle.
        tried.sort_unstable_by_key(|record| record.due.id);
        cancelled.sort_unstable_by_key(|(delivery, _)| *delivery);
        let mut moves = Self { tried: None, cancelled: None };
        if !tried.is_empty() {
            let columns = vec![
                column(&tried, |record| Uuid::from(record.due.id)),
                column(&tried, |record| row::position(&status_after(record), &Status::ALL)),
                column(&tried, |record| row::number(record.attempt.number)),
                column(&tried, |record| next_attempt_at(record).as_millis()),
                column(&tried, |record| record.attempt.outcome.status().map(i32::from)),
            ];
            moves.tried = Some((session.prepare(MOVE, &borrowed(&columns)).await?, columns));
        }
        if !cancelled.is_empty() {
            let columns = vec![
                column(&cancelled, |(delivery, _)| Uuid::from(*delivery)),
                column(&cancelled, |(_, reason)| row::position(reason, &row::REASONS)),
            ];
            moves.cancelled = Some((session.prepare(CANCEL, &borrowed(&columns)).await?, columns));
        }
        Ok(moves)
    }

    /// Answers where each delivery is whose attempt was the next.
    async fn make(&self, session: &Session) -> Result<HashMap<DeliveryId, Status>, Error> {
        let send = async |statement: &Option<(Prepared, Columns)>| match statement {
            Some((statement, columns)) => session.send(statement, &borrowed(columns)).await,
            None => Ok(Vec::new()),
        };
        let (moved, cancelled) = future::join(send(&self.tried), send(&self.cancelled)).await;
        let moved = moved?;
        cancelled?;
        moved.iter().map(|row| Ok((row::id(row, 0)?, row::member(row::get(row, 1)?, &Status::ALL)?))).collect()
    }
}

fn status_after(record: &Record) -> Status {
    match record.next {
        Next::Delivered => Status::Delivered,
        Next::Again(_) => Status::Pending,
        Next::GiveUp { .. } => Status::Failed,
    }
}

fn next_attempt_at(record: &Record) -> Timestamp {
    match record.next {
        Next::Again(at) => at,
        Next::Delivered | Next::GiveUp { .. } => record.due.next_attempt_at,
    }
}

const ATTEMPTS: &str =
    "INSERT INTO attempts (delivery, number, started_at, duration_ms, status_code, error_kind, error,
                       request_headers, response_headers, response_body, truncated, next_attempt_at, request_body,
                       dialect, notes)
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const SETTLED: &str = "DELETE FROM pending WHERE delivery = ANY($1)";
const AGAIN: &str = "UPDATE pending AS p SET place = a.place
     FROM unnest($1, $2) AS a (delivery, place) WHERE p.delivery = a.delivery";
const HEALTH: &str = "INSERT INTO health (endpoint, failure_count, failing_since, troubled, told, told_at)
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
     ON CONFLICT (endpoint) DO UPDATE SET failure_count = excluded.failure_count,
         failing_since = excluded.failing_since, troubled = excluded.troubled, told = excluded.told,
         told_at = excluded.told_at";

/// What is written once it is known which attempts count.
async fn writings(
    session: &Session,
    directory: &Directory,
    tried: &[(&Record, Status)],
    runs: &HashMap<EndpointId, Run>,
) -> Result<Statements, Error> {
    let mut ready = Statements::default();
    if !tried.is_empty() {
        ready.add(session, ATTEMPTS, attempt_columns(tried)?).await?;
    }
    let (again, settled): (Vec<_>, Vec<_>) = tried.iter().partition(|(_, status)| *status == Status::Pending);
    if !settled.is_empty() {
        ready.add(session, SETTLED, vec![column(&settled, |(record, _)| Uuid::from(record.due.id))]).await?;
    }
    if !again.is_empty() {
        let columns = vec![
            column(&again, |(record, _)| Uuid::from(record.due.id)),
            column(&again, |(record, _)| place(directory, record).as_millis()),
        ];
        ready.add(session, AGAIN, columns).await?;
    }
    if !runs.is_empty() {
        let mut runs: Vec<(EndpointId, Run)> = runs.iter().map(|(id, run)| (*id, *run)).collect();
        runs.sort_unstable_by_key(|(id, _)| *id);
        ready.add(session, HEALTH, health_columns(&runs)).await?;
    }
    Ok(ready)
}

/// With strict order a delivery keeps its turn; otherwise its turn comes when it is due.
fn place(directory: &Directory, record: &Record) -> Timestamp {
    if change::is_strict(directory, record.due.endpoint) { record.due.place } else { next_attempt_at(record) }
}

pub(super) fn health_columns(runs: &[(EndpointId, Run)]) -> Columns {
    vec![
        column(runs, |(id, _)| Uuid::from(*id)),
        column(runs, |(_, run)| row::number(run.health.failure_count)),
        column(runs, |(_, run)| run.health.failing_since.map(Timestamp::as_millis)),
        column(runs, |(_, run)| run.troubled),
        column(runs, |(_, run)| run.told),
        column(runs, |(_, run)| run.told_at.map(Timestamp::as_millis)),
    ]
}

fn notes(attempt: &Attempt) -> Result<Option<String>, Error> {
    let notes = (!attempt.notes.is_empty()).then(|| serde_json::to_string(&attempt.notes)).transpose();
    notes.map_err(|error| Error::Corrupt(error.to_string()))
}

fn attempt_columns(tried: &[(&Record, Status)]) -> Result<Columns, Error> {
    let notes = tried.iter().map(|(record, _)| notes(&record.attempt)).collect::<Result<Vec<_>, Error>>()?;
    let attempts: Vec<&Attempt> = tried.iter().map(|(record, _)| &record.attempt).collect();
    let failures: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.failure()).collect();
    Ok(vec![
        column(tried, |(record, _)| Uuid::from(record.due.id)),
        column(&attempts, |attempt| row::number(attempt.number)),
        column(&attempts, |attempt| attempt.started_at.as_millis()),
        column(&attempts, |attempt| i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX)),
        column(&attempts, |attempt| attempt.outcome.answer().map(|answer| i32::from(answer.status))),
        column(&failures, |failure| failure.as_ref().map(|failure| failure.kind.name().to_owned())),
        column(&failures, |failure| failure.as_ref().map(|failure| failure.message.clone())),
        column(&attempts, |attempt| headers::pack(&attempt.request_headers)),
        column(&attempts, |attempt| attempt.outcome.answer().map(|answer| headers::pack(&answer.headers))),
        column(&attempts, |attempt| {
            let body = attempt.outcome.answer().map(|answer| answer.body.to_vec());
            body.filter(|body| !body.is_empty())
        }),
        column(&attempts, |attempt| attempt.outcome.answer().is_some_and(|answer| answer.truncated)),
        column(&attempts, |attempt| attempt.next_attempt_at.map(Timestamp::as_millis)),
        column(&attempts, |attempt| match &attempt.body {
            Body::Kept(body) => Some(body.to_vec()),
            Body::Of(_) | Body::None | Body::Dropped => None,
        }),
        column(&attempts, |attempt| match &attempt.body {
            Body::Of(dialect) if **dialect != *STANDARD => Some(dialect.to_string()),
            Body::Of(_) | Body::Kept(_) | Body::None | Body::Dropped => None,
        }),
        Box::new(notes),
    ])
}
