//! The journal: a file in front of the database, where groups stand that are not in its tables yet.
//!
//! Many small commits are dear: each changes a page of every table and index there is. So a busy writer writes what a
//! group puts into the database down here, in one piece behind the last, and syncs that; whoever waited is answered. Some
//! hundred rows later all of them go into the tables in one transaction, which says as well which filling of the journal
//! it has, and the journal begins anew. What a crash left in it goes into the tables before anything else is done.
//!
//! A group is `length · checksum · filling · number · statements`, in 4, 4, 8 and 4 bytes, little end first. The checksum
//! (CRC-32) is of all behind it. A group counts if its length and checksum fit, its filling is the one that the database
//! waits for and its number is the next: so what a power cut tore, and what earlier fillings left, ends the journal.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hash, RandomState};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use model::env::Env;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::puts::{Put, Runner};
use crate::Error;

/// With so many bytes the journal goes into the tables: some milliseconds' work.
const FULL: usize = 256 * 1024;

/// A group that is larger gains nothing by being written twice.
const LARGEST_GROUP: usize = 128 * 1024;

/// No version ever wrote so much.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The row of `meta` with the last filling that is in the tables.
const DONE: &str = "journal";

pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// This filling of the file.
    filling: u64,
    /// What the file has of it, and behind that the group under way.
    bytes: Vec<u8>,
    /// Where the group under way begins.
    written: usize,
    groups: u32,
    /// How much has been run in the transaction that is open.
    run: usize,
    runner: Runner,
    /// Under what the rows may be looked for, as hashes.
    names: HashSet<u64>,
    hashes: RandomState,
    /// The file failed us, and may have what we do not know of. Nothing is written there until this filling is over.
    failed: bool,
}

impl Journal {
    const FILE: &str = "posthaste.journal";

    /// Opens the journal in `data_dir` and puts what a crash left there into the tables.
    pub(crate) fn open(data_dir: &Path, db: &Connection, env: &dyn Env) -> Result<Self, Error> {
        let path = data_dir.join(Self::FILE);
        let mut file = open(data_dir, &path)?;
        let done = last_done(db, env)?;
        let mut journal = Self {
            bytes: read(&mut file).map_err(Error::files(&path))?,
            path,
            file,
            filling: done.wrapping_add(1),
            written: 0,
            groups: 0,
            run: 0,
            runner: Runner::default(),
            names: HashSet::new(),
            hashes: RandomState::new(),
            failed: false,
        };
        journal.find_groups();
        if !journal.is_empty() {
            let transaction = db.unchecked_transaction()?;
            journal.run_all(&transaction)?;
            journal.mark_done(&transaction)?;
            transaction.commit()?;
            tracing::info!(journal.groups = journal.groups, "what the journal had is in the tables");
            journal.begin_anew();
        }
        Ok(journal)
    }

    /// Whether all that was written here is in the tables.
    pub(crate) fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// Whether the file may have groups of this filling.
    fn is_begun(&self) -> bool {
        self.written > 0 || self.failed
    }

    pub(crate) fn is_full(&self) -> bool {
        self.written >= FULL
    }

    /// Whether the group under way is better written here than into the tables.
    pub(crate) fn suits(&self) -> bool {
        !self.failed && !self.is_full() && self.bytes.len() - self.written <= LARGEST_GROUP
    }

    /// Begins a group, and forgets one that was not written.
    pub(crate) fn begin(&mut self) {
        self.bytes.truncate(self.written);
        self.bytes.extend_from_slice(&[0; Header::LENGTH]);
    }

    pub(crate) fn put(&mut self, put: Put, values: &[&dyn ToSql]) -> Result<(), Error> {
        put.encode(values, &mut self.bytes)
    }

    pub(crate) fn remember(&mut self, name: impl Hash) {
        self.names.insert(self.hashes.hash_one(name));
    }

    /// Whether there may be a row with `name`. If there is one, yes.
    pub(crate) fn knows(&self, name: impl Hash) -> bool {
        self.names.contains(&self.hashes.hash_one(name))
    }

