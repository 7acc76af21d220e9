//! Opening the journal after the last process ended in any way: whole groups go into the tables, damage stops the
//! start.
//!
//! First everything is examined and nothing is changed ([`Examined`]); then the database may be brought up to date;
//! then the groups that are not in the tables go there, in one transaction ([`Examined::replay`]).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::env::Env;
use rusqlite::Connection;

use super::format_one;
use super::replay::Replay;
use super::scan::Scan;
use super::state::{self, FILE_BYTES, State};
use crate::journal_damage::{Fault, JournalDamage, Kind};
use crate::{Error, private};

const FILES: [&str; 2] = ["posthaste.journal", "posthaste.journal-2"];

/// Maximum bytes of a file of an earlier version.
const LARGEST_FORMAT_ONE: u64 = 64 * 1024 * 1024;

/// The journal as it was found in a data directory.
pub(crate) struct Examined {
    state: State,
    /// In the order of their segments.
    files: [ScannedFile; 2],
    damage: Option<JournalDamage>,
}

struct ScannedFile {
    path: PathBuf,
    scan: Scan,
}

/// A journal with nothing in it.
pub(crate) struct Blank {
    pub(crate) files: [(PathBuf, File); 2],
    /// The number of the next segment.
    pub(crate) next: u64,
}

impl Examined {
    /// Examines the journal in `data_dir` and changes nothing. `db` is the database there, if there is one.
    pub(crate) fn of(data_dir: &Path, db: Option<&Connection>) -> Result<Self, Error> {
        let state = db.map_or(Ok(State::New), State::read)?;
        let [first, second] = FILES.map(|name| find(data_dir.join(name), state));
        let mut files = [first?, second?];
        if let Some(done) = state.done() {
            // A file without a segment comes first.
            files.sort_by_key(|found| found.scan.segment.map(|segment| segment.wrapping_sub(done)));
            compare(done, &mut files);
        }
        let faults: Vec<_> = files.iter().filter_map(ScannedFile::fault).collect();
        let readable = files.iter().map(|found| found.scan.groups.len()).sum();
        let damage = (!faults.is_empty()).then_some(JournalDamage { faults, readable });
        Ok(Self { state, files, damage })
    }

    /// Refuses a journal that is damaged, unless the loss is accepted.
    pub(crate) fn check(&self, accept_loss: bool) -> Result<(), Error> {
        match &self.damage {
            Some(damage) if !accept_loss => Err(Error::Journal(Arc::new(damage.clone()))),
            _ => Ok(()),
        }
    }

    /// Brings what can be read into the tables of `db`, and leaves files to go on with.
    pub(crate) fn replay(self, data_dir: &Path, db: &Connection, env: &dyn Env) -> Result<Blank, Error> {
        let kept = if self.damage.is_some() { self.keep_aside(env)? } else { Vec::new() };
        let done = self.state.done().unwrap_or_else(|| {
            // A number that no other database has, so that another's journal is never taken for this one's.
            let mut number = [0; 8];
            env.fill(&mut number);
            u64::from_le_bytes(number)
        });
        let newest = self.files.iter().filter_map(|found| found.scan.segment).next_back().unwrap_or(done);
        if newest != done {
            self.run(db, newest)?;
        }
        self.tell(&kept);
        let anew = self.damage.is_some() || !matches!(self.state, State::InUse { file_bytes: FILE_BYTES, .. });
        if anew {
            blank(data_dir)?;
            let transaction = db.unchecked_transaction()?;
            state::mark_applied(&transaction, newest)?;
            state::mark_in_use(&transaction, true)?;
            transaction.commit()?;
        }
        let [first, second] = self.files.map(|ScannedFile { path, .. }| open(&path).map(|file| (path, file)));
        Ok(Blank { files: [first?, second?], next: newest.wrapping_add(1) })
    }

    /// Replays all groups, in one transaction, which records that.
    fn run(&self, db: &Connection, newest: u64) -> Result<(), Error> {
        let transaction = db.unchecked_transaction()?;
        let mut replay = if self.damage.is_some() { Replay::after_loss() } else { Replay::default() };
        for group in self.files.iter().flat_map(|found| &found.scan.groups) {
            replay.take(&group.statements)?;
        }
        replay.run(&transaction)?;
        state::mark_applied(&transaction, newest)?;
        transaction.commit()?;
        Ok(())
    }

