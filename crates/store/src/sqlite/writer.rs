//! The writer: one thread that commits everything, in groups.
//!
//! While a commit is on its way to the disk, verbs queue up; the next commit takes them all. So the cost of a sync is
//! shared by all who wait for it, and nobody waits for more than the one under way and their own. While there is much to
//! do, groups of verbs that need nothing from the tables are committed to the [journal](super::journal) and go into the
//! tables many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::batch::Batch;
use super::committer::{Committer, Way};
use crate::Error;

/// Verbs that may wait for the writer; whoever comes later waits outside.
const QUEUE: usize = 8192;

/// Verbs in one commit.
const GROUP: usize = 1024;

/// After a commit of so many verbs there are more on their way: whoever was answered asks for the next thing.
const BUSY: usize = 8;

/// So long, and so often, the writer lets them come, until nothing new has come meanwhile. A commit costs as much for ten
/// verbs as for a hundred, and the processor has other work.
const LINGER: Duration = Duration::from_micros(60);
const LINGERS: usize = 10;

/// Ahead of the tables and with nothing to do, the writer waits so long, and so often, for more before it catches up.
const REST: Duration = Duration::from_micros(200);
const RESTS: usize = 8;

#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Work>,
    thread: std::thread::Thread,
    /// The thread lingers until so many verbs wait. 0: it does not.
    lingers_until: Arc<AtomicUsize>,
    /// Something that was committed is in the journal and not in the tables.
    ahead: Arc<AtomicBool>,
}

enum Work {
    Verb(Box<dyn Verb>),
    Stop(oneshot::Sender<()>),
}

/// A verb and whoever is told what came of it. May run more than once, if a commit it was part of failed.
pub(crate) trait Verb: Send {
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Error>;
    fn settle(self: Box<Self>, committed: Result<(), Error>);
}

struct Waiting<T, F, S> {
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
    pub(crate) fn start(committer: Committer) -> Result<Self, Error> {
        let (queue, work) = mpsc::channel(QUEUE);
        let lingers_until = Arc::new(AtomicUsize::new(0));
        let thread = Thread { committer, lingers_until: lingers_until.clone() };
        let ahead = thread.committer.ahead();
        let running = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(work))
            .map_err(Error::files("the writer's thread"))?;
        Ok(Self { queue, thread: running.thread().clone(), lingers_until, ahead })
    }

    /// Sees to it that whoever reads the tables from now on finds there what was committed before.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        if self.ahead.load(Ordering::Acquire) { self.reach_tables().await } else { Ok(()) }
    }

    /// Commits to the tables what there is, if only to see that it can be done.
    pub(crate) async fn reach_tables(&self) -> Result<(), Error> {
        self.write(|batch| batch.db().map(|_| ())).await
    }

    /// Runs `verb` in the next commit and answers when that is on disk.
    pub(crate) fn write<T, F>(&self, verb: F) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // Whoever asked may have gone; what was committed stays.
        let handed_in = self.write_then(verb, |committed| drop(reply.send(committed)));
        async move {
            handed_in.await;
            answer.await.map_err(|_| Error::Stopped)?
        }
    }

    /// Hands `verb` in for the next commit. What came of it is said when that is on disk, by the writer's thread.
    pub(crate) fn write_then<T, F, S>(&self, verb: F, say: S) -> impl Future<Output = ()> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
        S: FnOnce(Result<T, Error>) + Send + 'static,
    {
        // Boxed before the future is made: verbs hold whole events, which a future would be moved about with.
        self.hand_in(Box::new(Waiting { verb, result: None, say }))
    }

    async fn hand_in(&self, verb: Box<dyn Verb>) {
        match self.queue.send(Work::Verb(verb)).await {
            Ok(()) => self.wake_if_enough(),
            Err(mpsc::error::SendError(Work::Verb(verb))) => verb.settle(Err(Error::Stopped)),
            Err(mpsc::error::SendError(Work::Stop(_))) => {}
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
    lingers_until: Arc<AtomicUsize>,
}

impl Thread {
    fn run(mut self, mut work: mpsc::Receiver<Work>) {
        let mut group = Vec::with_capacity(GROUP);
        loop {
            let stop = gather(&mut work, &mut group);
            let verbs = group.len();
            if verbs > 0 {
                self.commit(&mut group);
            }
            self.committer.go_on();
            let ends = stop.is_some() || (work.is_closed() && work.is_empty());
            if verbs >= BUSY && !ends {
                self.linger(&work, verbs);
            }
            if self.committer.is_ahead() && (ends || nothing_comes(&work)) {
                self.committer.catch_up();
            }
            if ends {
                self.committer.close();
                if let Some(reply) = stop {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    /// Lets others run while they bring more, and until as many verbs wait as the last commit had.
    fn linger(&self, work: &mpsc::Receiver<Work>, verbs: usize) {
        for _ in 0..LINGERS {
            self.lingers_until.store(verbs, Ordering::SeqCst);
            let waiting = work.len();
            if waiting < verbs {
                std::thread::park_timeout(LINGER);
            }
            self.lingers_until.store(0, Ordering::Relaxed);
            if work.len() == waiting || work.len() >= verbs {
                return;
            }
        }
    }

    /// Commits a group. If it fails, each verb is tried alone, so that one that cannot succeed harms no other.
    fn commit(&mut self, group: &mut Vec<Box<dyn Verb>>) {
        let way = if group.len() >= BUSY || self.committer.is_ahead() { Way::Journal } else { Way::Tables };
        match self.committer.commit(group, way) {
            Ok(()) => group.drain(..).for_each(|verb| verb.settle(Ok(()))),
            Err(error) if group.len() == 1 => group.drain(..).for_each(|verb| verb.settle(Err(error.clone()))),
            Err(_) => {
                for verb in group.drain(..) {
                    let mut alone = [verb];
                    let committed = self.committer.commit(&mut alone, Way::Tables);
                    let [verb] = alone;
                    verb.settle(committed);
                }
            }
        }
    }
}

/// Whether nothing comes for a while.
fn nothing_comes(work: &mpsc::Receiver<Work>) -> bool {
    for _ in 0..RESTS {
        if !work.is_empty() {
            return false;
        }
        rest();
    }
    work.is_empty()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a turn for others, on the writer's own thread: nothing depends on its length"
)]
fn rest() {
    std::thread::sleep(REST);
}

/// Waits for work, then takes what else is there. `Some` when it is time to stop after this group.
fn gather(work: &mut mpsc::Receiver<Work>, group: &mut Vec<Box<dyn Verb>>) -> Option<oneshot::Sender<()>> {
    let mut next = work.blocking_recv();
    while let Some(item) = next {
        match item {
            Work::Verb(verb) => group.push(verb),
            Work::Stop(reply) => return Some(reply),
        }
        if group.len() == GROUP {
            break;
        }
        next = work.try_recv().ok();
    }
    None
}
