//! The journal: two files in front of the database, with groups that are not in its tables yet.
//!
//! Many small commits are expensive: each changes a page of every table and index there is. So a busy writer writes
//! what a group puts into the database down here, in one piece after the last, and syncs that; then its callers are
//! answered. A [segment](Segment) that is full goes into the tables in one transaction, which also records its number,
//! while the writer begins the next in the other file. What a crash left goes into the tables before anything else is
//! done (`crash_recovery.rs`). After an orderly stop the files have nothing.
//!
//! ```text
//! committer                    current segment            previous segment            tables
//!   begin ────────────────────► a group begins
//!   put, put, … ──────────────► rows, in memory
//!   write ────────────────────► one write, one sync:
//!     its callers are answered  the group is committed
//!   …
//!   start_flush ─ seal_segment ─► it is sealed ──────────► to the flush thread
//!   begin, put, write ────────► the other file             replay_into, run ─────────► BEGIN … mark_applied COMMIT
//!   poll_flush ◄─ return_segment ─────────────────────────── reset: empty again
//! ```
//!
//! A verb that needs the tables (`WriteTxn::db`) waits for the flush under way and replays the rest in its own
//! transaction (`replay_all`, `mark_applied`); once that is committed both segments are empty (`reset`). A crash
//! between the tables' COMMIT and a `reset` is harmless: the tables name the last segment they have, and recovery
//! passes over it.

pub(crate) mod crash_recovery;
mod format_one;
pub(crate) mod record;
mod replay;
mod scan;
mod sectors;
pub(crate) mod segment;
mod state;
mod statements;

use std::hash::{BuildHasher, Hash, RandomState};
use std::path::{Path, PathBuf};

use model::env::Env;
use model::id::ProjectId;
use model::map::{Map, Set};
use rusqlite::{Connection, ToSql};

use self::crash_recovery::{Blank, Examined};
use self::record::RecordKind;
use self::replay::Replay;
use self::segment::Segment;
use self::state::FILE_BYTES;
use crate::Error;

/// A segment is flushed once it has this many bytes. Deliveries for a thousand endpoints change a page of the index by
/// endpoint each, however few there are for one: the more go there together, the fewer bytes are written for one.
const FLUSH_BYTES: u64 = 1024 * 1024;

/// Bytes from which a flush is left to the flush thread also while there is little else to do.
const IDLE_FLUSH_BYTES: u64 = 8 * 1024;

/// Bytes up to which slices are put while the previous segment is on its way into the tables.
const SLICE_LIMIT_BYTES: u64 = FLUSH_BYTES / 2;

/// Maximum bytes of a segment while the previous one is on its way into the tables.
const SEGMENT_LIMIT_BYTES: u64 = 2 * FLUSH_BYTES;

/// Bytes at which a group is enough for one commit: its sync takes little longer than the shortest.
const COMMIT_BYTES: usize = 64 * 1024;

/// Maximum bytes of a group in the journal. One that is larger, by its last verb, gains nothing by being written twice.
const LARGEST_GROUP_BYTES: usize = 128 * 1024;

/// The file has room for the last group, however large that is.
const _: () = assert!(SEGMENT_LIMIT_BYTES + 2 * LARGEST_GROUP_BYTES as u64 <= FILE_BYTES);

pub(crate) struct Journal {
    /// The segment that groups are written to.
    current: Segment,
    /// The segment before it, empty when it is in the tables. `None` while it is brought there.
    previous: Option<Segment>,
    /// Hashes of the names under which rows of either segment may be looked for.
    names: Set<u64>,
    names_of_previous: Set<u64>,
    hashes: RandomState,
    /// Bytes of the current segment, by the project that they are of; `None` for Posthaste's own.
    held: Map<Option<ProjectId>, u64>,
    /// Segments that were followed by another, and how many of them are in the tables.
    sealed: u64,
    applied: u64,
    data_dir: PathBuf,
}

