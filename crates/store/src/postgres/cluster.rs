//! A node of a cluster: its connections, its two group commits and its part in the cluster's work.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::env::Env;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::change::{Change, Lock, Scope};
use super::connect::Connections;
use super::fan_outs::Turn;
use super::group::{Group, Patience};
use super::ingest::Takes;
use super::lease::Lease;
use super::member::Member;
use super::param::Uuid;
use super::record::Records;
use super::session::Session;
use super::{open, partitions};
use crate::Error;
use crate::feed::{FED, Fact};
use crate::notices::Notice;
use crate::place::Postgres;
use crate::published::Published;
use crate::seal::{MasterKey, Seal};
use crate::shard::{self, Shards};
use crate::shares::Shares;

pub(crate) struct Cluster {
    pub(super) shared: Arc<Shared>,
    pub(super) takes: Group<Takes>,
    pub(super) records: Group<Records>,
    pub(super) turn: Turn,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// An attempt that is not recorded is sent again: worth waiting for, and a restart of the database takes less.
const RECORDS: Patience = Patience { group: Duration::from_secs(20), caller: None };

/// What all tasks of a node work with.
pub(crate) struct Shared {
    pub(super) connections: Connections,
    pub(super) seal: Seal,
    pub(super) env: Arc<dyn Env>,
    pub(super) published: Published,
    pub(super) node: Uuid,
    pub(super) settings: Postgres,
    pub(super) lease: Lease,
    pub(super) tasks: TaskTracker,
    /// Connections for searches.
    pub(super) searches: Shares,
    /// The directory's revision that was read last. Held while the next one is read.
    pub(super) revision: tokio::sync::Mutex<i64>,
    order: Mutex<Order>,
    news: Mutex<News>,
    pub(super) news_woken: Notify,
}

/// The last of what only goes forward.
struct Order {
    id: Option<DeliveryId>,
    accepted_at: Timestamp,
}

/// What other nodes are to be told.
#[derive(Default)]
pub(super) struct News {
    pub(super) work: HashSet<EndpointId>,
    pub(super) directory: bool,
    pub(super) shards: bool,
    pub(super) jobs: bool,
    pub(super) mails: bool,
}

/// Finds out at once whether there is anything to work on.
async fn connect(settings: &Postgres) -> Result<Connections, Error> {
    let connections = Connections::new(settings)?;
    connections.reach().await?;
    Ok(connections)
}

impl Cluster {
    /// What an operator should know of the way to the database.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.shared.connections.notices.clone()
    }

    pub(crate) async fn open(
        settings: Postgres,
        master_key: &MasterKey,
        env: Arc<dyn Env>,
        published: Published,
    ) -> Result<Self, Error> {
        let connections = connect(&settings).await?;
        open::migrate(&connections).await?;
        let seal = Seal::new(master_key);
        open::prepare(&connections, &seal, &*env).await?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let shared = Arc::new(Shared {
            connections,
            seal,
            node: open::new_node(&*env),
            published,
            // Half of the connections, so that what is not a search always finds one.
            searches: Shares::new((settings.connections / 2).max(2), (settings.connections / 4).max(1)),
            settings,
            lease: Lease::none(),
            tasks: tasks.clone(),
            revision: tokio::sync::Mutex::new(-1),
            order: Mutex::new(Order { id: None, accepted_at: env.now() }),
            news: Mutex::default(),
            news_woken: Notify::new(),
            env,
        });
        shared.refresh(&shared.connections.session().await?).await?;
        open::resume_order(&shared).await?;
        partitions::provide(&shared, shared.env.now()).await?;
        let member = Member::join(shared.clone()).await?;
        // From here on nobody takes another key. Somebody may have until now.
        open::check_key(&shared.connections.session().await?, &shared.seal).await?;
        tasks.spawn(member.run(stop.clone()));
        let patience = shared.settings.patience;
        let patience = Patience { group: patience, caller: Some(patience) };
        let takes = Group::start(Takes::new(shared.clone()), patience, &tasks);
        let records = Group::start(Records::new(shared.clone()), RECORDS, &tasks);
        Ok(Self { shared, takes, records, turn: Turn::default(), tasks, stop })
    }

    pub(crate) async fn migrate(settings: &Postgres) -> Result<Vec<String>, Error> {
        open::migrate(&connect(settings).await?).await
    }

    /// Whether there is a database of ours at the address.
    pub(crate) async fn is_in(settings: &Postgres) -> Result<bool, Error> {
        open::exists(&connect(settings).await?).await
    }

    /// Whether a master key is in use there.
    pub(crate) async fn has_secrets(settings: &Postgres) -> Result<bool, Error> {
        let connections = connect(settings).await?;
        Ok(open::exists(&connections).await? && open::has_key(&connections).await?)
    }

    pub(crate) async fn rekey(
        settings: &Postgres,
        old: &MasterKey,
        new: &MasterKey,
        env: &dyn Env,
    ) -> Result<u64, Error> {
        super::rekey::rekey(&connect(settings).await?, &Seal::new(old), &Seal::new(new), env).await
    }