    /// Copies the files as they are, for somebody who can do more with them. Returns the copies.
    fn keep_aside(&self, env: &dyn Env) -> Result<Vec<String>, Error> {
        let time = env.now();
        let mut kept = Vec::new();
        for ScannedFile { path, .. } in &self.files {
            let mut copy = path.clone().into_os_string();
            copy.push(format!(".damaged-{time}"));
            let copy = PathBuf::from(copy);
            match copy_whole(path, &copy) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::files(copy)(error)),
                Ok(()) => kept.push(copy.display().to_string()),
            }
        }
        Ok(kept)
    }

    fn tell(&self, kept: &[String]) {
        for ScannedFile { path, scan } in &self.files {
            if let Some(torn) = scan.torn {
                tracing::info!(
                    journal.file = %path.display(), journal.offset = torn.offset, journal.torn_bytes = torn.bytes,
                    "journal ends in a torn group; it was being written when the power or the process went, and nobody \
                     was answered for it"
                );
            }
        }
        let groups: usize = self.files.iter().map(|found| found.scan.groups.len()).sum();
        let Some(damage) = &self.damage else {
            if groups > 0 {
                tracing::info!(journal.groups = groups, "replayed the journal: all its groups are in the database");
            }
            return;
        };
        let lost: usize = self.files.iter().map(ScannedFile::lost).sum();
        tracing::warn!(
            journal.groups = groups,
            journal.groups_lost = lost,
            journal.damage = damage
                .faults
                .iter()
                .map(|Fault { path, kind }| format!("{} {kind}", path.display()))
                .collect::<Vec<_>>()
                .join("; "),
            journal.kept = kept.join(", "),
            "journal loss accepted: what could be read is in the database; the groups that could not be read, and what a \
             missing file had, are dropped"
        );
    }
}

impl ScannedFile {
    fn fault(&self) -> Option<Fault> {
        self.scan.fault.map(|kind| Fault { path: self.path.clone(), kind })
    }

    /// Groups that were begun and cannot be read, as far as it is known. A torn one does not count: no caller was
    /// answered for it.
    fn lost(&self) -> usize {
        let begun = usize::try_from(self.scan.begun).unwrap_or(usize::MAX);
        begun.saturating_sub(self.scan.groups.len() + usize::from(self.scan.torn.is_some()))
    }
}

/// Scans a file as far as it counts for a database in this state.
fn find(path: PathBuf, state: State) -> Result<ScannedFile, Error> {
    let most = match state {
        State::Closed { .. } => return Ok(ScannedFile { path, scan: Scan::default() }),
        State::InUse { file_bytes, .. } => file_bytes,
        State::New | State::FormatOne { .. } => LARGEST_FORMAT_ONE,
    };
    let scan = match (read(&path, most).map_err(Error::files(&path))?, state) {
        (_, State::Closed { .. }) | (None, State::New | State::FormatOne { .. }) => Scan::default(),
        (Some(bytes), State::New) => {
            let fault = bytes.iter().any(|byte| *byte != 0).then_some(Kind::Orphaned);
            Scan { fault, ..Scan::default() }
        }
        (Some(bytes), State::FormatOne { done }) => format_one::scan(&bytes, done),
        (None, State::InUse { .. }) => Scan { fault: Some(Kind::Missing), ..Scan::default() },
        (Some(bytes), State::InUse { done, file_bytes }) => {
            let mut scan = Scan::of(&bytes, done);
            if (bytes.len() as u64) < file_bytes {
                scan.fault = Some(Kind::Short { bytes: bytes.len() as u64, of: file_bytes });
            }
            scan
        }
    };
    Ok(ScannedFile { path, scan })
}

/// Checks what only both files show: that a segment has all its groups if its successor was begun.
fn compare(done: u64, files: &mut [ScannedFile; 2]) {
    let [first, second] = files;
    let (begun, next) = (done.wrapping_add(1), done.wrapping_add(2));
    let (before, successor) = match (first.scan.segment, second.scan.segment) {
        (_, Some(segment)) if segment == next && first.scan.segment != Some(next) => (first, second),
        (Some(one), Some(other)) if one == other => {
            // One is a copy of the other.
            let copy = if first.scan.groups.len() < second.scan.groups.len() { first } else { second };
            copy.scan = Scan { fault: Some(Kind::Foreign), ..Scan::default() };
            return;
        }
        _ => return,
    };
    let told = successor.scan.groups.iter().find_map(|group| group.groups_before);
    let has_all = told.is_none_or(|told| usize::try_from(told) == Ok(before.scan.groups.len()));
    let is_it = before.scan.segment == Some(begun);
    if !is_it || before.scan.torn.is_some() || !has_all {
        let incomplete = Kind::Incomplete { offset: before.scan.end, readable: before.scan.groups.len() };
        before.scan.fault.get_or_insert(incomplete);
        before.scan.begun = before.scan.begun.max(told.unwrap_or_default());
        before.scan.torn = None;
    }
}

