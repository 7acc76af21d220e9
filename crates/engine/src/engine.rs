//! The engine's handle: started with its parts, stopped within a grace time, asked by tests when it is at rest.

use std::sync::Arc;

use dialect::dialects::Dialects;
use model::env::Env;
use model::time::Timestamp;
use store::Store;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::context::{Context, Limits};
use crate::dispatcher::Dispatcher;
use crate::in_flight::TaskReport;
use crate::transport::Transport;
use crate::{fan_outs, jobs};

/// A running engine. It delivers until it is stopped.
pub struct Engine {
    reports: mpsc::UnboundedSender<TaskReport>,
    stop: CancellationToken,
    /// Cancelled when one of the tasks has ended.
    ended: CancellationToken,
    tasks: TaskTracker,
}

/// The store's feed was taken before: there is one engine in a process.
#[derive(Debug, thiserror::Error)]
#[error("this store already has an engine")]
pub struct AlreadyRunning;

impl Engine {
    /// Starts delivering what is pending and what comes.
    pub fn start(
        store: Store,
        env: Arc<dyn Env>,
        dialects: Arc<Dialects>,
        transport: Transport,
        limits: Limits,
    ) -> Result<Self, AlreadyRunning> {
        let feed = store.feed().ok_or(AlreadyRunning)?;
        let context = Arc::new(Context { store, env, transport, limits, dialects });
        let (reports, inbox) = mpsc::unbounded_channel();
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let dispatcher = Dispatcher::new(context.clone(), feed, reports.clone(), inbox, tasks.clone(), stop.clone());
        tasks.spawn(ending(ended.clone().drop_guard(), dispatcher.run()));
        tasks.spawn(ending(ended.clone().drop_guard(), jobs::run(context.clone(), stop.clone())));
        tasks.spawn(ending(ended.clone().drop_guard(), fan_outs::run(context, stop.clone())));
        Ok(Self { reports, stop, ended, tasks })
    }

    /// Begins nothing new and resolves when what is in flight has been answered and recorded. A caller that cannot wait
    /// drops this future: what was not recorded is sent again after a restart.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Resolves when it was stopped, or when the dispatcher, the jobs' task or the fan-outs' has died. A process that did
    /// not stop it is of no use any more.
    pub async fn stopped(&self) {
        self.ended.cancelled().await;
    }

    /// Resolves when nothing is queued or in flight, with the time of the next work. For tests that own the clock.
    pub async fn at_rest(&self) -> Option<Timestamp> {
        let (reply, at_rest) = oneshot::channel();
        self.reports.send(TaskReport::TellWhenAtRest(reply)).ok()?;
        at_rest.await.ok()?
    }
}

/// Has `_end` say so when `work` is over, or was dropped by a panic in it.
async fn ending(_end: DropGuard, work: impl Future<Output = ()>) {
    work.await;
}
