//! The journal's state as the database records it: the last segment in the tables, and whether the files have
//! something.

use rusqlite::{Connection, OptionalExtension, params};

use crate::Error;

/// The row of `meta` with the last segment that is in the tables.
const DONE: &str = "journal";

/// The row of `meta` about the files: their format, whether they are in use, and the bytes that each has.
const FILES: &str = "journal_files";

/// The format of sectors and groups; see `sectors.rs`.
const FORMAT: u8 = 2;

/// Bytes of each file from its beginning on. It never grows, so one that is shorter was cut.
pub(crate) const FILE_BYTES: u64 = 2304 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The database was made just now.
    New,
    /// An earlier version wrote the files.
    FormatOne { done: u64 },
    /// All is in the tables, and the files have nothing, or are not there.
    Closed { done: u64 },
    /// The files have what is not in the tables yet.
    InUse { done: u64, file_bytes: u64 },
}

impl State {
    pub(crate) fn read(db: &Connection) -> Result<Self, Error> {
        let is_there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
        if db.query_row(is_there, [], |_| Ok(())).optional()?.is_none() {
            return Ok(Self::New);
        }
        let Some(done) = row(db, DONE)? else { return Ok(Self::New) };
        let done = <[u8; 8]>::try_from(done).map_err(|_| unreadable())?;
        let done = u64::from_le_bytes(done);
        let Some(files) = row(db, FILES)? else { return Ok(Self::FormatOne { done }) };
        match <[u8; 10]>::try_from(files) {
            Ok([FORMAT, 0, ..]) => Ok(Self::Closed { done }),
            Ok([FORMAT, _, bytes @ ..]) => Ok(Self::InUse { done, file_bytes: u64::from_le_bytes(bytes) }),
            _ => Err(unreadable()),
        }
    }

    /// The last segment that is in the tables.
    pub(crate) fn done(self) -> Option<u64> {
        match self {
            Self::New => None,
            Self::FormatOne { done } | Self::Closed { done } | Self::InUse { done, .. } => Some(done),
        }
    }
}

/// Records in the open transaction that with it `segment`, and all before it, is in the tables.
pub(crate) fn mark_applied(db: &Connection, segment: u64) -> Result<(), Error> {
    put(db, DONE, &segment.to_le_bytes())
}

/// Records whether the files may have something that is not in the tables.
pub(crate) fn mark_in_use(db: &Connection, in_use: bool) -> Result<(), Error> {
    let mut files = [0; 10];
    (files[0], files[1]) = (FORMAT, in_use.into());
    files[2..].copy_from_slice(&FILE_BYTES.to_le_bytes());
    put(db, FILES, &files)
}

fn row(db: &Connection, name: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(db.query_row("SELECT value FROM meta WHERE name = ?", [name], |row| row.get(0)).optional()?)
}

fn put(db: &Connection, name: &str, value: &[u8]) -> Result<(), Error> {
    let put = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.prepare_cached(put)?.execute(params![name, value])?;
    Ok(())
}

fn unreadable() -> Error {
    Error::Corrupt("what it says of its journal; was it written by a newer version?".to_owned())
}
