//! The writer's thread: the content and the time of the next commit, and the times at which the tables catch up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::aside::Asides;
use super::committer::{CommitTarget, Committer};
use super::project_queues::{Company, take_turns};
use super::verb::{Verb, Work};
use crate::slice::{MAX_WRITER_HOLD, MAX_WRITER_HOLD_SHARED};
use crate::sqlite::lock::Lock;

/// Maximum verbs gathered for one commit: more than it takes, so that a project with many is passed by others.
const GROUP_LIMIT: usize = 4096;

/// After a commit of at least this many verbs more are on their way: callers that were answered ask for the next thing.
const BUSY: usize = 8;

/// Length and maximum number of the pauses in which the writer lets more verbs come, until a pause brings nothing new.
/// A commit costs as much for ten verbs as for a hundred, and the processor has other work.
const LINGER: Duration = Duration::from_micros(60);
const LINGERS: usize = 10;

/// Quiet time after which the writer flushes the journal; longer while several projects commit, because one of them may
/// come during the flush.
const QUIET: Duration = Duration::from_micros(1600);
const QUIET_IN_COMPANY: Duration = Duration::from_millis(20);

/// Wait of a slice for a commit to go with while several projects commit: longer than the time between commits if there
/// are a hundred in a second.
const PATIENCE: Duration = Duration::from_millis(24);

/// Interval between checks whether the flush thread is ready.
const POLL_INTERVAL: Duration = Duration::from_micros(200);

pub(crate) struct Thread {
    committer: Committer,
    /// The verbs of the next commit.
    group: Vec<Box<dyn Verb>>,
    /// Verbs of projects that have their share of the journal, held back until there is room.
    held_back: Vec<Box<dyn Verb>>,
    asides: Asides,
    company: Company,
    lingers_until: Arc<AtomicUsize>,
    lock: Lock,
}

/// The next thing to do after waiting.
enum Next {
    Commit,
    /// The last commit, and the caller that waits for it.
    End(Option<oneshot::Sender<()>>),
}

impl Thread {
    pub(crate) fn new(committer: Committer, lingers_until: Arc<AtomicUsize>, lock: Lock) -> Self {
        let (asides, company) = (Asides::default(), Company::default());
        let (group, held_back) = (Vec::with_capacity(GROUP_LIMIT), Vec::new());
        Self { committer, group, held_back, asides, company, lingers_until, lock }
    }

    /// A shared flag: true while something is committed that is not in the tables.
    pub(crate) fn has_unflushed(&self) -> Arc<AtomicBool> {
        self.committer.has_unflushed()
    }

    /// A shared flag: true while others than slices are committed.
    pub(crate) fn busy(&self) -> Arc<AtomicBool> {
        self.asides.busy()
    }

    /// A shared flag: true while several projects commit.
    pub(crate) fn company(&self) -> Arc<AtomicBool> {
        self.company.shared()
    }

    pub(crate) fn run(mut self, mut work: mpsc::Receiver<Work>) {
        loop {
            let were_left = !self.group.is_empty();
            let next = self.gather(&mut work);
            let others = self.group.len();
            if were_left {
                take_turns(&mut self.group);
            }
            let aside = if self.asides_may_go() { self.asides.next() } else { None };
            self.group.extend(aside);
            // If a reader woke the thread, there may be nothing to commit.
            if !self.group.is_empty() {
                let has_company = self.company.notes(&self.group);
                self.asides.note(others > 0, has_company);
                self.commit(has_company);
            }
            self.committer.maintain();
            if let Next::End(reply) = next {
                return self.end(work, reply);
            }
            if others >= BUSY {
                self.linger(&work, others);
            }
            self.flush_when_idle(&work);
        }
    }

    /// Waits for work, then takes whatever else is queued.
    fn gather(&mut self, work: &mut mpsc::Receiver<Work>) -> Next {
        loop {
            while self.group.len() < GROUP_LIMIT
                && let Ok(work) = work.try_recv()
            {
                if let Some(reply) = self.take(work) {
                    return Next::End(Some(reply));
                }
            }
            self.hold_back();
            if !self.group.is_empty() || self.committer.is_waited_for() {
                return Next::Commit;
            }
            if self.asides.is_empty() && self.held_back.is_empty() {
                match work.blocking_recv().map(|work| self.take(work)) {
                    Some(None) => {}
                    Some(reply) => return Next::End(reply),
                    None => return Next::End(None),
                }
            } else if work.is_closed() {
                return Next::End(None);
            } else if !self.asides_may_go() {
                self.wait(work, 1, POLL_INTERVAL);
            } else if self.asides.wait_for_others() {
                self.wait(work, 1, PATIENCE);
            } else {
                return Next::Commit;
            }
        }
    }

