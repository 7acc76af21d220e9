//! Where a store's data is while a test runs: the one thing in this suite that differs from database to database.

use std::path::Path;
use std::sync::Arc;

use model::env::Env;
use store::seal::MasterKey;
use store::store::Options;
use store::{Error, Store};
use tempfile::TempDir;

/// A database of one test's own, gone when it is dropped.
///
/// With a second kind of database this is where the suite chooses, by a feature of the test binary: `fresh` makes one of
/// that kind, `open` and `rotate` are its own.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    /// A place with nothing in it yet.
    pub(crate) fn fresh() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// Opens what is there, as a server does when it starts.
    pub(crate) async fn open(&self, master_key: &MasterKey, env: Arc<dyn Env>) -> Result<Store, Error> {
        self.open_with(master_key, env, true).await
    }

    /// The same, and says whether mail is sent.
    pub(crate) async fn open_with(
        &self,
        master_key: &MasterKey,
        env: Arc<dyn Env>,
        mail: bool,
    ) -> Result<Store, Error> {
        Store::open(Options { place: self.place(), master_key: master_key.clone(), env, mail }).await
    }

    /// Encrypts every secret anew.
    pub(crate) async fn rotate(&self, old: &MasterKey, new: &MasterKey, env: &dyn Env) -> Result<u64, Error> {
        Store::rotate_master_key(&self.place(), old, new, env).await
    }

    pub(crate) fn place(&self) -> store::store::Place {
        store::store::Place::Embedded { data_dir: self.dir.path().to_owned() }
    }

    /// The data directory, for what is true of the embedded database alone.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}
