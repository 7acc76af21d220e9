//! A pool of connections that only read. In WAL mode they never wait for the writer, nor it for them.
//!
//! Searches have readers of their own, which projects share ([`searchers`]); lookups of the engine and the jobs never
//! wait for those. A search runs where a core has nothing else to do, and is not starved: one that is not done soon
//! begins again on a thread that gets its part of the processor.

mod searchers;

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use model::id::ProjectId;
use rusqlite::Connection;
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{Semaphore, oneshot};

use self::searchers::Searchers;
use super::connect;
use crate::shares::Shares;
use crate::{Error, clock, priority};

/// Maximum searches at a time, and threads of either kind that run them.
const SEARCHES: usize = 4;

/// Maximum counts at a time, beside the searches. One may take long, and its project goes on searching meanwhile.
const COUNTS: usize = SEARCHES / 2;

/// Names of the threads of either kind.
const IDLE: &str = "search-idle";
const NICE: &str = "search-nice";

/// Maximum time of a search on a thread that runs only where a core is idle.
const GRACE: Duration = Duration::from_millis(100);

/// Readers for everything but searches.
const OTHERS: usize = 2;

/// Steps of SQLite's virtual machine between two checks whether a search is to end: some microseconds.
const STEPS: i32 = 1_000;

#[derive(Clone)]
pub(crate) struct Readers {
    searches: Shares,
    counts: Shares,
    /// Threads that run where a core is idle.
    idle: Arc<Searchers>,
    /// Threads that get their part of the processor, for searches that the idle ones have no time for.
    nice: Arc<Searchers>,
    free: Arc<Semaphore>,
    others: Arc<Pool>,
}

type Pool = Mutex<Vec<Connection>>;

impl Readers {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            searches: Shares::new(SEARCHES, searches_of_project()),
            counts: Shares::new(COUNTS, 1),
            idle: Arc::new(Searchers::start(path, SEARCHES, IDLE, priority::give_way)?),
            nice: Arc::new(Searchers::start(path, SEARCHES, NICE, priority::stand_back)?),
            free: Arc::new(Semaphore::new(OTHERS)),
            others: Arc::new(pool(path, OTHERS)?),
        })
    }

    /// Refuses new reads; those under way go on.
    pub(crate) fn close(&self) {
        self.free.close();
    }

    /// Runs `verb` on a connection of its own, off the runtime, against one snapshot of the database.
    pub(crate) async fn read<T, F>(&self, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let permit = self.free.clone().acquire_owned().await.map_err(|_| Error::Stopped)?;
        let lease = Lease::take(&self.others);
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            lease.run(verb)
        });
        reading.await.map_err(|_| Error::Stopped)?
    }

    /// The same for a search of a project: when it is the project's turn, and for at most `deadline`.
    pub(crate) async fn search<T, F>(&self, project: ProjectId, deadline: Duration, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.look_up(&self.searches, project, deadline, verb).await
    }

    /// The same for a count.
    pub(crate) async fn count<T, F>(&self, project: ProjectId, deadline: Duration, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.look_up(&self.counts, project, deadline, verb).await
    }

    async fn look_up<T, F>(&self, shares: &Shares, project: ProjectId, deadline: Duration, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Error> + Send + Sync + 'static,
    {
        if self.free.is_closed() {
            return Err(Error::Stopped);
        }
        let share = shares.take(project, 1).await?;
        let (verb, mut left) = (Arc::new(verb), deadline);
        if self.idle.have_time() {
            // Such a thread may get nothing of the processor for long. It does not hold the share, so that the
            // project's next search is not kept from a thread that gets some.
            let (_end, reading) = begin(&self.idle, verb.clone(), ());
            if let Some(read) = clock::within(GRACE.min(deadline), reading).await {
                return answer(read);
            }
            left = deadline.saturating_sub(GRACE);
        }
        let (end, mut reading) = begin(&self.nice, verb, share);
        answer(match clock::within(left, &mut reading).await {
            Some(read) => read,
            None => {
                end.set();
                reading.await
            }
        })
    }
}

/// Maximum searches of a project: half of the cores, so that the other half is there for accepting and delivering.
fn searches_of_project() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    (cores / 2).clamp(1, SEARCHES / 2)
}

type Reading<T> = oneshot::Receiver<Result<T, Error>>;

fn answer<T>(read: Result<Result<T, Error>, RecvError>) -> Result<T, Error> {
    read.map_err(|_| Error::Stopped)?.map_err(Error::of_search)
}

