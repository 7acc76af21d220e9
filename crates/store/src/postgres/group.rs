//! A group commit: items that arrive while one commit is under way are in the next.
//!
//! A node has two of them, one for incoming events and one for outcomes of deliveries, so two commits can be under way
//! at once, and changes of an endpoint's health are made in one order.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Error;
use crate::clock;

/// Maximum items queued for the next commit; callers of later ones wait for room.
const QUEUE: usize = 8192;

/// Maximum items in one commit, and their bytes and rows together.
const GROUP: usize = 1024;
const WEIGHT: usize = 8 << 20;
const ROWS: usize = 2048;

/// Maximum time a commit waits for an unreachable database.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// A group is retried for this long before it fails.
    pub(super) group: Duration,
    /// An item's caller gets an error after this long, however long its group is retried. `None`: together with its
    /// group.
    pub(super) caller: Option<Duration>,
}

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// Work that is committed in groups.
pub(crate) trait Commit: Send + 'static {
    type Item: Send + Sync + 'static;
    type Reply: Send + 'static;

    /// Approximate bytes of an item.
    fn weight(item: &Self::Item) -> usize;

    /// Approximate rows that an item writes.
    fn rows(item: &Self::Item) -> usize;

    /// Commits all items or none, and returns a reply for each. `again`: the group was tried before and the connection
    /// broke, so it may be on disk already.
    fn commit(
        &mut self,
        items: &[Self::Item],
        again: bool,
    ) -> impl Future<Output = Result<Vec<Self::Reply>, Error>> + Send;
}

type Waiting<C> = (<C as Commit>::Item, oneshot::Sender<Result<<C as Commit>::Reply, Error>>);

pub(crate) struct Group<C: Commit> {
    queue: mpsc::Sender<Waiting<C>>,
    patience: Option<Duration>,
    stop: CancellationToken,
}

impl<C: Commit> Group<C> {
    pub(super) fn start(commit: C, patience: Patience, tasks: &TaskTracker) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let stop = CancellationToken::new();
        tasks.spawn(run(commit, patience.group, waiting, stop.clone()));
        Self { queue, patience: patience.caller, stop }
    }

    /// Resolves when the item is on disk.
    pub(super) async fn commit(&self, item: C::Item) -> Result<C::Reply, Error> {
        let (reply, answer) = oneshot::channel();
        let committed = async {
            self.queue.send((item, reply)).await.map_err(|_| Error::Stopped)?;
            answer.await.map_err(|_| Error::Stopped)?
        };
        let Some(patience) = self.patience else { return committed.await };
        let silent = || Err(Error::Connection(format!("the database has not answered within {patience:?}")));
        clock::within(patience, committed).await.unwrap_or_else(silent)
    }

    pub(super) async fn stopped(&self) {
        self.queue.closed().await;
    }

    /// Commits what is queued, and takes nothing more.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.queue.closed().await;
    }
}

/// Commits until `stop` is cancelled, then what is left in the queue.
async fn run<C: Commit>(
    mut commit: C,
    patience: Duration,
    mut waiting: mpsc::Receiver<Waiting<C>>,
    stop: CancellationToken,
) {
    let mut left_over = None;
    loop {
        let next = match left_over.take() {
            Some(next) => Some(next),
            None => tokio::select! {
                biased;
                next = waiting.recv() => next,
                () = stop.cancelled(), if !waiting.is_closed() => {
                    waiting.close();
                    continue;
                }
            },
        };
        let Some(first) = next else { return };
        if first.1.is_closed() {
            // Its caller has an error already.
            continue;
        }
        let (mut weight, mut rows) = (C::weight(&first.0), C::rows(&first.0));
        let (mut items, mut replies) = (vec![first.0], vec![first.1]);
        while items.len() < GROUP {
            let Ok(next) = waiting.try_recv() else { break };
            if next.1.is_closed() {
                continue;
            }
            weight += C::weight(&next.0);
            rows += C::rows(&next.0);
            if weight > WEIGHT || rows > ROWS {
                left_over = Some(next);
                break;
            }
            items.push(next.0);
            replies.push(next.1);
        }
        settle(&mut commit, patience, items, replies).await;
    }
}

/// Commits a group. If an item makes it fail, each is tried alone, so one that cannot succeed does not affect the
/// others.
async fn settle<C: Commit>(
    commit: &mut C,
    patience: Duration,
    items: Vec<C::Item>,
    replies: Vec<oneshot::Sender<Result<C::Reply, Error>>>,
) {
    match patiently(commit, patience, &items).await {
        Ok(answers) => answers.into_iter().zip(replies).for_each(|(answer, reply)| {
            // The caller may have gone; the commit stays.
            let _ = reply.send(Ok(answer));
        }),
        Err(error) if items.len() == 1 || error.is_absence() => replies.into_iter().for_each(|reply| {
            let _ = reply.send(Err(error.clone()));
        }),
        Err(_) => {
            for (item, reply) in items.into_iter().zip(replies) {
                let alone = patiently(commit, patience, &[item]).await;
                let answer = alone.and_then(|mut answers| answers.pop().ok_or(Error::Stopped));
                let _ = reply.send(answer);
            }
        }
    }
}

async fn patiently<C: Commit>(commit: &mut C, patience: Duration, items: &[C::Item]) -> Result<Vec<C::Reply>, Error> {
    let began = Instant::now();
    let mut again = false;
    loop {
        match commit.commit(items, again).await {
            Err(error) if error.is_absence() && began.elapsed() < patience => {
                if !again {
                    tracing::warn!(error = &error as &dyn std::error::Error, "database unreachable; retrying");
                }
                again = true;
                clock::wait(PAUSE).await;
            }
            answer => return answer,
        }
    }
}
