//! Commits a group of verbs, to the tables or to the journal in front of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::actor::Actor;
use model::env::Env;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::map::Map;
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;

use super::flush::{self, MainConnection};
use super::txn::WriteTxn;
use super::verb::Verb;
use crate::Error;
use crate::commit_sink::CommitSink;
use crate::health::FailureStreak;
use crate::occurrences::Noted;
use crate::seal::Seal;
use crate::slice::MAX_WRITER_HOLD;
use crate::sqlite::fan_outs;
use crate::sqlite::fan_outs::queues::FanOuts;
use crate::sqlite::journal::Journal;

/// Destination of a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitTarget {
    Tables,
    /// The journal, if the verbs need nothing of the tables.
    Journal,
}

/// Maximum rows in one commit. A verb that goes beyond them is the last in it.
const ROWS: usize = 2048;

/// Verbs that go to the journal between two checks of the clock.
const LOOK_AFTER: usize = 8;

/// Commits groups of verbs, and keeps what is known from one commit to the next.
pub(crate) struct Committer {
    tables: MainConnection,
    /// Reads what is in the tables, for lookups while the flush thread has the main connection.
    reader: Connection,
    journal: Journal,
    /// Something is committed that is not in the tables.
    has_unflushed: Arc<AtomicBool>,
    seal: Arc<Seal>,
    env: Arc<dyn Env>,
    published: CommitSink,
    failure_streaks: Map<EndpointId, FailureStreak>,
    /// Occurrences that are in the tables or the journal.
    noted: Noted,
    fan_outs: FanOuts,
    last_id: Option<DeliveryId>,
    last_event: i64,
    accepted_at: Timestamp,
    /// Readers that wait for the tables, each with the number of segments that must be there.
    reaches: Vec<(u64, oneshot::Sender<Result<(), Error>>)>,
}

impl Committer {
    pub(crate) fn new(
        tables: MainConnection,
        reader: Connection,
        journal: Journal,
        seal: Arc<Seal>,
        env: Arc<dyn Env>,
        published: CommitSink,
    ) -> Result<Self, Error> {
        let last_id = newest_delivery(&reader)?;
        let fan_outs = fan_outs::read(&reader)?;
        let (last_event, accepted_at) = newest_event(&reader)?.unwrap_or_else(|| (0, env.now()));
        Ok(Self {
            tables,
            reader,
            journal,
            has_unflushed: Arc::default(),
            seal,
            env,
            published,
            failure_streaks: Map::default(),
            noted: Noted::default(),
            fan_outs,
            last_id,
            last_event,
            accepted_at,
            reaches: Vec::new(),
        })
    }

    /// A shared flag for readers of the tables: true while something is committed that is not there yet.
    pub(crate) fn has_unflushed(&self) -> Arc<AtomicBool> {
        self.has_unflushed.clone()
    }

    pub(crate) fn is_unflushed(&self) -> bool {
        !self.journal.is_empty()
    }

    /// True if the tables have all that is committed, and the main connection is here.
    pub(crate) fn is_level(&mut self) -> bool {
        !self.is_unflushed() && self.is_calm()
    }

    /// Runs the verbs and commits what they did: it is on disk, and published, when this returns. If it fails nothing
    /// of it has happened. Returns the number of verbs until the commit had as much as one may have.
    pub(crate) fn commit(
        &mut self,
        group: &mut [Box<dyn Verb>],
        target: CommitTarget,
        hold: Duration,
    ) -> Result<usize, Error> {
        let began = self.env.elapsed();
        let now = self.env.now();
        self.accepted_at = self.accepted_at.max(now);
        let before = self.published.directory.load_full();
        self.journal.begin();
        let mut txn = WriteTxn {
            tables: &self.tables,
            reader: &self.reader,
            journal: &mut self.journal,
            direct: false,
            now,
            accepted_at: self.accepted_at,
            by: Actor::System,
            env: &*self.env,
            seal: &self.seal,
            directory: before.clone(),
            failure_streaks: &mut self.failure_streaks,
            fan_outs: &mut self.fan_outs,
            fanned_out: false,
            rows: 0,
            hold,
            recorded: Vec::new(),
            is_mailing: self.published.outbox.is_some(),
            mailed: false,
            notices: Vec::new(),
            fed: 0,
            noted: &mut self.noted,
            last_id: &mut self.last_id,
            last_event: &mut self.last_event,
        };
        let committed = txn.commit(group, target, began);
        let WriteTxn { directory, notices, recorded, mailed, fanned_out, rows, .. } = txn;
        let Ok(verbs) = committed else {
            // The streaks of a transaction that is undone must be read again, and what was noted in it is not stored.
            self.failure_streaks.clear();
            self.noted.clear();
            self.fan_outs.forget();
            return committed;
        };
        // Before any caller is answered.
        self.has_unflushed.store(self.is_unflushed(), Ordering::Release);
        if !Arc::ptr_eq(&before, &directory) {
            self.published.directory.store(directory);
        }
        self.published.notices(notices);
        if mailed {
            self.published.mailed();
        }
        if fanned_out {
            self.published.fan_outs.notify_one();
        }
        self.published.recorded(recorded);
        self.published.holds.record(self.env.elapsed().saturating_sub(began), verbs, rows);
        Ok(verbs)
    }

    /// True if the main connection is here, and not with the flush thread.
    pub(crate) fn is_calm(&mut self) -> bool {
        self.tables.poll_flush(&mut self.journal);
        self.tell_reached();
        self.has_unflushed.store(self.is_unflushed(), Ordering::Release);
        self.tables.connection().is_some()
    }

