//! Records the outcomes of attempts, many in one commit.
//!
//! An attempt is recorded only as the next of its delivery: a former holder of the shard that was stopped and goes on,
//! or a repeated unconfirmed commit, changes nothing that is there.

mod inserts;
mod outcome;
mod status_updates;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future;
use model::actor::Actor;
use model::delivery::{Cancelled, Status};
use model::endpoint::Endpoint;
use model::id::{DeliveryId, EndpointId};
use model::retry::Next;

use self::inserts::inserts;
use self::outcome::Outcome;
use self::status_updates::StatusUpdates;
use super::group::{Commit, Group};
use super::node_context::NodeContext;
use super::param::Uuid;
use super::session::Session;
use super::transaction::{Lock, WriteTxn};
use super::{endpoints, health, outbox, row};
use crate::Error;
use crate::directory::Directory;
use crate::feed::Recorded;
use crate::health::FailureStreak;
use crate::occurrences::Noted;
use crate::outbox::recipients;
use crate::record::Record;
use crate::rules::attempt::kept_body;
use crate::rules::outcome::{Consequences, Step, consequences_of, recorded};

pub(crate) async fn record(records: &Group<RecordGroup>, record: Record) -> Result<(), Error> {
    let delivery = record.due.id;
    if records.commit(Outcome::Tried(Box::new(record))).await? {
        Ok(())
    } else {
        Err(Error::Corrupt(format!("this attempt at {delivery} was recorded before, or its delivery is gone")))
    }
}

pub(crate) async fn cancel(records: &Group<RecordGroup>, delivery: DeliveryId, reason: Cancelled) -> Result<(), Error> {
    records.commit(Outcome::Cancelled(delivery, reason)).await.map(drop)
}

/// The group commit of outcomes.
pub(crate) struct RecordGroup {
    context: Arc<NodeContext>,
    session: Option<Session>,
    /// Endpoints known to have no failure streak. Only a failure changes that, and only the holder of their shard
    /// records one.
    well: HashSet<EndpointId>,
    /// The lease's count of changes when `well` was last relied on.
    changes: u64,
    noted: Noted,
}

impl Commit for RecordGroup {
    type Item = Outcome;
    /// True if the outcome was recorded: a cancellation always is.
    type Reply = bool;

    fn weight(outcome: &Outcome) -> usize {
        match outcome {
            Outcome::Tried(record) => kept_body(&record.attempt).map_or(0, <[u8]>::len),
            Outcome::Cancelled(..) => 0,
        }
    }

    fn rows(_: &Outcome) -> usize {
        2
    }

    async fn commit(&mut self, outcomes: &[Outcome], again: bool) -> Result<Vec<bool>, Error> {
        let changes = self.context.lease.changes();
        if changes != self.changes {
            self.well.clear();
            self.changes = changes;
        }
        let began = self.context.env.elapsed();
        let session = match self.session.take() {
            Some(session) => session,
            None => self.context.connections.session().await?,
        };
        let committed = match self.commit_fast(&session, outcomes).await {
            Ok(committed) => committed,
            Err(error) => {
                self.noted.clear();
                session.abandon();
                return Err(error);
            }
        };
        self.session = Some(session);
        let recorded = match committed {
            FastPath::Done(recorded) => recorded,
            FastPath::NeedsSlowPath(lock) => {
                self.commit_slow(outcomes, lock).await.inspect_err(|_| self.noted.clear())?
            }
        };
        self.context.held_since(began, outcomes.len(), 2 * recorded.len());
        // On a second try, outcomes that the first may have written count as written.
        let written: HashSet<DeliveryId> = recorded.iter().map(|recorded| recorded.delivery).collect();
        let is_written = |outcome: &Outcome| match outcome {
            Outcome::Tried(record) => again || written.contains(&record.due.id),
            Outcome::Cancelled(..) => true,
        };
        let answers = outcomes.iter().map(is_written).collect();
        self.context.published.recorded(recorded);
        Ok(answers)
    }
}

/// Result of the fast path: a commit that writes outcomes and failure streaks only.
enum FastPath {
    Done(Vec<Recorded>),
    /// Rolled back: there are further consequences, which need this lock.
    NeedsSlowPath(Lock),
}

impl RecordGroup {
    pub(super) fn new(context: Arc<NodeContext>) -> Self {
        Self { context, session: None, well: HashSet::new(), changes: 0, noted: Noted::default() }
    }

