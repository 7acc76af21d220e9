//! Errors of the store. An `Err` here means that we are broken, never that input was wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::journal_damage::JournalDamage;
use crate::trouble::Trouble;

/// Time limit of a search.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// Time limit of the count before a job.
pub(crate) const COUNTING: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("{} is in use by another posthaste process; stop it first, or use another data directory", .0.display())]
    InUse(PathBuf),
    #[error(
        "this master key is not the one that the database's secrets are encrypted with; give the right one with POSTHASTE_MASTER_KEY or --master-key-file"
    )]
    WrongMasterKey,
    #[error("nodes are running on this database ({0}); stop them all first")]
    Running(String),
    #[error("the database cannot be brought up to date, or is of a newer version of Posthaste: {0}")]
    Migration(String),
    #[error("cannot use {}: {}", path.display(), file_trouble(cause))]
    Files { path: PathBuf, cause: Arc<std::io::Error> },
    #[error("the database {}", Trouble::of(.0))]
    Database(#[source] Arc<rusqlite::Error>),
    /// The same, with the file it is about.
    #[error("the database {} {trouble}; {}", path.display(), trouble.remedy())]
    DatabaseFile { path: PathBuf, trouble: Trouble },
    #[error("the database failed")]
    Postgres(#[source] Arc<tokio_postgres::Error>),
    #[error("the database at {address} cannot be reached: {cause}; {remedy}")]
    Unreachable { address: String, cause: String, remedy: &'static str },
    #[error("no connection to the database: {0}")]
    Connection(String),
    #[error("{0}")]
    Address(String),
    #[error("{0}")]
    Journal(Arc<JournalDamage>),
    #[error("the database holds what it should not: {0}")]
    Corrupt(String),
    /// A search exceeded its time limit and was ended.
    #[error("a search took longer than {} s and was ended", DEADLINE.as_secs())]
    TooSlow,
    /// The project has as many searches under way, and waiting, as it may have.
    #[error("the project has too many searches under way")]
    Busy,
    #[error("the store has stopped")]
    Stopped,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl Error {
    pub(crate) fn files(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Files { path, cause: Arc::new(cause) }
    }
}

impl Error {
    /// True if nothing more can be stored until somebody makes room on the disk.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Database(error) => Trouble::of(error) == Trouble::DiskFull,
            Self::DatabaseFile { trouble, .. } => *trouble == Trouble::DiskFull,
            Self::Files { cause, .. } => is_full(cause),
            Self::Postgres(error) => error.code() == Some(&tokio_postgres::error::SqlState::DISK_FULL),
            _ => false,
        }
    }

    /// The same error, about the database in the file at `path`.
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Database(error) => Self::DatabaseFile { path: path.to_owned(), trouble: Trouble::of(&error) },
            other => other,
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn file_trouble(error: &std::io::Error) -> String {
    if is_full(error) { "the server's disk is full; make room there".to_owned() } else { error.to_string() }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            deadpool_postgres::PoolError::Closed => Self::Stopped,
            other => Self::Connection(other.to_string()),
        }
    }
}

impl Error {
    /// True if the database was not there, or went away: the same may succeed a little later.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Postgres(error) => is_absence(error),
            _ => false,
        }
    }
}

impl Error {
    /// Turns the database's error about a cancelled search into [`Error::TooSlow`].
    pub(crate) fn of_search(self) -> Self {
        let is_cancelled = match &self {
            Self::Database(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted),
            Self::Postgres(error) => error.code() == Some(&tokio_postgres::error::SqlState::QUERY_CANCELED),
            _ => false,
        };
        if is_cancelled { Self::TooSlow } else { self }
    }

    /// True if something with the same key is there already.
    pub(crate) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION))
    }
}

fn is_absence(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    match error.code() {
        // Class 57P: the server ended the connection, or is not ready for one. 53300: it can take no more. Class 08:
        // the connection failed.
        Some(code) => {
            let passing = [
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::READ_ONLY_SQL_TRANSACTION,
            ];
            passing.contains(code) || code.code().starts_with("57P") || code.code().starts_with("08")
        }
        // Without a code the server did not refuse: the connection broke, or was never made.
        None => {
            error.is_closed() || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
        }
    }
}