impl Journal {
    /// Opens the examined journal in `data_dir`, and puts what it has into the tables.
    pub(crate) fn open(examined: Examined, data_dir: &Path, db: &Connection, env: &dyn Env) -> Result<Self, Error> {
        let Blank { files: [now, before], next } = examined.replay(data_dir, db, env)?;
        Ok(Self {
            current: Segment::new(now.0, now.1, next),
            previous: Some(Segment::new(before.0, before.1, 0)),
            names: Set::default(),
            names_of_previous: Set::default(),
            held: Map::default(),
            hashes: RandomState::new(),
            sealed: 0,
            applied: 0,
            data_dir: data_dir.to_owned(),
        })
    }

    /// True if all that was written here is in the tables.
    pub(crate) fn is_empty(&self) -> bool {
        self.current.is_empty() && self.previous.as_ref().is_some_and(Segment::is_empty)
    }

    /// True if the previous segment could not be brought into the tables.
    pub(crate) fn flush_failed(&self) -> bool {
        self.previous.as_ref().is_some_and(|before| !before.is_empty())
    }

    /// True if the current segment is to be flushed. One that failed goes into the tables with the next commit.
    pub(crate) fn is_full(&self) -> bool {
        self.current.written() >= FLUSH_BYTES && !self.current.has_failed()
    }

    /// True if the current segment has enough bytes to hold the writer while it brings them into the tables itself.
    pub(crate) fn is_worth_a_flush(&self) -> bool {
        self.current.written() >= IDLE_FLUSH_BYTES && !self.current.has_failed()
    }

    /// True if slices may still be put while the previous segment is on its way into the tables.
    pub(crate) fn has_room(&self) -> bool {
        self.current.written() < SLICE_LIMIT_BYTES
    }

    /// True if there is room for every project: the current segment is not full, or goes into the tables anyway after a
    /// failure.
    pub(crate) fn has_room_for_all(&self) -> bool {
        self.current.written() < FLUSH_BYTES || self.current.has_failed() || self.flush_failed()
    }

    /// True if a project may put more. One that has put as much as is free waits until this segment is sealed, so that
    /// others find room while the previous one is on its way into the tables.
    pub(crate) fn has_room_for(&self, of: Option<ProjectId>) -> bool {
        let held = || self.held.get(&of).copied().unwrap_or(0);
        self.has_room_for_all() || held() < SEGMENT_LIMIT_BYTES.saturating_sub(self.current.written())
    }

    /// Notes the project of the last bytes of the group under way.
    pub(crate) fn note(&mut self, of: Option<ProjectId>, bytes: usize) {
        *self.held.entry(of).or_default() += bytes as u64;
    }

    /// True if the current segment has as much as it may have.
    pub(crate) fn is_at_limit(&self) -> bool {
        self.current.written() >= SEGMENT_LIMIT_BYTES
    }

    /// True if the group under way is better written here than into the tables.
    pub(crate) fn accepts(&self) -> bool {
        !self.current.has_failed() && !self.is_at_limit() && self.current.under_way() <= LARGEST_GROUP_BYTES
    }

    /// Bytes of the group under way.
    pub(crate) fn under_way(&self) -> usize {
        self.current.under_way()
    }

    /// True if the group under way is enough for one commit.
    pub(crate) fn has_enough(&self) -> bool {
        self.current.under_way() >= COMMIT_BYTES
    }

    /// Begins a group, and forgets one that was not written.
    pub(crate) fn begin(&mut self) {
        self.current.begin_group();
    }

    pub(crate) fn put(&mut self, put: RecordKind, values: &[&dyn ToSql]) -> Result<(), Error> {
        self.current.put(put, values)
    }

    pub(crate) fn remember(&mut self, name: impl Hash) {
        self.names.insert(self.hashes.hash_one(name));
    }

