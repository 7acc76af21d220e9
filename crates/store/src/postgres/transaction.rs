//! A transaction of one verb: the directory it sees, the rows it adds, and the notices published when it is on disk.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future;
use model::actor::Actor;
use model::delivery::Due;
use model::endpoint::Endpoint;
use model::event::Event;
use model::id::{DeliveryId, EndpointId, KeyId, ProjectId};
use model::time::Timestamp;
use tokio::time::Instant;
use tokio_postgres::Row;

use super::event_key::EventKey;
use super::node_context::NodeContext;
use super::param::{Param, Uuid};
use super::rows::NewRows;
use super::session::Session;
use super::waiting;
use crate::Error;
use crate::actor;
use crate::directory::Directory;
use crate::error::DEADLINE;
use crate::fan_outs::DIRECT;
use crate::feed::CommitNotice;
use crate::filtering::{FilterResults, Recipient};
use crate::operational::Notice;
use crate::rules::delivery::{self, Moment};
use crate::rules::order;
use crate::shares::Share;

/// The lock that keeps the directory unchanged while a transaction relies on it. Commits of work share it; a change of
/// the directory holds it alone. So an event never misses an endpoint that was there before it, and none is delivered
/// to an endpoint that was deleted before it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    Work,
    Directory,
}

/// The number of this advisory lock differs from those of migrations and shards.
impl Lock {
    pub(super) const WORK: &str = "SELECT pg_advisory_xact_lock_shared(8600001)";
    const DIRECTORY: &str = "SELECT pg_advisory_xact_lock(8600001)";
}

/// Revisions whose changes of the directory are kept. A node that has missed more reads all of it.
const REMEMBERED: i64 = 10_000;

/// The subject of a change of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The project itself, or its dialect files and event types.
    Project(ProjectId),
    Key(KeyId),
    Endpoint(EndpointId),
}

impl Subject {
    pub(super) fn kind(self) -> i16 {
        match self {
            Self::Project(_) => 0,
            Self::Key(_) => 1,
            Self::Endpoint(_) => 2,
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::Project(id) => id.into(),
            Self::Key(id) => id.into(),
            Self::Endpoint(id) => id.into(),
        }
    }
}

impl NodeContext {
    /// Begins a transaction whose queries see the same state.
    pub(super) async fn snapshot(&self) -> Result<ReadTxn, Error> {
        ReadTxn::snapshot(self).await
    }

    /// Begins a [`Self::snapshot`] for a search of a project, within the project's share.
    pub(super) async fn search(&self, project: ProjectId) -> Result<ReadTxn, Error> {
        ReadTxn::search(self, project).await
    }

    /// Begins a transaction that changes projects, keys, endpoints or dialects.
    pub(super) async fn change(self: &Arc<Self>, by: &Actor) -> Result<WriteTxn, Error> {
        WriteTxn::begin(self, Lock::Directory, by).await
    }

    /// Begins a transaction that changes none of those, and during which they do not change.
    pub(super) async fn work(self: &Arc<Self>, by: &Actor) -> Result<WriteTxn, Error> {
        WriteTxn::begin(self, Lock::Work, by).await
    }
}

/// An open transaction. Dropped without a commit it is rolled back.
pub(super) struct WriteTxn {
    session: Option<Session>,
    pub(super) context: Arc<NodeContext>,
    /// The current directory: nothing changes it while this is open.
    pub(super) directory: Arc<Directory>,
    /// The actor of the verb.
    pub(super) by: Actor,
    pub(super) now: Timestamp,
    pub(super) accepted_at: Timestamp,
    subjects: Vec<Subject>,
    rows: NewRows,
    notices: Vec<CommitNotice>,
    /// True if a mail was put into the outbox.
    pub(super) mailed: bool,
}

impl WriteTxn {
    pub(super) async fn begin(context: &Arc<NodeContext>, lock: Lock, by: &Actor) -> Result<Self, Error> {
        let session = context.connections.session().await?;
        let now = context.env.now();
        let mut txn = Self {
            session: Some(session),
            context: context.clone(),
            directory: Arc::default(),
            by: by.clone(),
            now,
            accepted_at: context.accepted_at(now),
            subjects: Vec::new(),
            rows: NewRows::default(),
            notices: Vec::new(),
            mailed: false,
        };
        txn.session().begin().await?;
        txn.session()
            .run(match lock {
                Lock::Work => Lock::WORK,
                Lock::Directory => Lock::DIRECTORY,
            })
            .await?;
        txn.directory = context.refresh(txn.session()).await?;
        Ok(txn)
    }

