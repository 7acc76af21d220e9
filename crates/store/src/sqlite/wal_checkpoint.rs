//! Checkpoints: the write-ahead log is copied into the database's file, beside the writer.
//!
//! SQLite would do it at the end of some commit, all at once, and callers of the writer would wait for that too. Here a
//! thread with a connection of its own copies most of it. The little that was committed meanwhile is copied while
//! nothing else is committed to the tables, by the thread that has the main connection, and then the log begins anew.

use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::connect;
use crate::Error;

/// Thresholds for copying, in pages of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// New pages that are worth a copy. The same pages are written again and again, and copied once: 64 MB of the log
    /// are some 15 MB of the file where there are a thousand endpoints.
    pub(crate) worth: u32,
    /// Maximum pages left to the end of a checkpoint.
    pub(crate) little: u32,
    /// Pages at which the writer waits: the log is bounded.
    pub(crate) most: u32,
}

pub(crate) const SIZES: Sizes = Sizes { worth: 8000, little: 400, most: 32_000 };

thread_local! {
    /// Pages in the log after the last commit of this thread, until it is asked for.
    static LOG: Cell<Option<u32>> = const { Cell::new(None) };
}

pub(crate) struct Checkpoints {
    sizes: Sizes,
    /// Asks the thread to copy the log.
    ask: Sender<()>,
    /// The thread's answers: pages of the log that are in the database's file.
    answers: Receiver<u32>,
    thread: JoinHandle<()>,
    under_way: bool,
    /// Pages in the log.
    log: u32,
    /// Pages of the log that are in the database's file, or could not be copied there.
    copied: u32,
}

impl Checkpoints {
    /// Checkpoints of the database at `path`. `writer` reports the size of the log from here on, to the thread that it
    /// commits on.
    pub(crate) fn of(writer: &Connection, path: &Path, sizes: Sizes) -> Result<Self, Error> {
        writer.pragma_update(None, "wal_autocheckpoint", 0)?;
        writer.wal_hook(Some(|_, pages| {
            LOG.set(Some(u32::try_from(pages).unwrap_or(u32::MAX)));
            Ok(())
        }));
        let connection = connect::connect(path)?;
        let (ask, asked) = channel();
        let (answer, answers) = channel();
        let copy = move || {
            while asked.recv().is_ok() && answer.send(copy(&connection)).is_ok() {}
        };
        let thread = std::thread::Builder::new()
            .name("store-checkpoints".to_owned())
            .spawn(copy)
            .map_err(Error::files("the checkpoints' thread"))?;
        Ok(Self { sizes, ask, answers, thread, under_way: false, log: 0, copied: 0 })
    }

    /// Checks after a commit, on its thread, whether there is something to do. True if the rest of the log is to be
    /// copied, by [`Self::end`].
    pub(crate) fn step(&mut self) -> bool {
        self.log = LOG.take().unwrap_or(self.log);
        let log = self.log;
        if log < self.copied {
            self.copied = 0; // it began anew
        }
        if !self.under_way {
            if log - self.copied >= self.sizes.worth {
                self.begin();
            }
            return false;
        }
        if log >= self.sizes.most {
            return true;
        }
        let Ok(copied) = self.answers.try_recv() else { return false };
        self.under_way = false;
        let progress = copied > self.copied;
        self.copied = copied.min(log);
        if log - self.copied <= self.sizes.little {
            return true;
        }
        if progress {
            // Not if nothing could be copied: somebody reads an older state of the database.
            self.begin();
        }
        false
    }

    /// Copies the rest of the log, with the connection that commits, and waits until the database's file has all of it.
    pub(crate) fn end(&mut self, writer: &Connection) {
        if self.under_way {
            // The log is full. The result of the thread does not matter, only that it is at an end.
            let _ = self.answers.recv();
            self.under_way = false;
        }
        self.copied = copy(writer).min(self.log);
    }

    fn begin(&mut self) {
        self.under_way = self.ask.send(()).is_ok();
    }

    /// Ends the thread, after its present copy.
    pub(crate) fn close(self) {
        drop(self.ask);
        // If it panicked, the panic hook has logged it.
        let _ = self.thread.join();
    }
}

/// Copies the pages of which nobody reads an older state. Returns the part of the log that is in the database's file
/// now, or all of it if that failed: it is tried again when there is more.
fn copy(connection: &Connection) -> u32 {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2));
    copied.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "write-ahead log not copied into the database's file; it grows meanwhile");
        u32::MAX
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;

    const SIZES: Sizes = Sizes { worth: 64, little: 8, most: 512 };
    const PAGE: u64 = 4096;

    #[test]
    fn the_log_stays_small_however_much_is_committed() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("a.db");
        let writer = connect::connect(&path).unwrap();
        writer.execute("CREATE TABLE pages (bytes BLOB)", []).unwrap();
        let mut checkpoints = Checkpoints::of(&writer, &path, SIZES).unwrap();

        for _ in 0..5000 {
            writer.execute("INSERT INTO pages VALUES (?)", params![[7u8; 4000]]).unwrap();
            if checkpoints.step() {
                checkpoints.end(&writer);
            }
        }

        let log = std::fs::metadata(directory.path().join("a.db-wal")).unwrap().len();
        assert!(log < 2 * u64::from(SIZES.most) * PAGE, "the log has {log} bytes");
        checkpoints.close();
    }
}
