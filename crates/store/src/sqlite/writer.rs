//! The writer: one thread that commits everything, in groups.
//!
//! While a commit is on its way to the disk, verbs queue up; the next commit takes them all. So the cost of a sync is
//! shared by all who wait for it, and nobody waits for more than the one under way and their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::delivery::Due;
use model::env::Env;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::checkpoints::Checkpoints;
use crate::Error;
use crate::directory::Directory;
use crate::feed::{FED, Fact, Recorded};
use crate::health::Run;
use crate::published::Published;
use crate::seal::Seal;

/// Verbs that may wait for the writer; whoever comes later waits outside.
const QUEUE: usize = 8192;

/// Verbs in one commit.
const GROUP: usize = 1024;

/// After a commit of so many verbs there are more on their way: whoever was answered asks for the next thing.
const BUSY: usize = 8;

/// So long, and so often, the writer lets them come before it looks again. A commit costs as much for ten verbs as for a
/// hundred, and the processor has other work meanwhile.
const LINGER: Duration = Duration::from_micros(200);
const LINGERS: usize = 3;

/// What a verb works with: an open transaction, and what will be published if it commits.
pub(crate) struct Batch<'a> {
    pub(crate) db: &'a Connection,
    /// The time of this commit, by the clock: what is due by it is due for the engine too.
    pub(crate) now: Timestamp,
    /// The time of this commit as events carry it. Never goes back: events are numbered in its order.
    pub(crate) accepted_at: Timestamp,
    pub(crate) env: &'a dyn Env,
    pub(crate) seal: &'a Seal,
    pub(crate) directory: Arc<Directory>,
    /// Endpoints' runs of failures, as far as they are known to this process, which alone changes them.
    pub(crate) runs: &'a mut HashMap<EndpointId, Run>,
    pub(crate) recorded: Vec<Recorded>,
    /// Whether what is put into the outbox will be sent.
    pub(crate) mailing: bool,
    /// Something was put into the outbox.
    pub(crate) mailed: bool,
    facts: Vec<Fact>,
    fed: usize,
    last_id: &'a mut Option<DeliveryId>,
}

impl Batch<'_> {
    /// An id that sorts after all before it, so that ids are the order in which events were accepted.
    pub(crate) fn next_delivery_id(&mut self) -> DeliveryId {
        let id = DeliveryId::after(*self.last_id, self.env);
        *self.last_id = Some(id);
        id
    }

    pub(crate) fn directory_mut(&mut self) -> &mut Directory {
        Arc::make_mut(&mut self.directory)
    }

    /// Announces a delivery to the engine, or that there is something to look up when this commit has many.
    pub(crate) fn announce(&mut self, due: Due) {
        self.fed += 1;
        if self.fed <= FED {
            self.facts.push(Fact::Due(due));
        } else {
            self.announce_work(due.endpoint, due.next_attempt_at);
        }
    }

    pub(crate) fn announce_work(&mut self, endpoint: EndpointId, at: Timestamp) {
        let known = matches!(self.facts.last(), Some(Fact::Look { endpoint: last, at: earlier }) if *last == endpoint && *earlier <= at);
        if !known {
            self.facts.push(Fact::Look { endpoint, at });
        }
    }

    /// Every endpoint of the project is spoken to differently from now on.
    pub(crate) fn announce_changes(&mut self, project: ProjectId) {
        let directory = self.directory.clone();
        directory.endpoints_of(project).iter().for_each(|endpoint| self.announce_change(endpoint.id));
    }

    pub(crate) fn announce_change(&mut self, endpoint: EndpointId) {
        self.facts.push(Fact::Changed(endpoint));
    }
}

#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Work>,
}

enum Work {
    Verb(Box<dyn Verb>),
    Stop(oneshot::Sender<()>),
}

/// A verb and the task that waits for it. May run more than once, if a commit it was part of failed.
trait Verb: Send {
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Error>;
    fn settle(self: Box<Self>, committed: Result<(), Error>);
}

