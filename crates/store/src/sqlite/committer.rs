//! Commits: of a group of verbs, to the tables or to the journal in front of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::env::Env;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::batch::Batch;
use super::journal::Journal;
use super::writer::Verb;
use crate::Error;
use crate::health::Run;
use crate::published::Published;
use crate::seal::Seal;

/// Where a commit goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Tables,
    /// If it needs nothing of the tables.
    Journal,
}

/// The one that commits.
pub(crate) struct Committer {
    connection: Connection,
    journal: Journal,
    /// Something is committed that is not in the tables.
    ahead: Arc<AtomicBool>,
    seal: Arc<Seal>,
    env: Arc<dyn Env>,
    published: Published,
    runs: HashMap<EndpointId, Run>,
    last_id: Option<DeliveryId>,
    last_event: i64,
    accepted_at: Timestamp,
}

impl Committer {
    pub(crate) fn new(
        connection: Connection,
        journal: Journal,
        seal: Arc<Seal>,
        env: Arc<dyn Env>,
        published: Published,
    ) -> Result<Self, Error> {
        let last_id = newest_delivery(&connection)?;
        let (last_event, accepted_at) = newest_event(&connection)?.unwrap_or_else(|| (0, env.now()));
        Ok(Self {
            connection,
            journal,
            ahead: Arc::default(),
            seal,
            env,
            published,
            runs: HashMap::new(),
            last_id,
            last_event,
            accepted_at,
        })
    }

    /// Tells whoever reads the tables whether something is committed that is not there yet.
    pub(crate) fn ahead(&self) -> Arc<AtomicBool> {
        self.ahead.clone()
    }

    pub(crate) fn is_ahead(&self) -> bool {
        !self.journal.is_empty()
    }

    /// The connection, while no transaction is open on it.
    pub(crate) fn at_rest(&self) -> Option<&Connection> {
        self.connection.is_autocommit().then_some(&self.connection)
    }

    /// Runs the verbs and commits what they did: it is on disk, and published, when this returns. If it fails nothing of
    /// it has happened.
    pub(crate) fn commit(&mut self, group: &mut [Box<dyn Verb>], way: Way) -> Result<(), Error> {
        let now = self.env.now();
        self.accepted_at = self.accepted_at.max(now);
        let before = self.published.directory.load_full();
        self.journal.begin();
        let mut batch = Batch {
            connection: &self.connection,
            journal: &mut self.journal,
            direct: false,
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
            last_event: &mut self.last_event,
        };
        let committed = batch.commit(group, way);
        let Batch { directory, facts, recorded, mailed, .. } = batch;
        if committed.is_err() {
            // What was counted in a transaction that is undone must be read again.
            self.runs.clear();
            return committed;
        }
        // Before anybody is answered.
        self.ahead.store(self.is_ahead(), Ordering::Release);
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

    /// Puts what is in the journal into the tables, while those who were answered bring more, and commits that when the
    /// journal is full.
    pub(crate) fn go_on(&mut self) {
        if self.journal.is_full() {
            self.catch_up();
        } else if self.is_ahead() {
            let ran = begin(&self.connection).and_then(|()| self.journal.run_groups(&self.connection));
            if let Err(error) = ran {
                undo(&self.connection, &mut self.journal);
                complain(&error);
            }
        }
    }

    /// Commits to the tables what is in the journal. If that fails it is safe there, and once the journal is full every
    /// commit tries again.
    pub(crate) fn catch_up(&mut self) {
        if let Err(error) = self.commit(&mut [], Way::Tables) {
            complain(&error);
        }
    }
}

fn complain(error: &Error) {
    tracing::warn!(error = error as &dyn std::error::Error, "what was committed could not be put into the tables yet");
}

impl Batch<'_> {
    fn commit(&mut self, group: &mut [Box<dyn Verb>], way: Way) -> Result<(), Error> {
        let ran = self.run(group, way);
        if ran.is_err() && self.direct {
            undo(self.connection, self.journal);
        }
        ran
    }

    fn run(&mut self, group: &mut [Box<dyn Verb>], way: Way) -> Result<(), Error> {
        if way == Way::Tables {
            self.db()?;
        }
        group.iter_mut().try_for_each(|verb| verb.run(self))?;
        if !self.direct {
            return self.journal.write();
        }
        self.journal.mark_done(self.connection)?;
        self.connection.execute_batch("COMMIT")?;
        self.journal.begin_anew();
        Ok(())
    }
}

/// Begins a transaction, if none is open.
pub(super) fn begin(db: &Connection) -> Result<(), Error> {
    if db.is_autocommit() {
        db.execute_batch("BEGIN IMMEDIATE")?;
    }
    Ok(())
}

/// Undoes the transaction that is open. What it had of the journal will be run again.
fn undo(db: &Connection, journal: &mut Journal) {
    journal.undone();
    // SQLite may have undone it on its own.
    if !db.is_autocommit()
        && let Err(error) = db.execute_batch("ROLLBACK")
    {
        tracing::error!(error = &error as &dyn std::error::Error, "a transaction could not be undone");
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
