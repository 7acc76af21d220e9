//! A worker: a part of the server with tasks of its own, which goes on until it is stopped.

use std::future::Future;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use model::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Questions that may wait. Only tests ask, one at a time.
const QUESTIONS: usize = 8;

/// A running worker. Dropping it stops nothing.
pub struct Worker {
    pub name: &'static str,
    stop: CancellationToken,
    /// Cancelled when the worker's task has ended, in whatever way.
    ended: CancellationToken,
    tasks: TaskTracker,
    questions: mpsc::Sender<Question>,
}

/// Asks whether the worker is at rest. It is answered once that is so, with the time at which there will be something to do.
pub type Question = oneshot::Sender<Option<Timestamp>>;

/// What a worker's task is given.
pub struct Context {
    /// Once it is cancelled, nothing new is begun and the task ends.
    pub stop: CancellationToken,
    /// A worker of which tests need not know whether it is at rest drops this.
    pub questions: mpsc::Receiver<Question>,
    /// For further tasks, which a stop waits for.
    pub tasks: TaskTracker,
}

impl Worker {
    /// Starts a worker whose task is `run`.
    pub fn start<F>(name: &'static str, run: impl FnOnce(Context) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, ended, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let running = run(Context { stop: stop.clone(), questions: asked, tasks: tasks.clone() });
        let end = ended.clone().drop_guard();
        tasks.spawn(async move {
            // Dropped as a panic unwinds, too.
            let _end = end;
            running.await;
        });
        Self { name, stop, ended, tasks, questions }
    }

    /// Has it begin nothing new, and resolves when what is under way is finished.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Resolves when it works no more, because it was stopped or because it died.
    pub async fn stopped(&self) {
        self.ended.cancelled().await;
    }

    /// Resolves when nothing is under way, with the time at which there will be something again. For tests that own the
    /// clock.
    pub async fn at_rest(&self) -> Option<Timestamp> {
        let (reply, at_rest) = oneshot::channel();
        self.questions.send(reply).await.ok()?;
        at_rest.await.ok()?
    }
}

/// Stops all of them at once.
pub async fn stop(workers: &[Worker]) {
    join_all(workers.iter().map(Worker::stop)).await;
}

/// Resolves when one of them works no more, with its name; never if there is none.
pub async fn first_stopped(workers: &[Worker]) -> &'static str {
    let stopped = async |worker: &Worker| {
        worker.stopped().await;
        worker.name
    };
    match workers.iter().map(stopped).collect::<FuturesUnordered<_>>().next().await {
        Some(name) => name,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use testkit::patiently;

    use super::*;

    /// One that does nothing until it is stopped.
    fn idle(name: &'static str) -> Worker {
        Worker::start(name, |context| async move { context.stop.cancelled().await })
    }

    #[tokio::test]
    async fn the_worker_that_dies_is_named_wherever_it_stands() {
        for dead in 0..3 {
            let names = ["first", "second", "third"];
            let workers: Vec<Worker> = (0..3)
                .map(|place| match place == dead {
                    true => Worker::start(names[place], |_| async { panic!("it is broken") }),
                    false => idle(names[place]),
                })
                .collect();
            let named = patiently(first_stopped(&workers), || "a death was not noticed".to_owned()).await;
            assert_eq!(named, names[dead]);
        }
    }

    #[tokio::test]
    async fn a_stop_reaches_all_and_waits_for_the_tasks_of_each() {
        let (finish, finished) = oneshot::channel();
        let busy = Worker::start("busy", |context| async move {
            context.stop.cancelled().await;
            context.tasks.spawn(async { finished.await.expect("it is told to finish") });
        });
        let workers = [busy, idle("idle")];
        let mut stopping = Box::pin(stop(&workers));
        let before = tokio::select! {
            biased;
            () = &mut stopping => "stopped",
            () = async { join_all(workers.iter().map(Worker::stopped)).await; } => "tasks under way",
        };
        assert_eq!(before, "tasks under way");
        finish.send(()).unwrap();
        patiently(stopping, || "it does not stop".to_owned()).await;
    }

    #[tokio::test]
    async fn a_worker_that_died_or_answers_no_questions_is_at_rest() {
        let dead = Worker::start("dead", |_| async {});
        assert_eq!(dead.at_rest().await, None);
        assert_eq!(idle("idle").at_rest().await, None);
    }
}
