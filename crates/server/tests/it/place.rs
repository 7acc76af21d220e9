//! Where a server's data is while a test runs: the one thing in this suite that differs from database to database.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Data of one test's own, gone when it is dropped. Servers that follow each other on it find what was there.
pub(crate) struct Place {
    directory: TempDir,
    data_dir: PathBuf,
}

impl Place {
    /// With nothing in it yet, not even a data directory.
    pub(crate) async fn fresh() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data_dir = directory.path().join("data");
        Self { directory, data_dir }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The path of a file beside the data.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The flags of commands on the data.
    pub(crate) fn flags(&self) -> Vec<&str> {
        vec!["--data-dir", self.data_dir.to_str().expect("a temporary path is UTF-8")]
    }
}