/// Has `verb` run by one of the threads, which keeps `held` until then. The search ends when the returned [`End`] is
/// set or dropped, so also when the caller leaves.
fn begin<T, F, H>(threads: &Searchers, verb: Arc<F>, held: H) -> (End, Reading<T>)
where
    T: Send + 'static,
    F: Fn(&Connection) -> Result<T, Error> + Send + Sync + 'static,
    H: Send + 'static,
{
    let end = End(Arc::default());
    let is_ended = end.0.clone();
    let reading = threads.run(move |connection| {
        let _held = held;
        in_snapshot(connection, |connection| {
            let is_ended = move || is_ended.load(Ordering::Relaxed);
            connection.progress_handler(STEPS, Some(is_ended))?;
            let result = verb(connection);
            // Otherwise the end of the snapshot could be interrupted as well.
            connection.progress_handler(0, None::<fn() -> bool>)?;
            result
        })
    });
    (end, reading)
}

/// Ends a search when it is set or dropped.
struct End(Arc<AtomicBool>);

impl End {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.set();
    }
}

fn pool(path: &Path, size: usize) -> Result<Pool, Error> {
    let connections = (0..size).map(|_| connect::to_read(path)).collect::<Result<_, Error>>()?;
    Ok(Mutex::new(connections))
}

/// Runs `verb` in one snapshot: all its queries see the same state.
fn in_snapshot<T>(connection: &mut Connection, verb: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
    let snapshot = connection.transaction()?;
    let result = verb(&snapshot)?;
    snapshot.finish()?;
    Ok(result)
}

/// A connection out of the pool; it goes back even when a verb panics.
struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
}

impl Lease {
    fn take(pool: &Arc<Pool>) -> Self {
        let connection = pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { pool: pool.clone(), connection }
    }

    fn run<T>(mut self, verb: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let connection = self.connection.as_mut().expect("there are as many connections as permits, and we hold one");
        in_snapshot(connection, verb)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn readers() -> (tempfile::TempDir, Readers) {
        let directory = tempfile::tempdir().unwrap();
        let readers = Readers::open(&directory.path().join("a.db")).unwrap();
        (directory, readers)
    }

    fn project(number: u8) -> ProjectId {
        ProjectId::from_bytes([number; 16])
    }

    /// Never ends on its own.
    fn endless(db: &Connection) -> Result<i64, Error> {
        let numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n";
        Ok(db.query_row(numbers, [], |row| row.get(0))?)
    }

    fn short(db: &Connection) -> Result<i64, Error> {
        Ok(db.query_row("SELECT 1", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_search_that_takes_too_long_is_ended_and_its_reader_serves_the_next() {
        let (_directory, readers) = readers();
        for _ in 0..2 * SEARCHES {
            let ended = readers.search(project(1), Duration::from_millis(5), endless).await;
            assert!(matches!(ended, Err(Error::TooSlow)), "{ended:?}");
            assert_eq!(readers.search(project(1), LONG, short).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn many_searches_of_one_project_leave_a_reader_to_another_and_to_the_engine() {
        let (_directory, readers) = readers();
        let mut searches = JoinSet::new();
        for _ in 0..32 {
            let readers = readers.clone();
            searches.spawn(async move { readers.search(project(1), LONG, endless).await });
        }
        // All of them run or wait for their turn.
        tokio::task::yield_now().await;
        assert_eq!(readers.search(project(2), LONG, short).await.unwrap(), 1);
        assert_eq!(readers.read(short).await.unwrap(), 1);
        // A caller that leaves ends its search.
        searches.shutdown().await;
        assert_eq!(readers.search(project(1), LONG, short).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_search_that_no_core_has_time_for_begins_anew_where_it_gets_some() {
        let (_directory, readers) = readers();
        let (go_on, told) = std::sync::mpsc::channel::<()>();
        let told = Mutex::new(told);
        let search = move |db: &Connection| {
            if thread::current().name().is_some_and(|name| name.starts_with(IDLE)) {
                // As if it got nothing of the processor.
                let _ = told.lock().unwrap().recv();
            }
            short(db)
        };
        // A thread that is kept waiting is released first when the test ends, whatever its result.
        let read = clock::within(LONG / 6, readers.search(project(1), LONG, search)).await;
        assert_eq!(read.expect("it begins anew").unwrap(), 1);
        drop(go_on);
    }

    #[tokio::test]
    async fn whoever_counts_for_long_goes_on_searching_and_so_do_others() {
        let (_directory, readers) = readers();
        let mut counts = JoinSet::new();
        for number in [1, 1, 1, 2, 3, 4] {
            let readers = readers.clone();
            counts.spawn(async move { readers.count(project(number), LONG, endless).await });
        }
        tokio::task::yield_now().await;
        for number in [1, 2, 3, 4] {
            assert_eq!(readers.search(project(number), LONG, short).await.unwrap(), 1);
        }
        counts.shutdown().await;
        assert_eq!(readers.count(project(1), LONG, short).await.unwrap(), 1);
    }
}
