//! Where a server's data is while a test runs: the one thing in this suite that differs from database to database.

use std::path::{Path, PathBuf};

use server::config::{self, Config, Environment, Flags};
use tempfile::TempDir;
use testkit::postgres::Database;

/// Data of one test's own, gone when it is dropped. Servers that follow each other on it find what was there.
pub(crate) struct Place {
    directory: TempDir,
    data_dir: String,
    /// Where this run is on PostgreSQL. The keys are in the data directory all the same.
    database: Option<Database>,
}

impl Place {
    /// With nothing in it yet, not even a data directory.
    pub(crate) async fn fresh() -> Self {
        Self { database: Database::if_asked_for().await, ..Self::embedded() }
    }

    /// The same for the embedded database, whatever this run is on: for what is about its files.
    pub(crate) fn embedded() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data_dir = directory.path().join("data").to_str().expect("a temporary path is UTF-8").to_owned();
        Self { directory, data_dir, database: None }
    }

    /// The same on PostgreSQL, whatever this run is on: for what several nodes do on the same data.
    pub(crate) async fn on_postgres() -> Self {
        Self { database: Some(Database::fresh().await), ..Self::embedded() }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        Path::new(&self.data_dir)
    }

    /// The path of a file beside the data.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The flags of commands on the data.
    pub(crate) fn flags(&self) -> Vec<&str> {
        let database = self.database.iter().flat_map(|database| ["--database-url", database.url()]);
        ["--data-dir", &self.data_dir].into_iter().chain(database).collect()
    }

    /// The configuration of a server on the data that says nothing else.
    pub(crate) fn config(&self) -> Config {
        let database = self.database.iter().map(|database| ("POSTHASTE_DATABASE_URL", database.url()));
        // It is a server on a clock of its own: none is to lose its lease by the one on the wall.
        let settings = [("POSTHASTE_DATA_DIR", self.data_dir.as_str()), ("POSTHASTE_LEASE", "60s")];
        let settings = settings.into_iter().chain(database);
        let environment: Environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        config::load(&Flags::default(), &environment).expect("a server can be on such data")
    }

    /// What the database holds, where its files are not in the data directory.
    pub(crate) async fn contents(&self) -> Vec<u8> {
        match &self.database {
            Some(database) => database.contents().await,
            None => Vec::new(),
        }
    }
}
