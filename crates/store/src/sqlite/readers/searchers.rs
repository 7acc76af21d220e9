//! Threads that search, each with a connection of its own. They stand back for all others: a search may take long, and
//! accepting and delivering may not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{Error, priority};

type Search = Box<dyn FnOnce(&mut Connection) + Send>;

/// When it is dropped the threads end with what they are at.
pub(super) struct Searchers {
    /// `None` when they are to end.
    searches: Option<Sender<Search>>,
    threads: Vec<JoinHandle<()>>,
}

impl Searchers {
    pub(super) fn start(path: &Path, count: usize) -> Result<Self, Error> {
        let (searches, handed_in) = channel();
        let handed_in = Arc::new(Mutex::new(handed_in));
        let mut searchers = Self { searches: Some(searches), threads: Vec::with_capacity(count) };
        for number in 0..count {
            let connection = super::connect(path)?;
            let handed_in = handed_in.clone();
            let thread = thread::Builder::new().name(format!("store-search-{number}"));
            let thread = thread.spawn(move || work(connection, &handed_in));
            searchers.threads.push(thread.map_err(Error::files("a thread that searches"))?);
        }
        Ok(searchers)
    }

    /// Has `search` done by the next thread that is free.
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

fn work(mut connection: Connection, searches: &Mutex<Receiver<Search>>) {
    priority::stand_back();
    loop {
        let next = searches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(search) = next else { return };
        // The panic hook logs a panic, the caller gets no answer, and the transaction is rolled back as it unwinds.
        let _ = catch_unwind(AssertUnwindSafe(|| search(&mut connection)));
    }
}
