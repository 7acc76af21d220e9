//! The write transaction: a verb's view of the commit that it is part of.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use model::actor::Actor;
use model::delivery::Due;
use model::env::Env;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::map::Map;
use model::time::Timestamp;
use rusqlite::{Connection, ToSql};

use super::flush::MainConnection;
use crate::Error;
use crate::actor;
use crate::directory::Directory;
use crate::feed::{CommitNotice, FED, Recorded};
use crate::health::FailureStreak;
use crate::occurrences::Noted;
use crate::seal::Seal;
use crate::sqlite::fan_outs::queues::FanOuts;
use crate::sqlite::journal::Journal;
use crate::sqlite::journal::record::RecordKind;

/// A verb's view of a commit: the tables, the journal in front of them, and what will be published if it commits.
pub(crate) struct WriteTxn<'a> {
    pub(crate) tables: &'a MainConnection,
    pub(crate) reader: &'a Connection,
    pub(crate) journal: &'a mut Journal,
    /// True if the rows of this commit go straight into the tables.
    pub(crate) direct: bool,
    /// Time of this commit, by the clock: what is due by it is due for the engine too.
    pub(crate) now: Timestamp,
    /// Time of this commit as events carry it. Never goes back: events are numbered in its order.
    pub(crate) accepted_at: Timestamp,
    /// The actor of the verb that runs.
    pub(crate) by: Actor,
    pub(crate) env: &'a dyn Env,
    pub(crate) seal: &'a Seal,
    pub(crate) directory: Arc<Directory>,
    /// Endpoints' failure streaks, as far as they are known to this process, which alone changes them.
    pub(crate) failure_streaks: &'a mut Map<EndpointId, FailureStreak>,
    pub(crate) recorded: Vec<Recorded>,
    /// True if what is put into the outbox will be sent.
    pub(crate) is_mailing: bool,
    /// Something was put into the outbox.
    pub(crate) mailed: bool,
    /// Fan-outs as far as they are known to this process, which alone changes them.
    pub(crate) fan_outs: &'a mut FanOuts,
    /// There is something new to fan out.
    pub(crate) fanned_out: bool,
    /// Rows put by this commit.
    pub(crate) rows: usize,
    /// Maximum time of this commit before it goes to the disk; a slice in it has as much again.
    pub(crate) hold: Duration,
    pub(crate) notices: Vec<CommitNotice>,
    pub(crate) fed: usize,
    pub(crate) noted: &'a mut Noted,
    pub(crate) last_id: &'a mut Option<DeliveryId>,
    pub(crate) last_event: &'a mut i64,
}

impl<'a> WriteTxn<'a> {
    /// Makes `by` the actor of all that follows.
    pub(super) fn act_as(&mut self, by: &Actor) {
        actor::acts(by);
        self.by.clone_from(by);
    }

    /// The tables, in a transaction, with all that was put before. From here on this commit goes there.
    pub(crate) fn db(&mut self) -> Result<&'a Connection, Error> {
        if !self.direct {
            let connection = self.tables.wait_for_flush(self.journal);
            self.direct = true;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            self.journal.replay_all(connection)?;
        }
        Ok(self.tables.wait_for_flush(self.journal))
    }

    /// The tables as they are, for what never goes through the journal.
    pub(crate) fn tables(&self) -> &'a Connection {
        if self.direct { self.tables.connection().unwrap_or(self.reader) } else { self.reader }
    }

    /// The tables, with what was put under `name` before. Rows whose name was not given may be missing.
    pub(crate) fn db_with(&mut self, name: impl Hash) -> Result<&'a Connection, Error> {
        if self.journal.may_contain(name) { self.db() } else { Ok(self.tables()) }
    }

    /// Gives the row that was just put a name, by which [`Self::db_with`] finds it.
    pub(crate) fn give_name(&mut self, name: impl Hash) {
        if !self.direct {
            self.journal.remember(name);
        }
    }

    /// Puts a row there, through the journal if this commit goes there.
    pub(crate) fn put(&mut self, put: RecordKind, values: &[&dyn ToSql]) -> Result<(), Error> {
        self.rows += 1;
        if !self.direct {
            self.journal.put(put, values)?;
            if !self.journal.accepts() {
                self.db()?;
            }
            return Ok(());
        }
        let rows = self.db()?.prepare_cached(put.sql())?.execute(values)?;
        if rows == 0 && put.must_be_new() {
            return Err(rusqlite::Error::StatementChangedRows(rows).into());
        }
        Ok(())
    }

    /// The number of the event that is put next.
    pub(crate) fn next_event_number(&mut self) -> i64 {
        *self.last_event += 1;
        *self.last_event
    }

    /// An id that sorts after all before it, so that ids are in the order in which events were accepted.
    pub(crate) fn next_delivery_id(&mut self) -> DeliveryId {
        let id = DeliveryId::after(*self.last_id, self.env);
        *self.last_id = Some(id);
        id
    }

    pub(crate) fn directory_mut(&mut self) -> &mut Directory {
        Arc::make_mut(&mut self.directory)
    }

    /// Announces a delivery to the engine; after [`FED`] of them in this commit, only that there is something to look
    /// up.
    pub(crate) fn announce(&mut self, due: Due) {
        self.fed += 1;
        if self.fed <= FED {
            self.notices.push(CommitNotice::Due(due));
        } else {
            self.announce_work(due.endpoint, due.next_attempt_at);
        }
    }

    pub(crate) fn announce_work(&mut self, endpoint: EndpointId, at: Timestamp) {
        let known = matches!(self.notices.last(), Some(CommitNotice::Check { endpoint: last, at: earlier }) if *last == endpoint && *earlier <= at);
        if !known {
            self.notices.push(CommitNotice::Check { endpoint, at });
        }
    }

    /// Announces a change of every endpoint of the project: its requests are rendered differently from now on.
    pub(crate) fn announce_changes(&mut self, project: ProjectId) {
        let directory = self.directory.clone();
        directory.endpoints_of(project).iter().for_each(|endpoint| self.announce_change(endpoint.id));
    }

    pub(crate) fn announce_change(&mut self, endpoint: EndpointId) {
        self.notices.push(CommitNotice::Changed(endpoint));
    }
}
