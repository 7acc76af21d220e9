//! Why the store could not do what it was asked. An `Err` here means that we are broken, never that input was wrong.

use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("{} is in use by another posthaste process; stop it first, or use another data directory", .0.display())]
    InUse(PathBuf),
    #[error(
        "this master key is not the one that the database's secrets are encrypted with; give the right one with POSTHASTE_MASTER_KEY or --master-key-file"
    )]
    WrongMasterKey,
    #[error("the database cannot be brought up to date, or is of a newer version of Posthaste: {0}")]
    Migration(String),
    #[error("cannot use {}: {cause}", path.display())]
    Files { path: PathBuf, cause: Arc<std::io::Error> },
    #[error("the database failed")]
    Database(#[source] Arc<rusqlite::Error>),
    #[error("the database holds what it should not: {0}")]
    Corrupt(String),
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
