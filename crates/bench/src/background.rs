//! A thread that plays another machine beside a measurement, until it is stopped.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::{BenchError, thread};

/// Work over several connections. It ends when this is dropped.
pub(crate) struct Background {
    tally: Tally,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), BenchError>>>,
}

/// The outcomes so far. A clone shares them.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Counts>);

#[derive(Default)]
struct Counts {
    wanted: AtomicU64,
    others: AtomicU64,
    first_other: Mutex<Option<String>>,
}

impl Background {
    /// Starts `work` once per connection, each with its number. It never ends by itself, except with an error.
    pub(crate) fn start<F>(
        name: &str,
        connections: u32,
        work: impl Fn(u32, Tally) -> F + Send + 'static,
    ) -> Result<Self, BenchError>
    where
        F: Future<Output = Result<Infallible, BenchError>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let tally = Tally::default();
        let counted = tally.clone();
        let all = async move {
            let mut workers = JoinSet::new();
            for index in 0..connections {
                workers.spawn(work(index, counted.clone()));
            }
            tokio::select! {
                biased;
                Some(ended) = workers.join_next() => match ended? {
                    Ok(never) => match never {},
                    Err(failure) => Err(failure),
                },
                _ = stopped => Ok(()),
            }
        };
        let run = move || {
            thread::stand_back()?;
            thread::runtime()?.block_on(all)
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { tally, stop: Some(stop), thread: Some(thread) })
    }

    /// Ends it and reports its outcomes. It is a failure if it could not go on or had no wanted outcome: the
    /// measurement beside it was beside nothing.
    pub(crate) fn end(mut self) -> Result<String, BenchError> {
        self.join()?;
        self.tally.told()
    }

    fn join(&mut self) -> Result<(), BenchError> {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // A caller that wants its outcome has called `end`.
        let _ = self.join();
    }
}

impl Tally {
    /// Counts an outcome as wanted.
    pub(crate) fn wanted(&self) {
        self.0.wanted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts another outcome. The first is kept for the report.
    pub(crate) fn other(&self, what: impl FnOnce() -> String) {
        self.0.others.fetch_add(1, Ordering::Relaxed);
        let mut first = self.0.first_other.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(what);
    }

    fn told(&self) -> Result<String, BenchError> {
        let [wanted, others] = [&self.0.wanted, &self.0.others].map(|count| count.load(Ordering::Relaxed));
        let first = self.0.first_other.lock().unwrap_or_else(PoisonError::into_inner);
        let told = match &*first {
            Some(first) => format!("{wanted} times as it should be and {others} times otherwise, first: {first}"),
            None => format!("{wanted} times as it should be"),
        };
        if wanted == 0 { Err(told.into()) } else { Ok(told) }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn it_goes_on_until_it_is_told_to_end() {
        let (began, begun) = std::sync::mpsc::sync_channel(3);
        let background = Background::start("test", 3, move |index, tally| {
            let began = began.clone();
            async move {
                tally.wanted();
                tally.other(|| format!("number {index}"));
                let _ = began.send(());
                pending().await
            }
        })
        .expect("a thread");
        (0..3).for_each(|_| begun.recv().expect("each begins"));
        let told = background.end().expect("something came of it");
        assert_eq!(told, "3 times as it should be and 3 times otherwise, first: number 0");
    }

    #[test]
    fn what_cannot_go_on_is_a_failure_and_so_is_what_came_to_nothing() {
        let (ended, end) = std::sync::mpsc::sync_channel(1);
        let background = Background::start("test", 1, move |_, tally| {
            let ended = ended.clone();
            async move {
                tally.wanted();
                let _ = ended.send(());
                Err("the server is gone".into())
            }
        })
        .expect("a thread");
        end.recv().expect("it begins");
        assert_eq!(background.join_and_tell(), "the server is gone");
        let idle = Background::start("test", 1, |_, _| pending()).expect("a thread");
        assert_eq!(idle.join_and_tell(), "0 times as it should be");
    }

    impl Background {
        fn join_and_tell(self) -> String {
            self.end().expect_err("a failure").to_string()
        }
    }
}