    /// A connection for a query that stands alone.
    pub(super) async fn session(&self) -> Result<Session, Error> {
        self.shared.connections.session().await
    }

    /// A transaction whose queries see the same state.
    pub(super) async fn snapshot(&self) -> Result<Scope, Error> {
        Scope::snapshot(&self.shared).await
    }

    /// The same for somebody of a project who searches.
    pub(super) async fn search(&self, project: ProjectId) -> Result<Scope, Error> {
        Scope::search(&self.shared, project).await
    }

    /// A transaction that changes projects, keys, endpoints or ways of speaking.
    pub(super) async fn change(&self) -> Result<Change, Error> {
        Change::begin(&self.shared, Lock::Directory).await
    }

    /// A transaction that changes nothing of those, and in which they do not change.
    pub(super) async fn work(&self) -> Result<Change, Error> {
        Change::begin(&self.shared, Lock::Work).await
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.session().await?.run("SELECT 1").await
    }

    pub(crate) fn holds(&self, endpoint: EndpointId) -> bool {
        self.shared.lease.holds(shard::of(endpoint))
    }

    /// Cancelled when everything that is held is lost at once.
    pub(crate) fn lost(&self) -> CancellationToken {
        self.shared.lease.lost()
    }

    /// Since when the endpoint's shard is held that another node held before.
    pub(crate) fn taken_over_at(&self, endpoint: EndpointId) -> Option<Timestamp> {
        self.shared.lease.taken_at(shard::of(endpoint))
    }

    /// Holds these no longer, and has others told so.
    pub(crate) fn give_back(&self, shards: &Shards) {
        self.shared.lease.give(shards);
        self.shared.tell(|news| news.shards = true);
    }

    /// Whether the node may deliver, if it is to.
    pub(crate) fn has_lease(&self) -> bool {
        !self.shared.settings.delivers || self.shared.lease.is_current()
    }

    /// Resolves when it can commit nothing more.
    pub(crate) async fn stopped(&self) {
        tokio::select! {
            () = self.takes.stopped() => {}
            () = self.records.stopped() => {}
        }
    }

    /// Waits until what was handed in is committed, leaves the cluster and stops.
    pub(crate) async fn close(&self) {
        self.takes.close().await;
        self.records.close().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.shared.connections.close();
        self.shared.published.feed.close();
    }
}

/// Whoever drops a node without closing it leaves the cluster, too.
impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    /// Now, and never before what was accepted last.
    pub(super) fn accepted_at(&self, now: Timestamp) -> Timestamp {
        let mut order = self.order();
        order.accepted_at = order.accepted_at.max(now);
        order.accepted_at
    }

    /// A key that sorts after all that this node made before it.
    pub(super) fn next_key(&self) -> DeliveryId {
        let mut order = self.order();
        let id = DeliveryId::after(order.id, &*self.env);
        order.id = Some(id);
        id
    }

    /// Goes on after what is in the database.
    pub(super) fn go_on_after(&self, id: Option<DeliveryId>, accepted_at: Option<Timestamp>) {
        let mut order = self.order();
        order.id = order.id.max(id);
        order.accepted_at = accepted_at.map_or(order.accepted_at, |at| order.accepted_at.max(at));
    }

    /// Publishes what is committed: to this node's engine what is its own, to other nodes that there is work.
    pub(super) fn announce(&self, facts: Vec<Fact>) {
        let (mut ours, mut others) = (Vec::with_capacity(facts.len().min(FED)), Vec::new());
        let (held, mut looked) = (self.lease.held(), HashSet::new());
        for fact in facts {
            match &fact {
                Fact::Due(due) if !held.contains(shard::of(due.endpoint)) => others.push(due.endpoint),
                Fact::Look { endpoint, .. } if !held.contains(shard::of(*endpoint)) => others.push(*endpoint),
                Fact::Due(due) if ours.len() >= FED => {
                    if looked.insert(due.endpoint) {
                        ours.push(Fact::Look { endpoint: due.endpoint, at: due.next_attempt_at });
                    }
                }
                _ => ours.push(fact),
            }
        }
        self.published.facts(ours);
        if !others.is_empty() {
            self.tell(|news| news.work.extend(others));
        }
    }

    /// A group's commit that began then is over.
    pub(super) fn held_since(&self, began: Duration, items: usize, rows: usize) {
        self.published.holds.record(self.env.elapsed().saturating_sub(began), items, rows);
    }

    /// There is something to fan out: whichever node gets to it first.
    pub(super) fn fans_out(&self) {
        self.published.fan_outs.notify_one();
        self.tell(|news| news.jobs = true);
    }

    /// Has something told to the other nodes, together with what else there is.
    pub(super) fn tell(&self, add: impl FnOnce(&mut News)) {
        add(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.news_woken.notify_one();
    }

    pub(super) fn take_news(&self) -> News {
        std::mem::take(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
