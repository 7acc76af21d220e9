//! The context of a node's tasks, and their notices to its engine and to other nodes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::env::Env;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::connect::Connections;
use super::lease::Lease;
use super::param::Uuid;
use super::session::Session;
use crate::Error;
use crate::backend::Postgres;
use crate::commit_sink::CommitSink;
use crate::feed::{CommitNotice, FED};
use crate::seal::Seal;
use crate::shard;
use crate::shares::Shares;

/// The context that all tasks of a node share.
pub(crate) struct NodeContext {
    pub(super) connections: Connections,
    pub(super) seal: Seal,
    pub(super) env: Arc<dyn Env>,
    pub(super) published: CommitSink,
    pub(super) node: Uuid,
    pub(super) settings: Postgres,
    pub(super) lease: Lease,
    pub(super) tasks: TaskTracker,
    /// Shares of the connections that searches may use.
    pub(super) searches: Shares,
    /// The directory's revision that was read last. Held while the next one is read.
    pub(super) revision: tokio::sync::Mutex<i64>,
    order: Mutex<Order>,
    notifications: Mutex<Notifications>,
    pub(super) notifications_woken: Notify,
}

/// The last values of what only goes forward.
struct Order {
    id: Option<DeliveryId>,
    accepted_at: Timestamp,
}

/// Notifications to send to other nodes.
#[derive(Default)]
pub(super) struct Notifications {
    pub(super) work: HashSet<EndpointId>,
    pub(super) directory: bool,
    pub(super) shards: bool,
    pub(super) jobs: bool,
    pub(super) mails: bool,
}

impl NodeContext {
    pub(super) fn new(
        connections: Connections,
        settings: Postgres,
        seal: Seal,
        env: Arc<dyn Env>,
        published: CommitSink,
        node: Uuid,
    ) -> Self {
        Self {
            connections,
            seal,
            node,
            published,
            // Half of the connections, so that verbs other than searches always find one.
            searches: Shares::new((settings.connections / 2).max(2), (settings.connections / 4).max(1)),
            settings,
            lease: Lease::none(),
            tasks: TaskTracker::new(),
            revision: tokio::sync::Mutex::new(-1),
            order: Mutex::new(Order { id: None, accepted_at: env.now() }),
            notifications: Mutex::default(),
            notifications_woken: Notify::new(),
            env,
        }
    }

    pub(super) fn holds(&self, endpoint: EndpointId) -> bool {
        self.lease.holds(shard::of(endpoint))
    }

    /// A connection for a query that stands alone.
    pub(super) async fn session(&self) -> Result<Session, Error> {
        self.connections.session().await
    }

    /// The time of acceptance: `now`, but never before the last one.
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

    /// Continues after the newest key and time in the database.
    pub(super) fn go_on_after(&self, id: Option<DeliveryId>, accepted_at: Option<Timestamp>) {
        let mut order = self.order();
        order.id = order.id.max(id);
        order.accepted_at = accepted_at.map_or(order.accepted_at, |at| order.accepted_at.max(at));
    }

    /// Publishes a commit: notices of held shards to this node's engine, and the endpoints of others to the other
    /// nodes.
    pub(super) fn announce(&self, notices: Vec<CommitNotice>) {
        let (mut ours, mut others) = (Vec::with_capacity(notices.len().min(FED)), Vec::new());
        let (held, mut looked) = (self.lease.held(), HashSet::new());
        for notice in notices {
            match &notice {
                CommitNotice::Due(due) if !held.contains(shard::of(due.endpoint)) => others.push(due.endpoint),
                CommitNotice::Check { endpoint, .. } if !held.contains(shard::of(*endpoint)) => others.push(*endpoint),
                CommitNotice::Due(due) if ours.len() >= FED => {
                    if looked.insert(due.endpoint) {
                        ours.push(CommitNotice::Check { endpoint: due.endpoint, at: due.next_attempt_at });
                    }
                }
                _ => ours.push(notice),
            }
        }
        self.published.notices(ours);
        if !others.is_empty() {
            self.tell(|notifications| notifications.work.extend(others));
        }
    }

    /// Records how long a group's commit took.
    pub(super) fn held_since(&self, began: Duration, items: usize, rows: usize) {
        self.published.holds.record(self.env.elapsed().saturating_sub(began), items, rows);
    }

    /// Wakes the fan-outs of all nodes: the first to come takes the step.
    pub(super) fn fans_out(&self) {
        self.published.fan_outs.notify_one();
        self.tell(|notifications| notifications.jobs = true);
    }

    /// Queues a notification to the other nodes, sent together with others.
    pub(super) fn tell(&self, add: impl FnOnce(&mut Notifications)) {
        add(&mut self.notifications.lock().unwrap_or_else(PoisonError::into_inner));
        self.notifications_woken.notify_one();
    }

    pub(super) fn take_news(&self) -> Notifications {
        std::mem::take(&mut self.notifications.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
