//! Publishes a commit once it is on disk: to readers of the directory, to the engine and to all who wait for it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, broadcast};

use crate::directory::Directory;
use crate::feed::{CommitNotice, Publisher, Recorded};
use crate::holds::Holds;

#[derive(Clone)]
pub(crate) struct CommitSink {
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    pub(crate) feed: Publisher,
    pub(crate) watchers: broadcast::Sender<Recorded>,
    /// Woken when the job runner may have work.
    pub(crate) jobs: Arc<Notify>,
    /// Woken when there is something new to fan out.
    pub(crate) fan_outs: Arc<Notify>,
    /// Time for which commits held those who wait for the next one.
    pub(crate) holds: Arc<Holds>,
    /// Woken when a mail was put into the outbox. `None` if nobody sends mail: none is put then.
    pub(crate) outbox: Option<Arc<Notify>>,
}

impl CommitSink {
    pub(crate) fn notices(&self, notices: Vec<CommitNotice>) {
        if !notices.is_empty() {
            self.feed.publish(notices);
        }
    }

    /// Wakes jobs and fan-outs: another node may have left work behind.
    pub(crate) fn work_left(&self) {
        self.jobs.notify_one();
        self.fan_outs.notify_one();
    }

    /// Wakes the sender of mail: something was put into the outbox.
    pub(crate) fn mailed(&self) {
        if let Some(mails) = &self.outbox {
            mails.notify_one();
        }
    }

    pub(crate) fn recorded(&self, recorded: Vec<Recorded>) {
        for attempt in recorded {
            // Having no watcher is the usual case.
            let _ = self.watchers.send(attempt);
        }
    }
}
