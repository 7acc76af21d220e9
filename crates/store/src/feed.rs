//! The feed: notices of what a commit changed, handed to the engine in memory right after it.
//!
//! Bounded. When the engine does not keep up, notices are dropped and the feed lags: the engine then looks into the
//! database, where everything is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::delivery::{Due, Status};
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use tokio::sync::mpsc;

use crate::shard::Shards;

/// Maximum commits that wait for the engine before the feed lags.
const BACKLOG: usize = 1024;

/// Maximum deliveries of one commit handed to the engine in memory. It looks up the rest.
pub(crate) const FED: usize = 1024;

/// Something that is now on disk.
#[derive(Clone, Debug)]
pub enum CommitNotice {
    /// A delivery that is due, or will be at its `next_attempt_at`.
    Due(Due),
    /// The endpoint has work in the database, due at that time.
    Check { endpoint: EndpointId, at: Timestamp },
    /// The endpoint was created, changed, paused, resumed, disabled or deleted: the directory has it, or no longer.
    Changed(EndpointId),
    /// These shards are this node's from now on.
    Gained(Shards),
    /// These shards are no longer this node's: another node also does whatever is under way for them.
    Lost(Shards),
    /// These shards are wanted elsewhere: nothing new is begun for them, and they are given back once nothing is under
    /// way.
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

/// An item that the engine takes from the feed.
#[derive(Debug)]
pub enum FeedItem {
    Notices(Vec<CommitNotice>),
    /// Notices were dropped: everything must be looked up.
    Lagged,
}

/// The engine's end of the feed.
#[derive(Debug)]
pub struct Feed {
    notices: mpsc::Receiver<Vec<CommitNotice>>,
    lagged: Arc<AtomicBool>,
}

impl Feed {
    /// True if everything committed until now has been taken.
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty() && !self.lagged.load(Ordering::Acquire)
    }

    /// The next commit's notices; `None` when the store has stopped.
    pub async fn next(&mut self) -> Option<FeedItem> {
        let notices = self.notices.recv().await?;
        if self.lagged.swap(false, Ordering::AcqRel) {
            return Some(FeedItem::Lagged);
        }
        Some(FeedItem::Notices(notices))
    }
}

/// The committing end of the feed.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    /// `None` once the feed has ended.
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

    /// Makes the feed lag, because notices may have been missed: everything must be looked up.
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
