//! The feed: what a commit brought about, handed to the engine in memory right after it.
//!
//! Bounded. When the engine does not keep up, facts are let go and it is told to look in the database instead, where
//! everything is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::delivery::{Due, Status};
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use tokio::sync::mpsc;

/// Commits that may wait for the engine before it is told to look for itself.
const BACKLOG: usize = 1024;

/// Something that is now on disk.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A delivery that is due, or will be at its `next_attempt_at`.
    Due(Due),
    /// There is work of this endpoint in the database, due at that time.
    Look { endpoint: EndpointId, at: Timestamp },
    /// The endpoint was created, changed, paused, resumed, disabled or deleted: the directory has it, or no longer.
    Changed(EndpointId),
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
pub enum News {
    Facts(Vec<Fact>),
    /// Facts were let go: everything must be looked up.
    Lagged,
}

/// The engine's end.
#[derive(Debug)]
pub struct Feed {
    facts: mpsc::Receiver<Vec<Fact>>,
    lagged: Arc<AtomicBool>,
}

impl Feed {
    /// Whether everything committed so far has been taken.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && !self.lagged.load(Ordering::Acquire)
    }

    /// The next commit's facts; `None` when the store has stopped.
    pub async fn next(&mut self) -> Option<News> {
        let facts = self.facts.recv().await?;
        if self.lagged.swap(false, Ordering::AcqRel) {
            return Some(News::Lagged);
        }
        Some(News::Facts(facts))
    }
}

/// The writer's end.
#[derive(Debug)]
pub(crate) struct Publisher {
    facts: mpsc::Sender<Vec<Fact>>,
    lagged: Arc<AtomicBool>,
}

impl Publisher {
    pub(crate) fn publish(&self, facts: Vec<Fact>) {
        if self.facts.try_send(facts).is_err() {
            self.lagged.store(true, Ordering::Release);
        }
    }
}

pub(crate) fn channel() -> (Publisher, Feed) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let lagged = Arc::new(AtomicBool::new(false));
    (Publisher { facts: sender, lagged: lagged.clone() }, Feed { facts: receiver, lagged })
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
        assert!(matches!(feed.next().await, Some(News::Lagged)));
        assert!(matches!(feed.next().await, Some(News::Facts(_))));
    }
}
