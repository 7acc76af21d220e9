//! The tasks of the accept loop: connections and the requests on them. They are asked to stop, and then made to.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use model::env::Env;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Clone)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    /// Finish what you do.
    stopping: Bell,
    /// Stop where you are.
    aborted: Bell,
}

/// Rings once, and everybody hears it. Whoever listens and is woken by other things all the time looks at a flag alone: a
/// token has locks that all connections share.
#[derive(Clone, Default)]
struct Bell {
    has_rung: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Bell {
    fn ring(&self) {
        self.has_rung.store(true, Ordering::Release);
        self.token.cancel();
    }

    async fn heard(&self) {
        let mut cancelled = pin!(self.token.cancelled());
        let mut listening: Option<Waker> = None;
        poll_fn(|cx| {
            let listens = listening.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
            if listens && !self.has_rung.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            listening = Some(cx.waker().clone());
            cancelled.as_mut().poll(cx)
        })
        .await;
    }
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { tracker: TaskTracker::new(), stopping: Bell::default(), aborted: Bell::default() }
    }

    pub(super) fn spawn(&self, task: impl Future + Send + 'static) {
        let aborted = self.aborted.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = aborted.heard() => {}
                _ = task => {}
            }
        });
    }

    pub(super) async fn stopping(&self) {
        self.stopping.heard().await;
    }

    /// Lets all finish for as long as `grace`, then stops what is left.
    pub(super) async fn finish(&self, env: &dyn Env, grace: Duration) {
        self.tracker.close();
        self.stopping.ring();
        tokio::select! {
            biased;
            () = self.tracker.wait() => return,
            () = env.sleep(grace) => {}
        }
        tracing::warn!(tasks = self.tracker.len(), grace_ms = %grace.as_millis(), "requests did not finish in time and are cut off");
        self.aborted.ring();
        self.tracker.wait().await;
    }
}

/// HTTP/2 runs each request as a task of its own.
impl<F: Future + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}
