//! A group commit: what waits while one commit is under way is in the next.
//!
//! There are two of them on a node, one for what comes in and one for what was delivered, so two commits can be under way
//! at once, and what is done to an endpoint's health is done in one order.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Error;
use crate::clock;

/// Items that may wait for the next commit; whoever comes later waits outside.
const QUEUE: usize = 8192;

/// Items in one commit, what they may weigh together, and the rows they may come to.
const GROUP: usize = 1024;
const WEIGHT: usize = 8 << 20;
const ROWS: usize = 2048;

/// How long a commit waits for a database that is away.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// A group is tried again for this long before it fails.
    pub(super) group: Duration,
    /// An item's caller hears after this long that it was not taken, whatever its group waits for. `None`: with its group.
    pub(super) caller: Option<Duration>,
}

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// What is committed in groups.
pub(crate) trait Commit: Send + 'static {
    type Item: Send + Sync + 'static;
    type Reply: Send + 'static;

    /// About how many bytes an item is.
    fn weight(item: &Self::Item) -> usize;

    /// About how many rows it comes to.
    fn rows(item: &Self::Item) -> usize;

    /// Commits all items or none, and answers each. `again`: the group was tried before, and the connection broke, so that
    /// it may be on disk already.
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

    /// Answers when the item is on disk.
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

    /// Commits what was handed in, and takes nothing more.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.queue.closed().await;
    }
}

/// Commits until it is told to stop, and then what is left.
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
            // Its caller was told that it was not taken.
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

/// Commits a group. If it fails for what is in it, each item is tried alone, so that one that cannot succeed harms no
/// other.
async fn settle<C: Commit>(
    commit: &mut C,
    patience: Duration,
    items: Vec<C::Item>,
    replies: Vec<oneshot::Sender<Result<C::Reply, Error>>>,
) {
    match patiently(commit, patience, &items).await {
        Ok(answers) => answers.into_iter().zip(replies).for_each(|(answer, reply)| {
            // Whoever asked may have gone; what was committed stays.
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
                    tracing::warn!(error = &error as &dyn std::error::Error, "the database is away: trying again");
                }
                again = true;
                clock::wait(PAUSE).await;
            }
            answer => return answer,
        }
    }
}