    /// Answers a reader as soon as all that is committed by now is in the tables.
    pub(crate) fn reach(&mut self, reply: oneshot::Sender<Result<(), Error>>) {
        self.reaches.push((self.journal.to_be_applied(), reply));
        self.tell_reached();
    }

    pub(crate) fn is_waited_for(&self) -> bool {
        !self.reaches.is_empty()
    }

    fn tell_reached(&mut self) {
        let taken_in = self.journal.applied();
        for (_, reply) in self.reaches.extract_if(.., |(needed, _)| *needed <= taken_in) {
            // The reader may have gone.
            let _ = reply.send(Ok(()));
        }
    }

    /// True if a slice may be put: earlier rows are in the tables, or soon will be.
    pub(crate) fn has_room(&mut self) -> bool {
        self.is_calm() || self.journal.has_room()
    }

    /// True if every project may put more.
    pub(crate) fn has_room_for_all(&self) -> bool {
        self.journal.has_room_for_all()
    }

    /// True if this project may put more: otherwise it has its share of the journal.
    pub(crate) fn has_room_for(&self, of: Option<ProjectId>) -> bool {
        self.journal.has_room_for(of)
    }

    /// Has the current segment flushed while others go on, if it is large. False if it is small, or if the last flush
    /// failed: then the writer itself flushes.
    pub(crate) fn start_flush_if_worth_it(&mut self) -> bool {
        let goes = self.is_calm() && self.journal.is_worth_a_flush() && !self.journal.flush_failed();
        if goes {
            self.tables.start_flush(&mut self.journal);
        }
        goes
    }

    /// Does what is due after a group: has a full segment flushed, answers readers, ends a checkpoint.
    pub(crate) fn maintain(&mut self) {
        self.tables.poll_flush(&mut self.journal);
        if self.journal.is_at_limit() {
            self.tables.wait_for_flush(&mut self.journal);
        }
        self.tell_reached();
        if self.journal.flush_failed() || (self.is_waited_for() && self.journal.has_failed()) {
            self.flush();
        } else if self.journal.is_full() || self.is_waited_for() {
            self.tables.start_flush(&mut self.journal);
        }
        self.tables.end_checkpoint_if_due();
    }

    /// Closes the journal and ends the threads of the tables.
    pub(crate) fn close(mut self) {
        let db = self.tables.wait_for_flush(&mut self.journal);
        if let Err(error) = self.journal.close(db) {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "journal not closed; the next start examines it as after a crash");
        }
        self.tables.close();
    }

    /// Commits to the tables what is in the journal. If that fails it is safe there, and once the journal is full every
    /// commit tries again.
    pub(crate) fn flush(&mut self) {
        if let Err(error) = self.commit(&mut [], CommitTarget::Tables, MAX_WRITER_HOLD) {
            flush::complain(&error);
            for (_, reply) in self.reaches.drain(..) {
                let _ = reply.send(Err(error.clone()));
            }
        }
        self.tell_reached();
    }
}

impl WriteTxn<'_> {
    fn commit(&mut self, group: &mut [Box<dyn Verb>], target: CommitTarget, began: Duration) -> Result<usize, Error> {
        let ran = self.run(group, target, began);
        if ran.is_err()
            && self.direct
            && let Some(connection) = self.tables.connection()
        {
            undo(connection);
        }
        ran
    }

    fn run(&mut self, group: &mut [Box<dyn Verb>], target: CommitTarget, began: Duration) -> Result<usize, Error> {
        if target == CommitTarget::Tables {
            self.db()?;
        }
        let mut verbs = 0;
        for verb in group {
            if verbs > 0 && (self.has_enough() || (self.is_to_look(verbs) && self.has_held_since(began))) {
                break;
            }
            let before = self.journal.under_way();
            self.act_as(verb.by());
            verb.run(self)?;
            if !self.direct {
                self.journal.note(verb.of(), self.journal.under_way() - before);
            }
            verbs += 1;
        }
        if !self.direct {
            return self.journal.write().map(|()| verbs);
        }
        let connection = self.tables.wait_for_flush(self.journal);
        self.journal.mark_applied(connection)?;
        connection.execute_batch("COMMIT")?;
        self.journal.reset();
        Ok(verbs)
    }

    fn has_enough(&self) -> bool {
        self.rows >= ROWS || (!self.direct && self.journal.has_enough())
    }

    /// True if the clock is to be checked before the next verb: verbs that go to the journal are so short that a check
    /// for each would be felt.
    fn is_to_look(&self, verbs: usize) -> bool {
        self.direct || verbs.is_multiple_of(LOOK_AFTER)
    }

    fn has_held_since(&self, began: Duration) -> bool {
        self.env.elapsed().saturating_sub(began) >= self.hold
    }
}

/// Rolls back the transaction that is open.
fn undo(db: &Connection) {
    // SQLite may have rolled it back on its own.
    if !db.is_autocommit()
        && let Err(error) = db.execute_batch("ROLLBACK")
    {
        tracing::error!(error = &error as &dyn std::error::Error, "transaction not rolled back");
    }
}

fn newest_delivery(db: &Connection) -> Result<Option<DeliveryId>, Error> {
    let newest = db.query_row("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(newest.map(DeliveryId::from_bytes))
}

fn newest_event(db: &Connection) -> Result<Option<(i64, Timestamp)>, Error> {
    let newest = db
        .query_row("SELECT seq, created_at FROM events ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?)))
        })
        .optional()?;
    Ok(newest)
}
