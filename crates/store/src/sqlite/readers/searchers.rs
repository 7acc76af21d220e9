//! Threads that search, each with a connection of its own. They give way to all others: a search may take long, and
//! accepting and delivering may not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::Error;
use crate::sqlite::connect;

type Search = Box<dyn FnOnce(&mut Connection) + Send>;

/// The threads end with their present search when this is dropped.
pub(super) struct Searchers {
    /// `None` when they are to end.
    searches: Option<Sender<Search>>,
    /// Submitted searches that have not ended.
    under_way: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Searchers {
    /// Starts the threads. Each calls `begin` first.
    pub(super) fn start(path: &Path, count: usize, name: &str, begin: fn()) -> Result<Self, Error> {
        let (searches, handed_in) = channel();
        let handed_in = Arc::new(Mutex::new(handed_in));
        let mut searchers =
            Self { searches: Some(searches), under_way: Arc::default(), threads: Vec::with_capacity(count) };
        for number in 0..count {
            let connection = connect::to_read(path)?;
            let (handed_in, under_way) = (handed_in.clone(), searchers.under_way.clone());
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            let thread = thread.spawn(move || {
                begin();
                work(connection, &handed_in, &under_way);
            });
            searchers.threads.push(thread.map_err(Error::files("a thread that searches"))?);
        }
        Ok(searchers)
    }

    /// True if a thread is free.
    pub(super) fn have_time(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) < self.threads.len()
    }

    /// Has `search` run by the next thread that is free.
    pub(super) fn run<T: Send + 'static>(
        &self,
        search: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        let search = move |connection: &mut Connection| {
            // The caller may have gone.
            let _ = reply.send(search(connection));
        };
        if let Some(searches) = &self.searches {
            self.under_way.fetch_add(1, Ordering::Relaxed);
            // The threads live as long as this does.
            let _ = searches.send(Box::new(search));
        }
        answer
    }
}

impl Drop for Searchers {
    fn drop(&mut self) {
        self.searches = None;
        for thread in self.threads.drain(..) {
            // A panic in a search is caught.
            let _ = thread.join();
        }
    }
}

fn work(mut connection: Connection, searches: &Mutex<Receiver<Search>>, under_way: &AtomicUsize) {
    loop {
        let next = searches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(search) = next else { return };
        // The panic hook logs a panic, the caller gets no answer, and the transaction is rolled back as it unwinds.
        let _ = catch_unwind(AssertUnwindSafe(|| search(&mut connection)));
        under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