    pub(super) fn session(&self) -> &Session {
        self.session.as_ref().expect("it is taken when the change is over, and then the change is gone")
    }

    pub(super) async fn query(&self, sql: &str, params: &[&dyn Param]) -> Result<Vec<Row>, Error> {
        self.session().query(sql, params).await
    }

    pub(super) async fn query_opt(&self, sql: &str, params: &[&dyn Param]) -> Result<Option<Row>, Error> {
        self.session().query_opt(sql, params).await
    }

    pub(super) async fn execute(&self, sql: &str, params: &[&dyn Param]) -> Result<u64, Error> {
        self.session().execute(sql, params).await
    }

    /// Marks a part of the directory as changed. Every node reads it again when the change is on disk.
    pub(super) fn touch(&mut self, subject: Subject) {
        if !self.subjects.contains(&subject) {
            self.subjects.push(subject);
        }
    }

    /// Adds an event for the recipients that `filter_results` yields.
    async fn ingest(&mut self, event: Event, filter_results: &FilterResults) -> Result<(), Error> {
        let key = self.context.next_key();
        let event = Arc::new(Event { created_at: key.created_at(), ..event });
        let recipients = filter_results.recipients(&self.directory, &event);
        let deliveries = u32::try_from(recipients.len()).unwrap_or(u32::MAX);
        self.rows.event(key, event.clone(), deliveries);
        if recipients.len() > DIRECT || self.must_wait(event.project, &recipients).await? {
            let id = self.context.next_key();
            self.rows.fan_out(key, event.project, recipients, id);
            return Ok(());
        }
        for recipient in recipients {
            self.deliver_to(key, &event, recipient, false);
        }
        Ok(())
    }

    /// True if a recipient has strict order, and an earlier event of the project may still be fanned out to it.
    async fn must_wait(&self, project: ProjectId, recipients: &[Recipient]) -> Result<bool, Error> {
        if !order::has_strict(&self.directory, recipients) {
            return Ok(false);
        }
        let waiting = waiting::of(self.session(), HashSet::from([project])).await?;
        Ok(!waiting.is_empty() || self.rows.fans_out())
    }

    /// Adds a delivery, due now or when the event is.
    pub(super) fn deliver_to(
        &mut self,
        key: EventKey,
        event: &Arc<Event>,
        recipient: Recipient,
        manual: bool,
    ) -> DeliveryId {
        let Recipient { endpoint, note } = recipient;
        let moment = Moment { now: self.now, accepted_at: self.accepted_at };
        let due = delivery::new(self.context.next_key(), event, endpoint, manual, &self.directory, moment);
        let id = due.id;
        self.announce(due.clone());
        self.rows.delivery(due, key, note);
        id
    }

    /// Announces a delivery to the engine that has its shard.
    pub(super) fn announce(&mut self, due: Due) {
        let notice = due_notice(&self.directory, due);
        self.notices.push(notice);
    }

    pub(super) fn announce_work(&mut self, endpoint: EndpointId, at: Timestamp) {
        self.notices.push(CommitNotice::Check { endpoint, at });
    }

    /// Adds the operational event for `notice`, if an endpoint wants it.
    pub(super) async fn publish(&mut self, endpoint: &Endpoint, notice: &Notice<'_>) -> Result<(), Error> {
        notice.log(endpoint);
        match notice.event_if_wanted(endpoint, &self.directory, &*self.context.env, self.now) {
            // The event was not known before this commit, so filters are evaluated here.
            Some(event) => self.ingest(event, &FilterResults::default()).await,
            None => Ok(()),
        }
    }

    /// Commits and publishes. Returns the directory as it is then. Goes on even if the caller leaves.
    pub(super) async fn commit(self) -> Result<Arc<Directory>, Error> {
        let tasks = self.context.tasks.clone();
        tasks.spawn(self.finish()).await.map_err(|_| Error::Stopped)?
    }

    /// Rolls back, and returns the connection to the pool. If the transaction is dropped instead, the connection is
    /// closed.
    pub(super) async fn undo(mut self) -> Result<(), Error> {
        self.session().run("ROLLBACK").await?;
        self.session.take();
        Ok(())
    }

