//! The writer: one thread that commits everything, in groups.
//!
//! While a commit is on its way to the disk, verbs queue up; the next commit takes them all. So the cost of a sync is
//! shared by all who wait for it, and nobody waits for more than the one under way and their own. Under load, groups of
//! verbs that need nothing from the tables are committed to the [journal](crate::sqlite::journal) and go into the
//! tables many at a time. Long work is done in slices, which stand [aside](super::aside) for everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use model::actor::Actor;
use model::id::ProjectId;
use tokio::sync::{mpsc, oneshot};

use super::committer::Committer;
use super::thread::Thread;
use super::txn::WriteTxn;
use super::verb::{Verb, Waiting, Work};
use crate::Error;
use crate::sqlite::lock::Lock;

/// Maximum verbs queued for the writer; later ones wait for a place.
const QUEUE: usize = 8192;

#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Work>,
    thread: std::thread::Thread,
    /// Number of waiting verbs until which the thread lingers; 0 if it does not.
    lingers_until: Arc<AtomicUsize>,
    /// True while something committed is in the journal and not in the tables.
    has_unflushed: Arc<AtomicBool>,
    /// True if others than slices were committed a moment ago, as far as slices wait.
    busy: Arc<AtomicBool>,
    /// True while several projects commit.
    company: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread. It holds the lock on the data directory until it has ended, because it is the last that
    /// writes there.
    pub(crate) fn start(committer: Committer, lock: Lock) -> Result<Self, Error> {
        let (queue, work) = mpsc::channel(QUEUE);
        let lingers_until = Arc::new(AtomicUsize::new(0));
        let thread = Thread::new(committer, lingers_until.clone(), lock);
        let (ahead, busy, company) = (thread.has_unflushed(), thread.busy(), thread.company());
        let running = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(work))
            .map_err(Error::files("the writer's thread"))?;
        Ok(Self { queue, thread: running.thread().clone(), lingers_until, has_unflushed: ahead, busy, company })
    }

    /// Resolves when the tables have all that was committed before the call. Commits go on meanwhile.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        if !self.has_unflushed.load(Ordering::Acquire) {
            return Ok(());
        }
        let (reply, reached) = oneshot::channel();
        self.hand_in(Work::Reach(reply)).await;
        reached.await.map_err(|_| Error::Stopped)?
    }

    /// Commits to the tables, if only to see that it can be done.
    pub(crate) async fn reach_tables(&self) -> Result<(), Error> {
        self.write(&Actor::System, None, |txn| txn.db().map(|_| ())).await
    }

    /// Runs `verb`, which is a project's or Posthaste's own, in the next commit. Returns its result once that is on
    /// disk.
    pub(crate) fn write<T, F>(
        &self,
        by: &Actor,
        of: Option<ProjectId>,
        verb: F,
    ) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask(by, of, verb, Work::Verb)
    }

    /// Runs a slice of long work in a commit that others wait for anyway. Returns its result once that is on disk.
    pub(crate) fn write_aside<T, F>(
        &self,
        by: &Actor,
        of: Option<ProjectId>,
        verb: F,
    ) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask(by, of, verb, Work::Aside)
    }

    fn ask<T, F>(
        &self,
        by: &Actor,
        of: Option<ProjectId>,
        verb: F,
        work: impl FnOnce(Box<dyn Verb>) -> Work,
    ) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // The caller may have gone; what was committed stays.
        let on_done = |committed| drop(reply.send(committed));
        let handed_in = self.hand_in(work(Box::new(Waiting { by: by.clone(), of, verb, result: None, on_done })));
        async move {
            handed_in.await;
            answer.await.map_err(|_| Error::Stopped)?
        }
    }

    /// Queues `verb` for the next commit. `on_done` gets its result once that is on disk, on the writer's thread.
    pub(crate) fn write_then<T, F, S>(
        &self,
        by: &Actor,
        of: Option<ProjectId>,
        verb: F,
        on_done: S,
    ) -> impl Future<Output = ()> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send + 'static,
        S: FnOnce(Result<T, Error>) + Send + 'static,
    {
        // Boxed before the future is made: verbs hold whole events, which would be moved about with the future.
        self.hand_in(Work::Verb(Box::new(Waiting { by: by.clone(), of, verb, result: None, on_done })))
    }

    async fn hand_in(&self, work: Work) {
        match self.queue.send(work).await {
            Ok(()) => self.wake_if_enough(),
            Err(mpsc::error::SendError(Work::Verb(verb) | Work::Aside(verb))) => verb.reply(Err(Error::Stopped)),
            // The dropped sender tells the caller.
            Err(mpsc::error::SendError(Work::Reach(_) | Work::Stop(_))) => {}
        }
    }

    /// Wakes the thread if it lingers and enough verbs wait.
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
