//! Retention at work: deletes what has been kept long enough, in slices with rests between them.

use std::sync::Arc;
use std::time::Duration;

use model::env::Env;
use model::retention::Retention;
use model::time::Timestamp;
use store::Store;
use store::retention::{Deleted, Step};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long after the start it begins: first comes what was interrupted.
const FIRST: Duration = Duration::from_secs(60);

/// How long to wait when the store does not answer.
const PAUSE: Duration = Duration::from_secs(60);

/// After each slice, so many times what it took are everybody else's.
const REST: u32 = 4;

/// Asking whether there is anything left to do now; one asks at a time.
const QUESTIONS: usize = 8;

/// The task that deletes. It goes on until it is stopped.
pub struct Sweeper {
    questions: mpsc::Sender<oneshot::Sender<Timestamp>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sweeper {
    /// Starts deleting, a minute from now.
    pub fn start(store: Store, env: Arc<dyn Env>, servers: Retention) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (questions, asked) = mpsc::channel(QUESTIONS);
        tasks.spawn(run(store, env, servers, asked, stop.clone()));
        Self { questions, stop, tasks }
    }

    /// Begins no other slice and resolves when the one under way is committed.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Resolves when it deletes no more, because it was stopped or because it died.
    pub async fn stopped(&self) {
        self.questions.closed().await;
    }

    /// Resolves when nothing is to be deleted, with the time at which it looks again. For tests that own the clock.
    pub async fn at_rest(&self) -> Option<Timestamp> {
        let (reply, at_rest) = oneshot::channel();
        self.questions.send(reply).await.ok()?;
        at_rest.await.ok()
    }
}

async fn run(
    store: Store,
    env: Arc<dyn Env>,
    servers: Retention,
    mut asked: mpsc::Receiver<oneshot::Sender<Timestamp>>,
    stop: CancellationToken,
) {
    let mut pass = store.begin_retention(servers);
    let mut next = env.now() + FIRST;
    let mut askers: Vec<oneshot::Sender<_>> = Vec::new();
    while !stop.is_cancelled() {
        if next <= env.now() {
            next = match go_round(&store, &*env, &mut pass, &stop).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "what has been kept long enough cannot be deleted now and will be later"
                    );
                    env.now() + PAUSE
                }
            };
            continue;
        }
        for asker in askers.drain(..) {
            // Whoever asked may have gone.
            let _ = asker.send(next);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = env.sleep_until(next) => {}
            Some(asker) = asked.recv() => askers.push(asker),
        }
    }
}

/// Deletes until there is nothing left to delete; answers when there will be something again.
async fn go_round(
    store: &Store,
    env: &dyn Env,
    pass: &mut store::handle::retention::RetentionPass,
    stop: &CancellationToken,
) -> Result<Timestamp, store::Error> {
    let (began, mut all) = (env.elapsed(), Deleted::default());
    let ended = loop {
        match store.continue_retention(pass).await {
            Ok(Step::Went { deleted, took }) => {
                all += deleted;
                tokio::select! {
                    () = stop.cancelled() => break Ok(env.now()),
                    () = env.sleep(took * REST) => {}
                }
            }
            Ok(Step::Rest(at)) => break Ok(at),
            Err(error) => break Err(error),
        }
    };
    if all != Deleted::default() {
        let Deleted { events, deliveries, attempts, jobs, bodies, pages } = all;
        let took_ms = env.elapsed().saturating_sub(began).as_millis();
        tracing::info!(
            events,
            deliveries,
            attempts,
            jobs,
            bodies,
            pages,
            took_ms,
            "what had been kept long enough was deleted"
        );
    }
    ended
}
