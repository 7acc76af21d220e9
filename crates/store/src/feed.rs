//! The feed: what a commit brought about, handed to the engine in memory right after it.
//!
//! Bounded. When the engine does not keep up, facts are let go and it is told to look in the database instead, where
//! everything is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::delivery::{Due, Status};
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use tokio::sync::mpsc;

use crate::shard::Shards;

/// Commits that may wait for the engine before it is told to look for itself.
const BACKLOG: usize = 1024;

/// Deliveries of one commit that are handed to the engine in memory. It looks up the rest.
pub(crate) const FED: usize = 1024;

/// Something that is now on disk.
#[derive(Clone, Debug)]
pub enum CommitNotice {
    /// A delivery that is due, or will be at its `next_attempt_at`.
    Due(Due),
    /// There is work of this endpoint in the database, due at that time.
    Check { endpoint: EndpointId, at: Timestamp },
    /// The endpoint was created, changed, paused, resumed, disabled or deleted: the directory has it, or no longer.
    Changed(EndpointId),
    /// These shards are this node's from now on.
    Gained(Shards),
    /// These are not any more: whatever is under way for them, another node does it too.
    Lost(Shards),
    /// These are wanted elsewhere: nothing new is begun for them, and they are given back when nothing is under way.
    LetGo(Shards),
}

/// An attempt that is now on disk, for those who wait for it or watch.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub project: ProjectId,
    pub endpoint: EndpointId,
    pub delivery: DeliveryId,
    pub attempt: u32,
    pub status: Status,
}

/// What the engine takes from the feed.
#[derive(Debug)]
pub enum FeedItem {
    Notices(Vec<CommitNotice>),
    /// Facts were let go: everything must be looked up.
    Lagged,
}

/// The engine's end.
#[derive(Debug)]
pub struct Feed {
    notices: mpsc::Receiver<Vec<CommitNotice>>,
    lagged: Arc<AtomicBool>,
}

impl Feed {
    /// Whether everything committed so far has been taken.
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty() && !self.lagged.load(Ordering::Acquire)
    }

    /// The next commit's facts; `None` when the store has stopped.
    pub async fn next(&mut self) -> Option<FeedItem> {
        let notices = self.notices.recv().await?;
        if self.lagged.swap(false, Ordering::AcqRel) {
            return Some(FeedItem::Lagged);
        }
        Some(FeedItem::Notices(notices))
    }
}

/// The end of those who commit.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    /// Gone when the feed has ended.
    notices: Arc<Mutex<Option<mpsc::Sender<Vec<CommitNotice>>>>>,
    lagged: Arc<AtomicBool>,
}

impl Publisher {
    pub(crate) fn publish(&self, notices: Vec<CommitNotice>) {
        if self.notices().as_ref().is_some_and(|engine| engine.try_send(notices).is_err()) {
            self.lagged.store(true, Ordering::Release);
        }
    }

    /// Ends the feed: nothing more is published.
    pub(crate) fn close(&self) {
        self.notices().take();
    }

    fn notices(&self) -> MutexGuard<'_, Option<mpsc::Sender<Vec<CommitNotice>>>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Facts may have been missed: everything must be looked up.
    pub(crate) fn lag(&self) {
        self.lagged.store(true, Ordering::Release);
        self.publish(Vec::new());
    }
}

pub(crate) fn channel() -> (Publisher, Feed) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let lagged = Arc::new(AtomicBool::new(false));
    (
        Publisher { notices: Arc::new(Mutex::new(Some(sender))), lagged: lagged.clone() },
        Feed { notices: receiver, lagged },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_feed_that_is_not_read_in_time_says_so_and_goes_on() {
        let (publisher, mut feed) = channel();
        for _ in 0..=BACKLOG {
            publisher.publish(vec![]);
        }
        assert!(matches!(feed.next().await, Some(FeedItem::Lagged)));
        assert!(matches!(feed.next().await, Some(FeedItem::Notices(_))));
    }
}