    async fn finish(mut self) -> Result<Arc<Directory>, Error> {
        actor::acts(&self.by);
        let rows = std::mem::take(&mut self.rows);
        rows.insert(self.session()).await?;
        if !self.subjects.is_empty() {
            self.count_up().await?;
        }
        self.session().commit().await?;
        let session = self.session.take().expect("nobody took it before");
        if !self.subjects.is_empty() {
            // Other nodes read the change too; this node must not be the one that does not know it.
            self.directory = self.context.refresh(&session).await.unwrap_or_else(|_| self.directory.clone());
            self.context.tell(|notifications| notifications.directory = true);
        }
        self.context.announce(std::mem::take(&mut self.notices));
        if rows.fans_out() {
            self.context.fans_out();
        }
        if self.mailed {
            self.context.published.mailed();
            self.context.tell(|notifications| notifications.mails = true);
        }
        Ok(self.directory.clone())
    }

    async fn count_up(&self) -> Result<(), Error> {
        let (kinds, ids): (Vec<i16>, Vec<Uuid>) =
            self.subjects.iter().map(|subject| (subject.kind(), subject.id())).unzip();
        self.execute(
            "WITH next AS (UPDATE directory SET revision = revision + 1 RETURNING revision),
                  forgotten AS (DELETE FROM changes USING next WHERE changes.revision <= next.revision - $3)
             INSERT INTO changes (revision, kind, id)
             SELECT next.revision, subject.kind, subject.id FROM next, unnest($1, $2) AS subject (kind, id)",
            &[&kinds, &ids, &REMEMBERED],
        )
        .await?;
        Ok(())
    }
}

impl Drop for WriteTxn {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.abandon();
        }
    }
}

/// The notice to the engine about a delivery. With strict order the engine reads the database, which knows the order of
/// deliveries made by other nodes; manual ones have no place in that order.
pub(super) fn due_notice(directory: &Directory, due: Due) -> CommitNotice {
    if order::is_strict(directory, due.endpoint) && !due.is_by_hand() {
        CommitNotice::Check { endpoint: due.endpoint, at: due.next_attempt_at }
    } else {
        CommitNotice::Due(due)
    }
}

/// A transaction that does not depend on the directory, or only reads. Dropped without [`Self::end`] it is rolled back.
pub(super) struct ReadTxn {
    session: Option<Session>,
    /// For a search: its share of the connections, and its start.
    search: Option<(Share, Instant)>,
}

/// A search reads rows in the order of an index, as many as are needed, and is ended by the database if a query of it
/// takes too long.
const SEARCH: &str = "SET LOCAL enable_sort = off; SET LOCAL statement_timeout = '2s'";

impl ReadTxn {
    pub(super) async fn begin(context: &NodeContext) -> Result<Self, Error> {
        let txn = Self { session: Some(context.connections.session().await?), search: None };
        txn.session().begin().await?;
        Ok(txn)
    }

    /// Begins a transaction in which all queries see the same state.
    pub(super) async fn snapshot(context: &NodeContext) -> Result<Self, Error> {
        let txn = Self { session: Some(context.connections.session().await?), search: None };
        txn.session().begin_snapshot().await?;
        Ok(txn)
    }

    /// Begins a snapshot for a search of a project: when it is the project's turn, and only until the deadline.
    pub(super) async fn search(context: &NodeContext, project: ProjectId) -> Result<Self, Error> {
        let share = context.searches.take(project, 1).await?;
        let session = context.connections.session().await?;
        let txn = Self { session: Some(session), search: Some((share, Instant::now())) };
        let (began, set) = future::join(txn.session().begin_snapshot(), txn.session().run(SEARCH)).await;
        began?;
        set?;
        Ok(txn)
    }

    pub(super) async fn query(&self, sql: &str, params: &[&dyn Param]) -> Result<Vec<Row>, Error> {
        let Some((_, began)) = &self.search else { return self.session().query(sql, params).await };
        if began.elapsed() > DEADLINE {
            return Err(Error::TooSlow);
        }
        self.session().query(sql, params).await.map_err(Error::of_search)
    }

    pub(super) async fn query_opt(&self, sql: &str, params: &[&dyn Param]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    pub(super) fn session(&self) -> &Session {
        self.session.as_ref().expect("it is taken when the scope is over, and then the scope is gone")
    }

    /// Commits, and returns the connection to the pool. If this is not called, the connection is closed.
    pub(super) async fn end(mut self) -> Result<(), Error> {
        self.session().commit().await?;
        self.session.take();
        Ok(())
    }
}

impl Drop for ReadTxn {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.abandon();
        }
    }
}
