//! The main connection to the tables, and the thread that brings segments of the journal there while the writer goes
//! on.
//!
//! The connection is in one place at a time: with the writer, or with the flush thread and a segment.

use std::cell::OnceCell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::Error;
use crate::sqlite::journal::segment::Segment;
use crate::sqlite::journal::{self, Journal};
use crate::sqlite::wal_checkpoint::Checkpoints;

/// The main connection, with the checkpoints that go where it goes.
struct OpenConnection {
    connection: Connection,
    checkpoints: Checkpoints,
}

/// The main connection on its way to the flush thread, with a segment to apply or a checkpoint to end; and on its way
/// back with the result.
struct FlushJob {
    tables: OpenConnection,
    segment: Option<Segment>,
    result: Result<(), Error>,
}

pub(crate) struct MainConnection {
    /// Empty while the flush thread has the connection.
    present: OnceCell<OpenConnection>,
    jobs: Sender<FlushJob>,
    finished: Receiver<FlushJob>,
    thread: JoinHandle<()>,
}

impl MainConnection {
    pub(crate) fn new(connection: Connection, checkpoints: Checkpoints) -> Result<Self, Error> {
        let (lend, lent) = channel::<FlushJob>();
        let (give_back, back) = channel();
        let run = move || {
            for mut errand in lent {
                errand.run();
                if give_back.send(errand).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("store-tables".to_owned())
            .spawn(run)
            .map_err(Error::files("the tables' thread"))?;
        Ok(Self {
            present: OnceCell::from(OpenConnection { connection, checkpoints }),
            jobs: lend,
            finished: back,
            thread,
        })
    }

    /// The connection, if it is here.
    pub(crate) fn connection(&self) -> Option<&Connection> {
        self.present.get().map(|open| &open.connection)
    }

    /// The connection, as soon as it is here: waits for the flush under way.
    pub(crate) fn wait_for_flush(&self, journal: &mut Journal) -> &Connection {
        let come_back = || {
            let errand = self.finished.recv().expect("the tables' thread gives back what it was lent");
            errand.end(journal)
        };
        &self.present.get_or_init(come_back).connection
    }

    /// Takes the connection back if the flush thread is ready.
    pub(crate) fn poll_flush(&mut self, journal: &mut Journal) {
        if let Ok(errand) = self.finished.try_recv() {
            self.present = OnceCell::from(errand.end(journal));
        }
    }

    /// Has the journal's current segment flushed, if the connection is here.
    pub(crate) fn start_flush(&mut self, journal: &mut Journal) {
        let Some(tables) = self.present.take() else { return };
        match journal.seal_segment() {
            Some(segment) => self.send(tables, Some(segment)),
            None => self.present = OnceCell::from(tables),
        }
    }

    fn send(&self, tables: OpenConnection, segment: Option<Segment>) {
        // A thread that has panicked makes the next wait for it panic as well.
        drop(self.jobs.send(FlushJob { tables, segment, result: Ok(()) }));
    }

    /// Ends a checkpoint after a commit, if the write-ahead log has been copied. That waits for the disk, so the flush
    /// thread does it.
    pub(crate) fn end_checkpoint_if_due(&mut self) {
        if self.present.get_mut().is_some_and(OpenConnection::has_copied)
            && let Some(tables) = self.present.take()
        {
            self.send(tables, None);
        }
    }

    pub(crate) fn close(self) {
        if let Some(open) = self.present.into_inner() {
            open.checkpoints.close();
        }
        drop(self.jobs);
        // If it panicked, the panic hook has logged it.
        let _ = self.thread.join();
    }
}

impl FlushJob {
    fn run(&mut self) {
        if let Some(segment) = &mut self.segment {
            self.result = journal::apply(&self.tables.connection, segment);
            if self.result.is_err() {
                return;
            }
            segment.reset(0, 0);
            if !self.tables.has_copied() {
                return;
            }
        }
        self.tables.checkpoints.end(&self.tables.connection);
    }

    fn end(self, journal: &mut Journal) -> OpenConnection {
        if let Err(error) = &self.result {
            complain(error);
        }
        if let Some(segment) = self.segment {
            journal.return_segment(segment);
        }
        self.tables
    }
}

impl OpenConnection {
    /// True if the log was copied and the checkpoint is to be ended.
    fn has_copied(&mut self) -> bool {
        self.connection.is_autocommit() && self.checkpoints.step()
    }
}

pub(crate) fn complain(error: &Error) {
    tracing::warn!(error = error as &dyn std::error::Error, "flush failed; what was committed stays in the journal");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::journal::tests::{Place, keys, write_key};
    use crate::sqlite::open::Database;
    use crate::sqlite::wal_checkpoint::SIZES;

    #[test]
    fn a_filling_stays_in_the_journal_while_the_tables_are_away() {
        let place = Place::new();
        let mut journal = place.journal();
        let Place { directory, db, .. } = place;
        let checkpoints = Checkpoints::of(&db, &directory.path().join(Database::FILE), SIZES).unwrap();
        let mut tables = MainConnection::new(db, checkpoints).unwrap();
        write_key(&mut journal, "a");

        let away = tables.present.take().unwrap();
        tables.start_flush(&mut journal);
        tables.present = OnceCell::from(away);

        let db = tables.connection().unwrap();
        journal.replay_all(db).unwrap();
        assert_eq!(keys(db), 1);
        tables.close();
    }

    #[test]
    fn what_cannot_be_brought_there_stays_in_the_journal_until_it_can() {
        let place = Place::new();
        let mut journal = place.journal();
        let Place { directory, db, .. } = place;
        let checkpoints = Checkpoints::of(&db, &directory.path().join(Database::FILE), SIZES).unwrap();
        let mut tables = MainConnection::new(db, checkpoints).unwrap();
        write_key(&mut journal, "a");
        tables.connection().unwrap().pragma_update(None, "query_only", true).unwrap();

        tables.start_flush(&mut journal);
        let db = tables.wait_for_flush(&mut journal);

        assert!(journal.flush_failed() && !journal.is_empty());
        assert_eq!(keys(db), 0);
        db.pragma_update(None, "query_only", false).unwrap();
        journal.replay_all(db).unwrap();
        assert_eq!(keys(db), 1);
        tables.close();
    }
}
