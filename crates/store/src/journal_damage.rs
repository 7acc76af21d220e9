//! Damage of a journal, and what a person can do about it.

use std::fmt;
use std::path::PathBuf;

/// A journal that does not have what was written to it. Nothing of it was touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalDamage {
    pub faults: Vec<Fault>,
    /// Groups that can be read, in all files, and are not in the database yet.
    pub readable: usize,
}

/// Damage of one file of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub path: PathBuf,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The database has written to the file, and it is not there.
    Missing,
    /// The file ends before the length that it was made with.
    Short { bytes: u64, of: u64 },
    /// The file has bytes at this offset that were never written so.
    Damaged { offset: u64, readable: usize },
    /// The file has fewer groups than its successor says it had, or none.
    Incomplete { offset: u64, readable: usize },
    /// The file belongs to another database, or to a later state of this one.
    Foreign,
    /// The file has content, and the database beside it is new.
    Orphaned,
}

impl fmt::Display for JournalDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the journal is damaged, and holds events that were accepted: ")?;
        for (index, Fault { path, kind }) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{} {kind}", path.display())?;
        }
        let readable = match self.readable {
            0 => "no group of events".to_owned(),
            1 => "1 group of events".to_owned(),
            count => format!("{count} groups of events"),
        };
        write!(
            f,
            ". In all, {readable} can be read. Nothing was changed. Put the files back as they were if you have them; \
             or start with --accept-journal-loss: it takes what can be read, says what is lost, and keeps the files as \
             *.damaged-TIME"
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Short { bytes, of } => write!(f, "ends at byte {bytes} of {of}"),
            Self::Damaged { offset, readable } => {
                write!(f, "is damaged at byte {offset} ({readable} of its groups can be read)")
            }
            Self::Incomplete { offset, readable } => write!(
                f,
                "ends at byte {offset}, though its successor was begun after more had been written ({readable} of its \
                 groups can be read)"
            ),
            Self::Foreign => f.write_str("belongs to another database, or to a later state of this one"),
            Self::Orphaned => f.write_str("has events, and the database that it belongs to is not there"),
        }
    }
}

impl std::error::Error for JournalDamage {}
