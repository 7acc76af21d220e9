//! The database behind the servers: SQLite in the server's own process, or PostgreSQL in its processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::BenchError;
use crate::postgres::Postgres;

/// The database asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Sqlite,
    /// One of our own for each scenario, run by the programs in this directory.
    Own(PathBuf),
    /// One that is given. Nothing is known of its costs.
    Given(String),
}

/// A database, for as long as its servers run.
pub(crate) enum Database {
    Sqlite,
    Own(Postgres),
    Given(String),
}

impl Choice {
    pub(crate) fn open(&self, work_dir: &Path) -> Result<Database, BenchError> {
        Ok(match self {
            Self::Sqlite => Database::Sqlite,
            Self::Own(programs) => Database::Own(Postgres::start(programs, work_dir)?),
            Self::Given(url) => Database::Given(url.clone()),
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Own(_) | Self::Given(_) => "PostgreSQL",
        }
    }
}

impl Database {
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite => None,
            Self::Own(postgres) => Some(postgres.url()),
            Self::Given(url) => Some(url),
        }
    }

    /// Processor time of its own processes, if it has some and they are ours.
    pub(crate) fn processor_time(&self) -> Result<Option<Duration>, BenchError> {
        match self {
            Self::Own(postgres) => postgres.processor_time().map(Some),
            Self::Sqlite | Self::Given(_) => Ok(None),
        }
    }

    /// Bytes written, of the same processes.
    pub(crate) fn written_bytes(&self) -> Result<Option<u64>, BenchError> {
        match self {
            Self::Own(postgres) => postgres.written_bytes().map(Some),
            Self::Sqlite | Self::Given(_) => Ok(None),
        }
    }

    /// Bytes on disk outside of the servers' directories.
    pub(crate) fn bytes_on_disk(&self) -> Result<u64, BenchError> {
        match self {
            Self::Own(postgres) => Ok(postgres.bytes_on_disk()?),
            Self::Sqlite | Self::Given(_) => Ok(0),
        }
    }
}