    /// Holds back verbs of projects that have their share of the journal, until there is room again. Without that a
    /// project with many fills it, and all others wait for the tables.
    fn hold_back(&mut self) {
        if !self.held_back.is_empty() {
            self.committer.maintain();
            self.group.splice(0..0, self.held_back.drain(..));
        }
        if !self.committer.has_room_for_all() && self.group.len() < GROUP_LIMIT {
            let verbs = std::mem::take(&mut self.group);
            (self.group, self.held_back) = verbs.into_iter().partition(|verb| self.committer.has_room_for(verb.of()));
        }
    }

    fn take(&mut self, work: Work) -> Option<oneshot::Sender<()>> {
        match work {
            Work::Verb(verb) => self.group.push(verb),
            Work::Aside(verb) => self.asides.push(verb),
            Work::Reach(reply) => self.committer.reach(reply),
            Work::Stop(reply) => return Some(reply),
        }
        None
    }

    /// Commits what was submitted, then closes the committer.
    fn end(mut self, mut work: mpsc::Receiver<Work>, reply: Option<oneshot::Sender<()>>) {
        work.close();
        let mut replies = Vec::from_iter(reply);
        while let Ok(work) = work.try_recv() {
            replies.extend(self.take(work));
        }
        self.group.append(&mut self.held_back);
        self.group.extend(std::iter::from_fn(|| self.asides.next()));
        while !self.group.is_empty() {
            self.commit(false);
        }
        self.committer.flush();
        self.committer.close();
        drop(self.lock);
        for reply in replies {
            let _ = reply.send(());
        }
    }

    /// Lets others run while they bring more verbs, until as many wait as the last commit had.
    fn linger(&self, work: &mpsc::Receiver<Work>, verbs: usize) {
        for _ in 0..LINGERS {
            let waiting = work.len();
            self.wait(work, verbs, LINGER);
            if work.len() == waiting || work.len() >= verbs {
                return;
            }
        }
    }

    /// Waits until `verbs` of them wait, for at most `most`.
    fn wait(&self, work: &mpsc::Receiver<Work>, verbs: usize, most: Duration) {
        self.lingers_until.store(verbs, Ordering::SeqCst);
        if work.len() < verbs {
            std::thread::park_timeout(most);
        }
        self.lingers_until.store(0, Ordering::Relaxed);
    }

    /// Flushes the journal if nothing else comes.
    fn flush_when_idle(&mut self, work: &mpsc::Receiver<Work>) {
        while self.group.is_empty() && self.committer.is_waited_for() && work.is_empty() {
            self.wait(work, 1, POLL_INTERVAL);
            self.committer.maintain();
        }
        let waiting = !self.group.is_empty() || !self.held_back.is_empty();
        if !self.committer.is_unflushed() || waiting || self.asides_may_go() {
            return;
        }
        let quiet = if self.company.is_there() && self.asides.is_empty() { QUIET_IN_COMPANY } else { QUIET };
        self.wait(work, 1, quiet);
        if !work.is_empty() {
            return;
        }
        while self.committer.is_unflushed() {
            if self.committer.is_calm() && !self.committer.start_flush_if_worth_it() {
                return self.committer.flush();
            }
            self.wait(work, 1, POLL_INTERVAL);
            if !work.is_empty() {
                return;
            }
        }
    }

    fn asides_may_go(&mut self) -> bool {
        !self.asides.is_empty() && self.committer.has_room()
    }

    /// Commits as much of the group as one commit may have. If it fails, each half is tried alone, so that a verb that
    /// cannot succeed harms no other.
    fn commit(&mut self, has_company: bool) {
        let hold = if has_company { MAX_WRITER_HOLD_SHARED } else { MAX_WRITER_HOLD };
        // The tables' log is not written to while others wait for it: it grows, and with it the bytes that its sync
        // writes.
        let is_short = self.group.len() < BUSY && !has_company;
        let target = if is_short && self.committer.is_level() { CommitTarget::Tables } else { CommitTarget::Journal };
        match self.committer.commit(&mut self.group, target, hold) {
            Ok(verbs) => self.group.drain(..verbs).for_each(|verb| verb.reply(Ok(()))),
            Err(error) if self.group.len() == 1 => {
                self.group.drain(..).for_each(|verb| verb.reply(Err(error.clone())));
            }
            Err(_) => {
                let group = std::mem::take(&mut self.group);
                self.commit_apart(group);
            }
        }
    }

    /// Commits a group that failed as a whole, by halves.
    fn commit_apart(&mut self, mut group: Vec<Box<dyn Verb>>) {
        let second = group.split_off(group.len() / 2);
        for mut half in [group, second] {
            while !half.is_empty() {
                match self.committer.commit(&mut half, CommitTarget::Tables, MAX_WRITER_HOLD) {
                    Ok(verbs) => half.drain(..verbs).for_each(|verb| verb.reply(Ok(()))),
                    Err(error) if half.len() == 1 => half.drain(..).for_each(|verb| verb.reply(Err(error.clone()))),
                    Err(_) => self.commit_apart(std::mem::take(&mut half)),
                }
            }
        }
    }
}