/// The file's bytes, up to `most`, if there is a file.
fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?.take(most).read_to_end(&mut bytes)?,
    };
    Ok(Some(bytes))
}

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new().read(true).write(true).open(path).map_err(Error::files(path))
}

/// Creates the files, or empties them: each has its whole length, and that after a power cut too.
pub(crate) fn blank(data_dir: &Path) -> Result<(), Error> {
    for name in FILES {
        let path = data_dir.join(name);
        let make = || {
            let file = private::options().write(true).create(true).truncate(true).open(&path)?;
            if file.metadata()?.is_file() {
                file.set_len(FILE_BYTES)?;
                file.sync_all()?;
            }
            Ok(())
        };
        make().map_err(Error::files(&path))?;
    }
    private::sync_directory(data_dir).map_err(Error::files(data_dir))
}

fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    let mut bytes = Vec::new();
    File::open(from)?.read_to_end(&mut bytes)?;
    let mut copy = private::options().write(true).create_new(true).open(to)?;
    copy.write_all(&bytes)?;
    copy.sync_all()?;
    to.parent().map_or(Ok(()), private::sync_directory)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sqlite::journal::format_one::tests::file;
    use crate::sqlite::journal::tests::{Place, encoded_key, keys, write_key};

    impl Place {
        fn path(&self) -> PathBuf {
            self.directory.path().join(FILES[0])
        }

        fn damage(&self) -> Option<JournalDamage> {
            Examined::of(self.directory.path(), Some(&self.db)).unwrap().damage
        }

        /// Leaves a file as an earlier version does that dies.
        fn of_format_one(&self, groups: &[&[u8]]) -> Vec<u8> {
            self.db.execute("DELETE FROM meta WHERE name = 'journal_files'", []).unwrap();
            let done = State::read(&self.db).unwrap().done().unwrap();
            fs::write(self.directory.path().join(FILES[1]), []).unwrap();
            let bytes = file(done.wrapping_add(1), groups);
            fs::write(self.path(), &bytes).unwrap();
            bytes
        }
    }

    #[test]
    fn a_flipped_bit_in_four_groups_is_noticed() {
        let place = Place::new();
        let mut journal = place.journal();
        (0..4).for_each(|number| write_key(&mut journal, &format!("{number}")));
        let whole = fs::read(place.path()).unwrap();
        for at in (0..4 * 512).step_by(11) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(place.path(), &bytes).unwrap();
            let kind = Kind::Damaged { offset: (at / 512 * 512) as u64, readable: 3 };
            let damage = JournalDamage { faults: vec![Fault { path: place.path(), kind }], readable: 3 };
            assert_eq!(place.damage(), Some(damage), "byte {at}");
        }
    }

    #[test]
    fn a_segment_that_lacks_a_group_is_noticed_once_its_successor_has_begun() {
        let place = Place::new();
        let mut journal = place.journal();
        write_key(&mut journal, "a");
        let one_group = fs::read(place.path()).unwrap();
        write_key(&mut journal, "b");
        let handed_out = journal.seal_segment().unwrap();
        write_key(&mut journal, "c");
        drop((handed_out, journal));
        assert_eq!(place.damage(), None);
        let blank = vec![0; one_group.len()];
        for (file, readable, offset) in [(one_group, 1, 512), (blank, 0, 0)] {
            fs::write(place.path(), &file).unwrap();
            let kind = Kind::Incomplete { offset, readable };
            let damage = JournalDamage { faults: vec![Fault { path: place.path(), kind }], readable: readable + 1 };
            assert_eq!(place.damage(), Some(damage));
        }
    }

    #[test]
    fn what_an_earlier_version_left_goes_into_the_tables_and_its_damage_is_noticed() {
        let place = Place::new();
        drop(place.journal());
        let groups = ["a", "b", "c"].map(encoded_key);
        let mut bytes = place.of_format_one(&groups.each_ref().map(Vec::as_slice));
        bytes[groups[0].len() + 30] ^= 1;
        fs::write(place.path(), &bytes).unwrap();
        assert_eq!(place.damage().unwrap().readable, 2);
        bytes[groups[0].len() + 30] ^= 1;
        fs::write(place.path(), &bytes).unwrap();

        let mut journal = place.journal();
        assert_eq!(keys(&place.db), 3);
        write_key(&mut journal, "d");
        drop(journal);
        place.journal();
        assert_eq!(keys(&place.db), 4);
    }
}