struct Waiting<T, F> {
    verb: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Verb for Waiting<T, F>
where
    T: Send,
    F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send,
{
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Error> {
        self.result = Some((self.verb)(batch)?);
        Ok(())
    }

    fn settle(self: Box<Self>, committed: Result<(), Error>) {
        let Self { result, reply, .. } = *self;
        // Whoever asked may have gone; what was committed stays.
        let _ = reply.send(committed.and_then(|()| result.ok_or(Error::Stopped)));
    }
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        checkpoints: Checkpoints,
        seal: Arc<Seal>,
        env: Arc<dyn Env>,
        published: Published,
    ) -> Result<Self, Error> {
        let (queue, work) = mpsc::channel(QUEUE);
        let last_id = newest_delivery(&connection)?;
        let accepted_at = newest_event(&connection)?.unwrap_or_else(|| env.now());
        let thread =
            Thread { connection, checkpoints, seal, env, published, runs: HashMap::new(), last_id, accepted_at };
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(work))
            .map_err(Error::files("the writer's thread"))?;
        Ok(Self { queue })
    }

    /// Runs `verb` in the next commit and answers when that is on disk.
    pub(crate) async fn write<T, F>(&self, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let waiting = Work::Verb(Box::new(Waiting { verb, result: None, reply }));
        self.queue.send(waiting).await.map_err(|_| Error::Stopped)?;
        answer.await.map_err(|_| Error::Stopped)?
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

fn newest_delivery(db: &Connection) -> Result<Option<DeliveryId>, Error> {
    let newest = db.query_row("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(newest.map(DeliveryId::from_bytes))
}

fn newest_event(db: &Connection) -> Result<Option<Timestamp>, Error> {
    let newest =
        db.query_row("SELECT created_at FROM events ORDER BY seq DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(newest.map(Timestamp::from_millis))
}

struct Thread {
    connection: Connection,
    checkpoints: Checkpoints,
    seal: Arc<Seal>,
    env: Arc<dyn Env>,
    published: Published,
    runs: HashMap<EndpointId, Run>,
    last_id: Option<DeliveryId>,
    accepted_at: Timestamp,
}

impl Thread {
    fn run(mut self, mut work: mpsc::Receiver<Work>) {
        let mut group = Vec::with_capacity(GROUP);
        loop {
            let stop = gather(&mut work, &mut group);
            let verbs = group.len();
            if verbs > 0 {
                self.commit_group(&mut group);
                self.checkpoints.go_on(&self.connection);
            }
            if let Some(reply) = stop {
                self.checkpoints.close();
                drop(self.connection);
                let _ = reply.send(());
                return;
            }
            if work.is_closed() && work.is_empty() {
                return;
            }
            if verbs >= BUSY {
                linger(&work, verbs);
            }
        }
    }

    /// Commits a group. If it fails, each verb is tried alone, so that one that cannot succeed harms no other.
    fn commit_group(&mut self, group: &mut Vec<Box<dyn Verb>>) {
        match self.commit(group) {
            Ok(()) => group.drain(..).for_each(|verb| verb.settle(Ok(()))),
            Err(error) if group.len() == 1 => group.drain(..).for_each(|verb| verb.settle(Err(error.clone()))),
            Err(_) => {
                for verb in group.drain(..) {
                    let mut alone = [verb];
                    let committed = self.commit(&mut alone);
                    let [verb] = alone;
                    verb.settle(committed);
                }
            }
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Verb>]) -> Result<(), Error> {
        let now = self.env.now();
        self.accepted_at = self.accepted_at.max(now);
        let before = self.published.directory.load_full();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch {
            db: &transaction,
            now,
            accepted_at: self.accepted_at,
            env: &*self.env,
            seal: &self.seal,
            directory: before.clone(),
            runs: &mut self.runs,
            recorded: Vec::new(),
            mailing: self.published.mails.is_some(),
            mailed: false,
            facts: Vec::new(),
            fed: 0,
            last_id: &mut self.last_id,
        };
        let ran = group.iter_mut().try_for_each(|verb| verb.run(&mut batch));
        let Batch { directory, facts, recorded, mailed, .. } = batch;
        let committed = ran.and_then(|()| transaction.commit().map_err(Error::from));
        if committed.is_err() {
            // What was counted in a transaction that is undone must be read again.
            self.runs.clear();
            return committed;
        }
        if !Arc::ptr_eq(&before, &directory) {
            self.published.directory.store(directory);
        }
        self.published.facts(facts);
        if mailed {
            self.published.mailed();
        }
        self.published.recorded(recorded);
        Ok(())
    }
}

/// Lets others run while they bring more, and until as many verbs wait as the last commit had.
#[expect(
    clippy::disallowed_methods,
    reason = "a turn for others, on the writer's own thread: nothing depends on its length"
)]
fn linger(work: &mpsc::Receiver<Work>, verbs: usize) {
    for _ in 0..LINGERS {
        let waiting = work.len();
        if waiting >= verbs {
            return;
        }
        std::thread::sleep(LINGER);
        if work.len() == waiting {
            return;
        }
    }
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
