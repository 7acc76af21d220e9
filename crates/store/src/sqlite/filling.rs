//! A filling of the journal: groups of statements in a file, each synced before anybody was answered.
//!
//! A group is `length · checksum · filling · number · statements`, in 4, 4, 8 and 4 bytes, little end first. The checksum
//! (CRC-32) is of all behind it. A group counts if its length and checksum fit, its filling is the one that is looked for
//! and its number is the next: so what a power cut tore, and what earlier fillings left, ends a filling.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::ToSql;

use super::puts::Put;
use super::runner::Runner;
use crate::Error;

/// No version ever wrote so much.
const LARGEST: u64 = 64 * 1024 * 1024;

pub(crate) struct Filling {
    path: PathBuf,
    file: File,
    number: u64,
    /// What the file has of it, and behind that the group under way.
    bytes: Vec<u8>,
    /// Where the group under way begins.
    written: usize,
    groups: u32,
    /// The file failed us, and may have what we do not know of. Nothing is written there until this filling is over.
    failed: bool,
}

impl Filling {
    /// The file of that name, with what is in it.
    pub(crate) fn open(data_dir: &Path, name: &str) -> Result<Self, Error> {
        let path = data_dir.join(name);
        let mut file = open(data_dir, &path)?;
        let bytes = read(&mut file).map_err(Error::files(&path))?;
        Ok(Self { path, file, number: 0, bytes, written: 0, groups: 0, failed: false })
    }

    /// Finds the groups of filling `number` in what was read, and forgets what is behind them.
    pub(crate) fn find(&mut self, number: u64) {
        self.number = number;
        while let Some(length) = self.next_group() {
            self.written += Header::LENGTH + length;
            self.groups += 1;
        }
        if !self.is_empty() {
            self.bytes.truncate(self.written);
        }
    }

    /// The length of the statements of the group behind those that were found.
    fn next_group(&self) -> Option<usize> {
        let (header, rest) = self.bytes[self.written..].split_first_chunk()?;
        let header = Header::of_bytes(header);
        let statements = rest.get(..header.length())?;
        let expected = Header::of(self.number, self.groups, statements).ok()?;
        (header == expected).then_some(header.length())
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Begins another filling of the file.
    pub(crate) fn begin(&mut self, number: u64) {
        self.bytes.clear();
        self.number = number;
        (self.written, self.groups, self.failed) = (0, 0, false);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// Whether the file may have groups of it.
    pub(crate) fn is_begun(&self) -> bool {
        self.written > 0 || self.failed
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Bytes that were written.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// Bytes of the group under way.
    pub(crate) fn under_way(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Begins a group, and forgets one that was not written.
    pub(crate) fn begin_group(&mut self) {
        self.bytes.truncate(self.written);
        self.bytes.extend_from_slice(&[0; Header::LENGTH]);
    }

    pub(crate) fn put(&mut self, put: Put, values: &[&dyn ToSql]) -> Result<(), Error> {
        put.encode(values, &mut self.bytes)
    }

    /// Writes the group under way down. On disk when this returns.
    pub(crate) fn write(&mut self) -> Result<(), Error> {
        let (header, statements) = self.bytes[self.written..].split_at_mut(Header::LENGTH);
        if statements.is_empty() {
            return Ok(());
        }
        header.copy_from_slice(&Header::of(self.number, self.groups, statements)?.to_bytes());
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

    /// Has the groups that are written taken into the tables.
    pub(crate) fn give<'a>(&'a self, runner: &mut Runner<'a>) -> Result<(), Error> {
        let mut groups = &self.bytes[..self.written];
        while let Some((header, rest)) = groups.split_first_chunk() {
            let (statements, behind) = rest.split_at(Header::of_bytes(header).length());
            runner.take(statements)?;
            groups = behind;
        }
        Ok(())
    }

    /// The statements of the group under way.
    pub(crate) fn statements(&self) -> &[u8] {
        self.bytes.get(self.written + Header::LENGTH..).unwrap_or_default()
    }

    /// As if the sync of the last write had failed, though the file has it.
    #[cfg(test)]
    pub(super) fn pretend_that_the_sync_failed(&mut self) {
        (self.written, self.groups, self.failed) = (0, 0, true);
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
