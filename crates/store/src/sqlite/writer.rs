//! The writer: one thread that commits everything, in groups.
//!
//! While a commit is on its way to the disk, verbs queue up; the next commit takes them all. So the cost of a sync is
//! shared by all who wait for it, and nobody waits for more than the one under way and their own. While there is much to
//! do, groups of verbs that need nothing from the tables are committed to the [journal](super::journal) and go into the
//! tables many at a time. What is long is done in slices, which stand [aside](aside) for everything else.

mod aside;
mod lines;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use model::id::ProjectId;
use tokio::sync::{mpsc, oneshot};

use self::aside::Asides;
#[cfg(test)]
pub(super) use self::lines::REMEMBERED;
use self::lines::{Company, take_turns};
use super::batch::Batch;
use super::committer::{Committer, Way};
use super::lock::Lock;
use crate::Error;
use crate::slice::{HOLD, HOLD_IN_COMPANY};

/// Verbs that may wait for the writer; whoever comes later waits outside.
const QUEUE: usize = 8192;

/// Verbs that are looked at for one commit, so that a project with many is passed by others.
const GROUP: usize = 4096;

/// After a commit of so many verbs there are more on their way: whoever was answered asks for the next thing.
const BUSY: usize = 8;

/// So long, and so often, the writer lets them come, until nothing new has come meanwhile. A commit costs as much for ten
/// verbs as for a hundred, and the processor has other work.
const LINGER: Duration = Duration::from_micros(60);
const LINGERS: usize = 10;

/// Ahead of the tables and with nothing to do, the writer waits for more before it catches up; longer while several projects
/// commit, because one of them may come while it does.
const QUIET: Duration = Duration::from_micros(1600);
const QUIET_IN_COMPANY: Duration = Duration::from_millis(20);

/// How long a slice waits for somebody to go with while several projects commit: longer than they are apart if there are a
/// hundred commits in a second.
const PATIENCE: Duration = Duration::from_millis(24);

/// Between two looks at whether the tables are back.
const REST: Duration = Duration::from_micros(200);

#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Work>,
    thread: std::thread::Thread,
    /// The thread lingers until so many verbs wait. 0: it does not.
    lingers_until: Arc<AtomicUsize>,
    /// Something that was committed is in the journal and not in the tables.
    ahead: Arc<AtomicBool>,
    /// Others than slices were committed a moment ago, as far as slices wait.
    busy: Arc<AtomicBool>,
    /// Several projects commit.
    company: Arc<AtomicBool>,
}

enum Work {
    Verb(Box<dyn Verb>),
    /// A slice of work that is long as a whole.
    Aside(Box<dyn Verb>),
    /// A reader waits until the tables have what is committed by now.
    Reach(oneshot::Sender<Result<(), Error>>),
    Stop(oneshot::Sender<()>),
}

/// A verb and whoever is told what came of it. May run more than once, if a commit it was part of failed.
pub(crate) trait Verb: Send {
    /// Whose it is: a project's, or Posthaste's own.
    fn of(&self) -> Option<ProjectId>;
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Error>;
    fn settle(self: Box<Self>, committed: Result<(), Error>);
}

struct Waiting<T, F, S> {
    of: Option<ProjectId>,
    verb: F,
    result: Option<T>,
    say: S,
}

impl<T, F, S> Verb for Waiting<T, F, S>
where
    T: Send,
    F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send,
    S: FnOnce(Result<T, Error>) + Send,
{
    fn of(&self) -> Option<ProjectId> {
        self.of
    }

    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Error> {
        self.result = Some((self.verb)(batch)?);
        Ok(())
    }

    fn settle(self: Box<Self>, committed: Result<(), Error>) {
        let Self { result, say, .. } = *self;
        say(committed.and_then(|()| result.ok_or(Error::Stopped)));
    }
}