    async fn commit_fast(&mut self, session: &Session, outcomes: &[Outcome]) -> Result<FastPath, Error> {
        let directory = self.context.published.directory.load_full();
        let now = self.context.env.now();
        let status_updates = StatusUpdates::of(session, &directory, outcomes).await?;
        let (began, moved) = if outcomes.iter().all(Outcome::is_arrival) {
            future::join(session.begin_unsynced(), status_updates.make(session)).await
        } else {
            future::join(session.begin(), status_updates.make(session)).await
        };
        began?;
        let tried = tried(outcomes, &moved?);
        let mut runs = self.failure_streaks(session, &directory, &tried).await?;
        let mut changed = HashMap::new();
        for (record, _) in &tried {
            let Some(endpoint) = directory.endpoint(record.due.endpoint) else { continue };
            let before = runs.get(&endpoint.id).copied().unwrap_or_default();
            let then = consequences_of(record, before, endpoint, now);
            if let Some(lock) = self.needs(&directory, endpoint, &then) {
                session.run("ROLLBACK").await?;
                return Ok(FastPath::NeedsSlowPath(lock));
            }
            if then.run != before {
                runs.insert(endpoint.id, then.run);
                changed.insert(endpoint.id, then.run);
            }
        }
        let ready = inserts(session, &directory, &tried, &changed, &mut self.noted).await?;
        let (sent, committed) = future::join(ready.send(session), session.commit()).await;
        sent.and(committed)?;
        self.remember(&runs, &tried);
        Ok(FastPath::Done(tried.iter().map(|(record, status)| recorded(record, *status)).collect()))
    }

    /// The slow path: a commit with further consequences, such as operational events, mail or a disabled endpoint.
    async fn commit_slow(&mut self, outcomes: &[Outcome], lock: Lock) -> Result<Vec<Recorded>, Error> {
        let mut txn = WriteTxn::begin(&self.context, lock, &Actor::System).await?;
        let directory = txn.directory.clone();
        let moved = StatusUpdates::of(txn.session(), &directory, outcomes).await?.make(txn.session()).await?;
        let tried = tried(outcomes, &moved);
        let mut runs = self.failure_streaks(txn.session(), &directory, &tried).await?;
        let mut changed = HashMap::new();
        for (record, _) in &tried {
            let Some(endpoint) = txn.directory.endpoint(record.due.endpoint).cloned() else { continue };
            let before = runs.get(&endpoint.id).copied().unwrap_or_default();
            let then = consequences_of(record, before, &endpoint, txn.now);
            let run = follow(&mut txn, &endpoint, then).await?;
            runs.insert(endpoint.id, run);
            changed.insert(endpoint.id, run);
        }
        let ready = inserts(txn.session(), &directory, &tried, &changed, &mut self.noted).await?;
        ready.send(txn.session()).await?;
        txn.commit().await?;
        self.remember(&runs, &tried);
        Ok(tried.iter().map(|(record, status)| recorded(record, *status)).collect())
    }

    /// Reads the failure streaks of the endpoints for which they matter.
    async fn failure_streaks(
        &self,
        session: &Session,
        directory: &Directory,
        tried: &[(&Record, Status)],
    ) -> Result<HashMap<EndpointId, FailureStreak>, Error> {
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
        let rows = session.query(health::RUNS, &[&asked]).await?;
        let mut runs: HashMap<EndpointId, FailureStreak> =
            asked.into_iter().map(|id| (id.into(), FailureStreak::default())).collect();
        for row in &rows {
            runs.insert(row::id(row, 0)?, health::run(row)?);
        }
        Ok(runs)
    }

    fn remember(&mut self, runs: &HashMap<EndpointId, FailureStreak>, tried: &[(&Record, Status)]) {
        for (record, _) in tried {
            let endpoint = record.due.endpoint;
            match runs.get(&endpoint) {
                Some(run) if *run == run.after_success() => drop(self.well.insert(endpoint)),
                Some(_) => drop(self.well.remove(&endpoint)),
                None => {}
            }
        }
    }

    /// The lock that the consequences need, if there are any beside the failure streak.
    fn needs(&self, directory: &Directory, endpoint: &Endpoint, then: &Consequences<'_>) -> Option<Lock> {
        let (now, env) = (self.context.env.now(), &*self.context.env);
        let is_mailing = self.context.published.outbox.is_some();
        let needed = then.steps.iter().filter_map(|step| match step {
            Step::Disable(_) => Some(Lock::Directory),
            Step::Publish(notice) => notice.event_if_wanted(endpoint, directory, env, now).map(|_| Lock::Work),
            Step::Mail(_) => recipients(directory, endpoint, is_mailing).map(|_| Lock::Work),
        });
        needed.max()
    }
}

/// Carries out the consequences for the endpoint and returns its failure streak.
async fn follow(txn: &mut WriteTxn, endpoint: &Arc<Endpoint>, then: Consequences<'_>) -> Result<FailureStreak, Error> {
    let mut mailed = false;
    for step in then.steps {
        match step {
            Step::Publish(notice) => txn.publish(endpoint, &notice).await?,
            Step::Disable(disabled) => drop(endpoints::put(txn, *disabled).await?),
            Step::Mail(what) => mailed = outbox::put(txn, endpoint, what).await?,
        }
    }
    Ok(if mailed { then.run_if_mailed } else { then.run })
}

/// The records whose deliveries were updated, each with its delivery's new status.
fn tried<'a>(outcomes: &'a [Outcome], moved: &HashMap<DeliveryId, Status>) -> Vec<(&'a Record, Status)> {
    let tried = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Tried(record) => Some(&**record),
        Outcome::Cancelled(..) => None,
    });
    tried.filter_map(|record| Some((record, *moved.get(&record.due.id)?))).collect()
}
