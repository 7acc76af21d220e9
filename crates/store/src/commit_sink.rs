//! Where a commit is published once it is on disk: to readers of the directory, to the engine, to whoever waits.

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
    /// Told when there may be work for the jobs' runner.
    pub(crate) jobs: Arc<Notify>,
    /// Told when there is something new to fan out.
    pub(crate) fan_outs: Arc<Notify>,
    /// How long commits held those who wait for the next one.
    pub(crate) holds: Arc<Holds>,
    /// Told when a mail was put into the outbox. `None` where nobody sends mail: none is put then.
    pub(crate) outbox: Option<Arc<Notify>>,
}

impl CommitSink {
    pub(crate) fn notices(&self, notices: Vec<CommitNotice>) {
        if !notices.is_empty() {
            self.feed.publish(notices);
        }
    }

    /// There may be something to do that somebody else has left.
    pub(crate) fn work_left(&self) {
        self.jobs.notify_one();
        self.fan_outs.notify_one();
    }

    /// Something was put into the outbox.
    pub(crate) fn mailed(&self) {
        if let Some(mails) = &self.outbox {
            mails.notify_one();
        }
    }

    pub(crate) fn recorded(&self, recorded: Vec<Recorded>) {
        for attempt in recorded {
            // Nobody watching is the usual case.
            let _ = self.watchers.send(attempt);
        }
    }
}