    /// True if there may be a row with `name`: always if there is one.
    pub(crate) fn may_contain(&self, name: impl Hash) -> bool {
        let hash = self.hashes.hash_one(name);
        self.names.contains(&hash) || self.names_of_previous.contains(&hash)
    }

    /// Writes the group under way. It is on disk when this returns.
    pub(crate) fn write(&mut self) -> Result<(), Error> {
        self.current.write()
    }

    /// Seals the current segment, to be brought into the tables, and begins the next. `None` if the previous one is not
    /// there yet.
    pub(crate) fn seal_segment(&mut self) -> Option<Segment> {
        let mut next = self.previous.take_if(|before| before.is_empty())?;
        next.reset(self.current.number().wrapping_add(1), self.current.groups());
        self.names_of_previous = std::mem::take(&mut self.names);
        self.held.clear();
        self.sealed += 1;
        Some(std::mem::replace(&mut self.current, next))
    }

    /// Takes back a sealed segment, which is empty if it is in the tables.
    pub(crate) fn return_segment(&mut self, segment: Segment) {
        if segment.is_empty() {
            self.names_of_previous.clear();
            self.applied = self.sealed;
        }
        self.previous = Some(segment);
    }

    /// Brings everything into the tables, with the group under way, which is not written here then.
    pub(crate) fn replay_all(&self, db: &Connection) -> Result<(), Error> {
        let mut replay = Replay::default();
        if let Some(before) = &self.previous {
            before.replay_into(&mut replay)?;
        }
        self.current.replay_into(&mut replay)?;
        replay.take(self.current.statements())?;
        replay.run(db)
    }

    /// Records in the open transaction that with it all of this is in the tables, if the files have some of it.
    pub(crate) fn mark_applied(&self, db: &Connection) -> Result<(), Error> {
        let begun =
            [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|segment| segment.is_begun());
        begun.map_or(Ok(()), |segment| state::mark_applied(db, segment.number()))
    }

    /// Empties both segments: everything is in the tables, for good.
    pub(crate) fn reset(&mut self) {
        let done = self.current.is_begun();
        self.current.reset(self.current.number().wrapping_add(done.into()), 0);
        if let Some(before) = &mut self.previous {
            before.reset(0, 0);
        }
        self.names.clear();
        self.names_of_previous.clear();
        self.held.clear();
        self.sealed += 1;
        self.applied = self.sealed;
    }

    /// Number of segments that are in the tables. [`Self::to_be_applied`] has the number once all is there that is
    /// written by now.
    pub(crate) fn applied(&self) -> u64 {
        self.applied
    }

    pub(crate) fn to_be_applied(&self) -> u64 {
        self.sealed + u64::from(!self.current.is_empty())
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.current.has_failed()
    }

    /// Records in the database that the files have nothing, if all is in the tables, and empties them. Nothing is
    /// written after this.
    pub(crate) fn close(&self, db: &Connection) -> Result<(), Error> {
        if !self.is_empty() {
            return Ok(());
        }
        state::mark_in_use(db, false)?;
        crash_recovery::blank(&self.data_dir)
    }
}

