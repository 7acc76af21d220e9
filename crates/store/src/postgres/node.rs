//! A node of a cluster: its connections, its two group commits and its membership.

use std::sync::Arc;
use std::time::Duration;

use model::env::Env;
use model::id::EndpointId;
use model::time::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connect::Connections;
use super::fan_outs::Turn;
use super::group::{Group, Patience};
use super::ingest::IngestGroup;
use super::member::Member;
use super::node_context::NodeContext;
use super::record::RecordGroup;
use super::{open, partitions, reach};
use crate::Error;
use crate::backend::Postgres;
use crate::commit_sink::CommitSink;
use crate::notices::Notice;
use crate::seal::{MasterKey, Seal};
use crate::shard::{self, Shards};

pub(crate) struct Node {
    pub(crate) context: Arc<NodeContext>,
    pub(crate) ingest: Group<IngestGroup>,
    pub(crate) record_group: Group<RecordGroup>,
    pub(crate) turn: Turn,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Patience for records: an attempt that is not recorded is sent again, so waiting pays, and a restart of the database
/// takes less.
const RECORDS: Patience = Patience { group: Duration::from_secs(20), caller: None };

/// Opens the pool, and fails at once if the database cannot be reached.
async fn connect(settings: &Postgres) -> Result<Connections, Error> {
    let connections = Connections::new(settings)?;
    reach::reach(&connections).await?;
    Ok(connections)
}

impl Node {
    /// Notices for operators about the connection to the database.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.context.connections.notices.clone()
    }

    pub(crate) async fn open(
        settings: Postgres,
        master_key: &MasterKey,
        env: Arc<dyn Env>,
        published: CommitSink,
    ) -> Result<Self, Error> {
        let connections = connect(&settings).await?;
        open::migrate(&connections).await?;
        let seal = Seal::new(master_key);
        open::prepare(&connections, &seal, &*env).await?;
        let node = open::new_node(&*env);
        let context = Arc::new(NodeContext::new(connections, settings, seal, env, published, node));
        let (tasks, stop) = (context.tasks.clone(), CancellationToken::new());
        context.refresh(&context.connections.session().await?).await?;
        open::resume_order(&context).await?;
        partitions::provide(&context, context.env.now()).await?;
        let member = Member::join(context.clone()).await?;
        // Checked after the node has joined: from here on nobody can change the master key.
        open::check_key(&context.connections.session().await?, &context.seal).await?;
        tasks.spawn(member.run(stop.clone()));
        let patience = context.settings.patience;
        let patience = Patience { group: patience, caller: Some(patience) };
        let takes = Group::start(IngestGroup::new(context.clone()), patience, &tasks);
        let records = Group::start(RecordGroup::new(context.clone()), RECORDS, &tasks);
        Ok(Self { context, ingest: takes, record_group: records, turn: Turn::default(), tasks, stop })
    }

    pub(crate) async fn migrate(settings: &Postgres) -> Result<Vec<String>, Error> {
        open::migrate(&connect(settings).await?).await
    }

    /// True if there is a Posthaste database at the address.
    pub(crate) async fn is_in(settings: &Postgres) -> Result<bool, Error> {
        open::exists(&connect(settings).await?).await
    }

    /// True if a master key is in use there.
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

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.context.session().await?.run("SELECT 1").await
    }

    pub(crate) fn holds(&self, endpoint: EndpointId) -> bool {
        self.context.holds(endpoint)
    }

    /// Cancelled when all shards are lost at once.
    pub(crate) fn lost(&self) -> CancellationToken {
        self.context.lease.lost()
    }

    /// The time since which the endpoint's shard is held, if it was held before, by another node or by this one.
    pub(crate) fn taken_over_at(&self, endpoint: EndpointId) -> Option<Timestamp> {
        self.context.lease.taken_at(shard::of(endpoint))
    }

    /// Gives these shards back, and notifies the other nodes.
    pub(crate) fn give_back(&self, shards: &Shards) {
        self.context.lease.give(shards);
        self.context.tell(|notifications| notifications.shards = true);
    }

    /// False if the node is to deliver and its lease has expired.
    pub(crate) fn has_lease(&self) -> bool {
        !self.context.settings.delivers || self.context.lease.is_current()
    }

    /// Resolves when it can commit nothing more.
    pub(crate) async fn stopped(&self) {
        tokio::select! {
            () = self.ingest.stopped() => {}
            () = self.record_group.stopped() => {}
        }
    }

    /// Waits until everything queued is committed, leaves the cluster and stops.
    pub(crate) async fn close(&self) {
        self.ingest.close().await;
        self.record_group.close().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.context.connections.close();
        self.context.published.feed.close();
    }
}

/// A node that is dropped without being closed leaves the cluster, too.
impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