    /// Writes the group down. On disk when this returns.
    pub(crate) fn write(&mut self) -> Result<(), Error> {
        let (header, statements) = self.bytes[self.written..].split_at_mut(Header::LENGTH);
        if statements.is_empty() {
            return Ok(());
        }
        header.copy_from_slice(&Header::of(self.filling, self.groups, statements)?.to_bytes());
        let at = u64::try_from(self.written).unwrap_or(u64::MAX);
        let group = &self.bytes[self.written..];
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(group));
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            self.failed = true;
            return Err(Error::files(&self.path)(error));
        }
        self.written = self.bytes.len();
        self.groups += 1;
        Ok(())
    }

    /// Runs what has not been run yet of the groups that are written, in the transaction that is open on `db`. Some of it
    /// may be held back until [`run_all`](Self::run_all).
    pub(crate) fn run_groups(&mut self, db: &Connection) -> Result<(), Error> {
        while let Some(header) = self.bytes[self.run..self.written].first_chunk() {
            let begin = self.run + Header::LENGTH;
            let end = begin + Header::of_bytes(header).length();
            self.runner.run(db, &self.bytes, begin..end)?;
            self.run = end;
        }
        Ok(())
    }

    /// Runs everything that has not been run, with the group under way, which is not written here then.
    pub(crate) fn run_all(&mut self, db: &Connection) -> Result<(), Error> {
        self.run_groups(db)?;
        let under_way = self.written + Header::LENGTH..self.bytes.len();
        if !under_way.is_empty() {
            self.runner.run(db, &self.bytes, under_way)?;
        }
        self.runner.finish(db, &self.bytes)
    }

    /// What was run has been undone.
    pub(crate) fn undone(&mut self) {
        self.run = 0;
        self.runner = Runner::default();
    }

    /// Notes in the open transaction that with it all of this filling is in the tables, if the file has some of it.
    pub(crate) fn mark_done(&self, db: &Connection) -> Result<(), Error> {
        if !self.is_begun() {
            return Ok(());
        }
        db.prepare_cached("UPDATE meta SET value = ? WHERE name = ?")?
            .execute(params![self.filling.to_le_bytes(), DONE])?;
        Ok(())
    }

    /// Everything is in the tables, for good.
    pub(crate) fn begin_anew(&mut self) {
        if self.is_begun() {
            self.filling = self.filling.wrapping_add(1);
        }
        self.bytes.clear();
        self.names.clear();
        self.run = 0;
        (self.written, self.groups, self.failed) = (0, 0, false);
    }

    /// Finds the groups of this filling in what was read, and forgets the rest.
    fn find_groups(&mut self) {
        while let Some(length) = self.next_group() {
            self.written += Header::LENGTH + length;
            self.groups += 1;
        }
        self.bytes.truncate(self.written);
        self.bytes.shrink_to(FULL);
    }

    /// The length of the statements of the group behind those that were found.
    fn next_group(&self) -> Option<usize> {
        let (header, rest) = self.bytes[self.written..].split_first_chunk()?;
        let header = Header::of_bytes(header);
        let statements = rest.get(..header.length())?;
        let expected = Header::of(self.filling, self.groups, statements).ok()?;
        (header == expected).then_some(header.length())
    }
}

/// What stands before the statements of a group.
#[derive(PartialEq, Eq)]
struct Header {
    length: u32,
    checksum: u32,
    filling: u64,
    number: u32,
}

impl Header {
    const LENGTH: usize = 20;

    fn of(filling: u64, number: u32, statements: &[u8]) -> Result<Self, Error> {
        let length = u32::try_from(statements.len()).map_err(|_| Error::Corrupt("a group of 4 GB".to_owned()))?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&filling.to_le_bytes());
        hasher.update(&number.to_le_bytes());
        hasher.update(statements);
        Ok(Self { length, checksum: hasher.finalize(), filling, number })
    }

    fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.checksum.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.filling.to_le_bytes());
        bytes[16..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let [l0, l1, l2, l3, c0, c1, c2, c3, f @ .., n0, n1, n2, n3] = *bytes;
        Self {
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            filling: u64::from_le_bytes(f),
            number: u32::from_le_bytes([n0, n1, n2, n3]),
        }
    }
}

/// Opens the file at `path`, or makes it, so that it is there after a power cut.
fn open(data_dir: &Path, path: &Path) -> Result<File, Error> {
    let is_new = !path.exists();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::files(path))?;
    if is_new {
        File::open(data_dir).and_then(|directory| directory.sync_all()).map_err(Error::files(data_dir))?;
    }
    Ok(file)
}

fn read(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last filling that is in the tables. A new database begins at a number that no other has, so another's journal
/// is never taken for its own.
fn last_done(db: &Connection, env: &dyn Env) -> Result<u64, Error> {
    let done = db.query_row("SELECT value FROM meta WHERE name = ?", [DONE], |row| row.get(0)).optional()?;
    if let Some(done) = done {
        return Ok(u64::from_le_bytes(done));
    }
    let mut number = [0; 8];
    env.fill(&mut number);
    db.execute("INSERT INTO meta (name, value) VALUES (?, ?)", params![DONE, number])?;
    Ok(u64::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use testkit::clock::TestEnv;

    use super::*;
    use crate::seal::{MasterKey, Seal};
    use crate::sqlite::Database;

    fn put_key(journal: &mut Journal, key: &str) {
        journal.put(Put::IdempotencyKey, params![[1u8; 16], key, 7, [2u8; 32]]).unwrap();
    }

    fn keys(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM idempotency", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_group_that_failed_and_is_in_the_file_all_the_same_is_not_run_twice() {
        let directory = tempfile::TempDir::new().unwrap();
        let env: std::sync::Arc<dyn Env> = std::sync::Arc::new(TestEnv::new());
        let seal = Seal::new(&MasterKey::generate(&*env));
        let db = Database::open(&directory.path().join(Database::FILE), &seal, &env).unwrap().connection;
        let mut journal = Journal::open(directory.path(), &db, &*env).unwrap();
        journal.begin();
        put_key(&mut journal, "a");
        journal.write().unwrap();
        // As if the sync had failed after it was written.
        (journal.written, journal.groups, journal.failed) = (0, 0, true);

        journal.begin();
        put_key(&mut journal, "a");
        assert!(!journal.suits());
        journal.run_all(&db).unwrap();
        journal.mark_done(&db).unwrap();
        journal.begin_anew();

        Journal::open(directory.path(), &db, &*env).unwrap();
        assert_eq!(keys(&db), 1);
    }
}