impl Writer {
    /// Starts the thread. It keeps the lock on the data directory until it has ended, because it is the last that writes
    /// there.
    pub(crate) fn start(committer: Committer, lock: Lock) -> Result<Self, Error> {
        let (queue, work) = mpsc::channel(QUEUE);
        let lingers_until = Arc::new(AtomicUsize::new(0));
        let (group, asides, company) = (Vec::with_capacity(GROUP), Asides::default(), Company::default());
        let (busy, in_company) = (asides.busy(), company.is_there());
        let held_back = Vec::new();
        let thread =
            Thread { committer, group, held_back, asides, company, lingers_until: lingers_until.clone(), lock };
        let ahead = thread.committer.ahead();
        let running = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(work))
            .map_err(Error::files("the writer's thread"))?;
        Ok(Self { queue, thread: running.thread().clone(), lingers_until, ahead, busy, company: in_company })
    }

    /// Resolves when the tables have all that was committed before the call. Commits go on meanwhile.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        if !self.ahead.load(Ordering::Acquire) {
            return Ok(());
        }
        let (reply, reached) = oneshot::channel();
        self.hand_in(Work::Reach(reply)).await;
        reached.await.map_err(|_| Error::Stopped)?
    }

    /// Commits to the tables what there is, if only to see that it can be done.
    pub(crate) async fn reach_tables(&self) -> Result<(), Error> {
        self.write(None, |batch| batch.db().map(|_| ())).await
    }

    /// Runs `verb`, which is a project's or Posthaste's own, in the next commit and answers when that is on disk.
    pub(crate) fn write<T, F>(&self, of: Option<ProjectId>, verb: F) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask(of, verb, Work::Verb)
    }

    /// Runs a slice of work that is long as a whole in a commit that others wait for anyway, and answers when that is on
    /// disk.
    pub(crate) fn write_aside<T, F>(
        &self,
        of: Option<ProjectId>,
        verb: F,
    ) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask(of, verb, Work::Aside)
    }

    fn ask<T, F>(
        &self,
        of: Option<ProjectId>,
        verb: F,
        work: impl FnOnce(Box<dyn Verb>) -> Work,
    ) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // Whoever asked may have gone; what was committed stays.
        let say = |committed| drop(reply.send(committed));
        let handed_in = self.hand_in(work(Box::new(Waiting { of, verb, result: None, say })));
        async move {
            handed_in.await;
            answer.await.map_err(|_| Error::Stopped)?
        }
    }

    /// Hands `verb` in for the next commit. What came of it is said when that is on disk, by the writer's thread.
    pub(crate) fn write_then<T, F, S>(&self, of: Option<ProjectId>, verb: F, say: S) -> impl Future<Output = ()> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
        S: FnOnce(Result<T, Error>) + Send + 'static,
    {
        // Boxed before the future is made: verbs hold whole events, which a future would be moved about with.
        self.hand_in(Work::Verb(Box::new(Waiting { of, verb, result: None, say })))
    }

    async fn hand_in(&self, work: Work) {
        match self.queue.send(work).await {
            Ok(()) => self.wake_if_enough(),
            Err(mpsc::error::SendError(Work::Verb(verb) | Work::Aside(verb))) => verb.settle(Err(Error::Stopped)),
            // The dropped sender tells the caller.
            Err(mpsc::error::SendError(Work::Reach(_) | Work::Stop(_))) => {}
        }
    }

    /// Wakes the thread if it lingers and as many verbs wait as it wants.
    fn wake_if_enough(&self) {
        let until = self.lingers_until.load(Ordering::SeqCst);
        let waiting = || self.queue.max_capacity() - self.queue.capacity();
        if until > 0 && waiting() >= until && self.lingers_until.swap(0, Ordering::SeqCst) > 0 {
            self.thread.unpark();
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    pub(crate) fn has_company(&self) -> bool {
        self.company.load(Ordering::Relaxed)
    }

    /// Resolves when the thread has ended.
    pub(crate) async fn stopped(&self) {
        self.queue.closed().await;
    }

    /// Commits what is queued, then ends the thread.
    pub(crate) async fn close(&self) {
        let (reply, stopped) = oneshot::channel();
        if self.queue.send(Work::Stop(reply)).await.is_ok() {
            let _ = stopped.await;
        }
    }
}

struct Thread {
    committer: Committer,
    /// The verbs of the next commit.
    group: Vec<Box<dyn Verb>>,
    /// Verbs of projects that have their share of the journal.
    held_back: Vec<Box<dyn Verb>>,
    asides: Asides,
    company: Company,
    lingers_until: Arc<AtomicUsize>,
    lock: Lock,
}

/// What comes after waiting.
enum Next {
    Commit,
    /// The last commit, and whoever waits for it.
    End(Option<oneshot::Sender<()>>),
}

impl Thread {
    fn run(mut self, mut work: mpsc::Receiver<Work>) {
        loop {
            let were_left = !self.group.is_empty();
            let next = self.gather(&mut work);
            let others = self.group.len();
            if were_left {
                take_turns(&mut self.group);
            }
            let aside = if self.asides_may_go() { self.asides.next() } else { None };
            self.group.extend(aside);
            // Where a reader had the thread wake there may be nothing to commit.
            if !self.group.is_empty() {
                let has_company = self.company.notes(&self.group);
                self.asides.note(others > 0, has_company);
                self.commit(has_company);
            }
            self.committer.go_on();
            if let Next::End(reply) = next {
                return self.end(work, reply);
            }
            if others >= BUSY {
                self.linger(&work, others);
            }
            self.settle_down(&work);
        }
    }

    /// Waits for work, then takes what else is there.
    fn gather(&mut self, work: &mut mpsc::Receiver<Work>) -> Next {
        loop {
            while self.group.len() < GROUP
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
                self.wait(work, 1, REST);
            } else if self.asides.wait_for_others() {
                self.wait(work, 1, PATIENCE);
            } else {
                return Next::Commit;
            }
        }
    }

    /// Has verbs of projects that have their share of the journal wait until there is room again. Without that a project
    /// with many fills it, and all others wait for the tables.
    fn hold_back(&mut self) {
        if !self.held_back.is_empty() {
            self.committer.go_on();
            self.group.splice(0..0, self.held_back.drain(..));
        }
        if !self.committer.has_room_for_all() && self.group.len() < GROUP {
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

    /// Commits what was handed in, then ends what the committer has.
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
        self.committer.catch_up();
        self.committer.close();
        drop(self.lock);
        for reply in replies {
            let _ = reply.send(());
        }
    }

    /// Lets others run while they bring more, and until as many verbs wait as the last commit had.
    fn linger(&self, work: &mpsc::Receiver<Work>, verbs: usize) {
        for _ in 0..LINGERS {
            let waiting = work.len();
            self.wait(work, verbs, LINGER);
            if work.len() == waiting || work.len() >= verbs {
                return;
            }
        }
    }

    /// Waits until as many verbs wait, at most as long as that.
    fn wait(&self, work: &mpsc::Receiver<Work>, verbs: usize, most: Duration) {
        self.lingers_until.store(verbs, Ordering::SeqCst);
        if work.len() < verbs {
            std::thread::park_timeout(most);
        }
        self.lingers_until.store(0, Ordering::Relaxed);
    }

    /// Brings what the journal has into the tables if nothing else comes.
    fn settle_down(&mut self, work: &mpsc::Receiver<Work>) {
        while self.group.is_empty() && self.committer.is_waited_for() && work.is_empty() {
            self.wait(work, 1, REST);
            self.committer.go_on();
        }
        let waiting = !self.group.is_empty() || !self.held_back.is_empty();
        if !self.committer.is_ahead() || waiting || self.asides_may_go() {
            return;
        }
        let quiet = if self.company.is_here() && self.asides.is_empty() { QUIET_IN_COMPANY } else { QUIET };
        self.wait(work, 1, quiet);
        if !work.is_empty() {
            return;
        }
        while self.committer.is_ahead() {
            if self.committer.is_calm() && !self.committer.hand_on() {
                return self.committer.catch_up();
            }
            self.wait(work, 1, REST);
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
        let hold = if has_company { HOLD_IN_COMPANY } else { HOLD };
        // The tables' log is not written to while others wait for it: it grows, and with it what its sync writes.
        let is_short = self.group.len() < BUSY && !has_company;
        let way = if is_short && self.committer.is_level() { Way::Tables } else { Way::Journal };
        match self.committer.commit(&mut self.group, way, hold) {
            Ok(verbs) => self.group.drain(..verbs).for_each(|verb| verb.settle(Ok(()))),
            Err(error) if self.group.len() == 1 => {
                self.group.drain(..).for_each(|verb| verb.settle(Err(error.clone())));
            }
            Err(_) => {
                let group = std::mem::take(&mut self.group);
                self.commit_apart(group);
            }
        }
    }

    /// Commits a group that failed as a whole.
    fn commit_apart(&mut self, mut group: Vec<Box<dyn Verb>>) {
        let second = group.split_off(group.len() / 2);
        for mut half in [group, second] {
            while !half.is_empty() {
                match self.committer.commit(&mut half, Way::Tables, HOLD) {
                    Ok(verbs) => half.drain(..verbs).for_each(|verb| verb.settle(Ok(()))),
                    Err(error) if half.len() == 1 => half.drain(..).for_each(|verb| verb.settle(Err(error.clone()))),
                    Err(_) => self.commit_apart(std::mem::take(&mut half)),
                }
            }
        }
    }
}
