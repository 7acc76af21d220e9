//! Failures of a database's files, in words that say what to do.

use std::fmt;

use rusqlite::ErrorCode;

/// The trouble with a database's file, or with its location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    DiskFull,
    Damaged,
    NotADatabase,
    NotWritable,
    CannotOpen,
    /// The disk, or something between us and it, failed; some disks say only at a sync that they are full.
    Disk,
    InUse,
    OutOfMemory,
    /// A bug of ours.
    Other,
}

impl Trouble {
    pub(crate) fn of(error: &rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else { return Self::Other };
        match code {
            ErrorCode::DiskFull => Self::DiskFull,
            ErrorCode::DatabaseCorrupt => Self::Damaged,
            ErrorCode::NotADatabase => Self::NotADatabase,
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::NotWritable,
            ErrorCode::CannotOpen => Self::CannotOpen,
            ErrorCode::SystemIoFailure => Self::Disk,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => Self::InUse,
            ErrorCode::OutOfMemory => Self::OutOfMemory,
            _ => Self::Other,
        }
    }

    /// Advice to the operator.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::DiskFull => "make room on that disk; what was accepted is safe",
            Self::Damaged | Self::NotADatabase => {
                "stop posthaste, keep a copy of the directory, and put a backup of the file back; without one, the `sqlite3` \
                 program's command `.recover` saves what can be read. `posthaste doctor --deep` tells what is damaged"
            }
            Self::NotWritable => {
                "let the user that posthaste runs as write the file and its directory, and see that the disk is not full"
            }
            Self::CannotOpen => {
                "see that it is a file, that the user that posthaste runs as may read and write it, and that the disk is not full"
            }
            Self::Disk => {
                "make room if it is full; else see the system's log, and move the directory to a disk that works"
            }
            Self::InUse => "end the other program that has it open for writing",
            Self::OutOfMemory => "give the process more memory",
            Self::Other => "this is a mistake in Posthaste: please report it with the log",
        }
    }
}

/// Continues a sentence that begins with "the database".
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "cannot grow: the server's disk is full",
            Self::Damaged => "is damaged",
            Self::NotADatabase => "is not a database, or its beginning is damaged",
            Self::NotWritable => "cannot be written",
            Self::CannotOpen => "cannot be opened",
            Self::Disk => "cannot be read or written: the disk failed, or is full",
            Self::InUse => "is locked by another program",
            Self::OutOfMemory => "needs more memory than there is",
            Self::Other => "failed",
        })
    }
}
