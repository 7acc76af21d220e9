//! The tasks of the accept loop: connections and the requests on them. They are asked to stop, and then made to.

use std::future::Future;
use std::time::Duration;

use hyper::rt::Executor;
use model::env::Env;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Clone)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    /// Finish what you do.
    stopping: CancellationToken,
    /// Stop where you are.
    aborted: CancellationToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { tracker: TaskTracker::new(), stopping: CancellationToken::new(), aborted: CancellationToken::new() }
    }

    pub(super) fn spawn(&self, task: impl Future + Send + 'static) {
        let aborted = self.aborted.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = aborted.cancelled() => {}
                _ = task => {}
            }
        });
    }

    pub(super) async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Lets all finish for as long as `grace`, then stops what is left.
    pub(super) async fn finish(&self, env: &dyn Env, grace: Duration) {
        self.tracker.close();
        self.stopping.cancel();
        tokio::select! {
            biased;
            () = self.tracker.wait() => return,
            () = env.sleep(grace) => {}
        }
        tracing::warn!(tasks = self.tracker.len(), grace_ms = %grace.as_millis(), "requests did not finish in time and are cut off");
        self.aborted.cancel();
        self.tracker.wait().await;
    }
}

/// HTTP/2 runs each request as a task of its own.
impl<F: Future + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}