/// Brings a sealed segment into the tables, in a transaction of its own.
pub(super) fn apply(db: &Connection, segment: &Segment) -> Result<(), Error> {
    let transaction = db.unchecked_transaction()?;
    let mut replay = Replay::default();
    segment.replay_into(&mut replay)?;
    replay.run(&transaction)?;
    state::mark_applied(&transaction, segment.number())?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use rusqlite::params;
    use testkit::clock::TestEnv;

    use super::*;
    use crate::seal::{MasterKey, Seal};
    use crate::sqlite::connect;
    use crate::sqlite::open::Database;

    /// A database with its journal, in a directory of its own.
    pub(in crate::sqlite) struct Place {
        pub(in crate::sqlite) directory: tempfile::TempDir,
        env: std::sync::Arc<dyn Env>,
        pub(in crate::sqlite) db: Connection,
    }

    impl Place {
        pub(in crate::sqlite) fn new() -> Self {
            let directory = tempfile::TempDir::new().unwrap();
            let env: std::sync::Arc<dyn Env> = std::sync::Arc::new(TestEnv::new());
            let seal = Seal::new(&MasterKey::generate(&*env));
            let db = connect::connect(&directory.path().join(Database::FILE)).unwrap();
            let db = Database::of(db, &seal, &env).unwrap().connection;
            Self { directory, env, db }
        }

        /// The journal as a process finds it that starts.
        pub(in crate::sqlite) fn journal(&self) -> Journal {
            let examined = Examined::of(self.directory.path(), Some(&self.db)).unwrap();
            examined.check(false).unwrap();
            Journal::open(examined, self.directory.path(), &self.db, &*self.env).unwrap()
        }

        fn keys(&self) -> i64 {
            keys(&self.db)
        }
    }

    pub(in crate::sqlite) fn keys(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM idempotency", [], |row| row.get(0)).unwrap()
    }

    pub(in crate::sqlite) fn write_key(journal: &mut Journal, key: &str) {
        journal.begin();
        put_key(journal, key);
        journal.write().unwrap();
    }

    pub(in crate::sqlite) fn encoded_key(key: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        RecordKind::IdempotencyKey.encode(params![[1u8; 16], key, 7, [2u8; 32]], &mut bytes).unwrap();
        bytes
    }

    fn put_key(journal: &mut Journal, key: &str) {
        journal.put(RecordKind::IdempotencyKey, params![[1u8; 16], key, 7, [2u8; 32]]).unwrap();
    }

    #[test]
    fn a_group_that_failed_and_is_in_the_file_all_the_same_is_not_run_twice() {
        let place = Place::new();
        let mut journal = place.journal();
        write_key(&mut journal, "a");
        journal.current.pretend_that_the_sync_failed();

        journal.begin();
        put_key(&mut journal, "a");
        assert!(!journal.accepts());
        journal.replay_all(&place.db).unwrap();
        journal.mark_applied(&place.db).unwrap();
        journal.reset();

        place.journal();
        assert_eq!(place.keys(), 1);
    }

    #[test]
    fn what_an_earlier_filling_left_behind_the_last_group_is_not_read() {
        let place = Place::new();
        let mut journal = place.journal();
        (0..10).for_each(|number| write_key(&mut journal, &format!("first {number}")));
        let mut journal = place.journal();
        write_key(&mut journal, "second");

        place.journal();

        assert_eq!(place.keys(), 11);
    }

    #[test]
    fn what_died_on_its_way_into_the_tables_comes_there_with_what_was_written_after_it() {
        let place = Place::new();
        for round in 1..=4 {
            let mut journal = place.journal();
            write_key(&mut journal, &format!("{round} a"));
            let handed_out = journal.seal_segment().unwrap();
            write_key(&mut journal, &format!("{round} b"));
            drop((handed_out, journal));

            place.journal();

            assert_eq!(place.keys(), 2 * round);
        }
    }

    #[test]
    fn what_is_in_the_tables_is_passed_over_and_what_was_written_after_it_is_not() {
        let place = Place::new();
        let mut journal = place.journal();
        for round in 1..=4 {
            write_key(&mut journal, &format!("{round} a"));
            let mut handed_out = journal.seal_segment().unwrap();
            write_key(&mut journal, &format!("{round} b"));
            assert!(journal.seal_segment().is_none());
            apply(&place.db, &handed_out).unwrap();
            if round % 2 == 0 {
                journal = place.journal();
                assert_eq!(place.keys(), 2 * round);
            } else {
                handed_out.reset(0, 0);
                journal.return_segment(handed_out);
                assert_eq!(place.keys(), 2 * round - 1);
                journal.replay_all(&place.db).unwrap();
                journal.mark_applied(&place.db).unwrap();
                journal.reset();
            }
        }
    }
}
