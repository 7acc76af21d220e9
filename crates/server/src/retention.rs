//! Retention at work: deletes what has been kept long enough, in slices with rests between them.

use std::sync::Arc;
use std::time::Duration;

use model::env::Env;
use model::retention::Retention;
use model::time::Timestamp;
use store::Store;
use store::retention::{Deleted, Step};
use tokio_util::sync::CancellationToken;

use crate::worker::{self, Question, Worker};

/// The worker's name.
pub const NAME: &str = "retention";

/// How long after the start it begins: first comes what was interrupted.
const FIRST: Duration = Duration::from_secs(60);

/// How long to wait when the store does not answer.
const PAUSE: Duration = Duration::from_secs(60);

/// After each slice, so many times what it took are everybody else's.
const REST: u32 = 4;

/// Starts deleting, a minute from now. A stop waits for the slice under way.
pub fn start(store: Store, env: Arc<dyn Env>, servers: Retention) -> Worker {
    Worker::start(NAME, |context| run(store, env, servers, context))
}

async fn run(store: Store, env: Arc<dyn Env>, servers: Retention, context: worker::Context) {
    let worker::Context { stop, mut questions, .. } = context;
    let mut pass = store.begin_retention(servers);
    let mut next = env.now() + FIRST;
    let mut askers: Vec<Question> = Vec::new();
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
            let _ = asker.send(Some(next));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = env.sleep_until(next) => {}
            Some(asker) = questions.recv() => askers.push(asker),
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
