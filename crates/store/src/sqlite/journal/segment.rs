//! A segment of the journal: groups of statements in a file, each synced before its callers are answered. `sectors.rs`
//! has their layout.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rusqlite::ToSql;

use super::record::RecordKind;
use super::replay::Replay;
use super::sectors;
use crate::Error;

pub(crate) struct Segment {
    path: PathBuf,
    file: File,
    number: u64,
    /// Statements of the groups in the file, and after them those of the group under way.
    statements: Vec<u8>,
    /// Position in `statements` at which the group under way begins.
    written: usize,
    groups: u32,
    /// Groups in the segment before.
    groups_before: u32,
    /// Bytes of the file that have groups.
    end: u64,
    /// The group that is being written, as it stands in the file.
    sectors: Vec<u8>,
    /// True if the file failed, and may have what we do not know of. Nothing is written there until the segment is
    /// reset.
    failed: bool,
}

impl Segment {
    /// The first segment of a file, which has nothing that counts.
    pub(crate) fn new(path: PathBuf, file: File, number: u64) -> Self {
        Self {
            path,
            file,
            number,
            statements: Vec::new(),
            written: 0,
            groups: 0,
            groups_before: 0,
            end: 0,
            sectors: Vec::new(),
            failed: false,
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Groups that were written.
    pub(crate) fn groups(&self) -> u32 {
        self.groups
    }

    /// Begins another segment of the file, after one that had `groups_before`.
    pub(crate) fn reset(&mut self, number: u64, groups_before: u32) {
        self.statements.clear();
        (self.number, self.groups_before) = (number, groups_before);
        (self.written, self.groups, self.end, self.failed) = (0, 0, 0, false);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// True if the file may have groups of the segment.
    pub(crate) fn is_begun(&self) -> bool {
        self.written > 0 || self.failed
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Bytes of the file that were written.
    pub(crate) fn written(&self) -> u64 {
        self.end
    }

    /// Bytes of the group under way.
    pub(crate) fn under_way(&self) -> usize {
        self.statements.len() - self.written
    }

    /// Begins a group, and forgets one that was not written.
    pub(crate) fn begin_group(&mut self) {
        self.statements.truncate(self.written);
    }

    pub(crate) fn put(&mut self, put: RecordKind, values: &[&dyn ToSql]) -> Result<(), Error> {
        put.encode(values, &mut self.statements)
    }

    /// Writes the group under way. It is on disk when this returns.
    pub(crate) fn write(&mut self) -> Result<(), Error> {
        let statements = &self.statements[self.written..];
        if statements.is_empty() {
            return Ok(());
        }
        let position =
            sectors::GroupPosition { segment: self.number, number: self.groups, groups_before: self.groups_before };
        sectors::encode(position, statements, self.end, &mut self.sectors)
            .ok_or_else(|| Error::Corrupt("a group of 4 GB".to_owned()))?;
        let written = self.file.write_all_at(&self.sectors, self.end);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            self.failed = true;
            return Err(Error::files(&self.path)(error));
        }
        self.written = self.statements.len();
        self.end += self.sectors.len() as u64;
        self.groups += 1;
        Ok(())
    }

    /// Adds the groups that are written to a replay.
    pub(crate) fn replay_into<'a>(&'a self, replay: &mut Replay<'a>) -> Result<(), Error> {
        replay.take(&self.statements[..self.written])
    }

    /// The statements of the group under way.
    pub(crate) fn statements(&self) -> &[u8] {
        &self.statements[self.written..]
    }

    /// Makes it as if the sync of the last write had failed, though the file has it.
    #[cfg(test)]
    pub(crate) fn pretend_that_the_sync_failed(&mut self) {
        (self.written, self.groups, self.end, self.failed) = (0, 0, 0, true);
    }
}
