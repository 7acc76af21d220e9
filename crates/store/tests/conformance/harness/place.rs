//! The location of a store's data while a test runs: the one thing in this suite that differs between databases.

use std::path::Path;
use std::sync::Arc;

use model::env::Env;
use store::handle::{Options, Postgres};
use store::seal::MasterKey;
use store::{Error, Store};
use tempfile::TempDir;
use testkit::postgres::Database;

/// A database of one test's own, gone when it is dropped.
pub(crate) enum Place {
    Embedded(Arc<TempDir>),
    Postgres(Database),
    /// A PostgreSQL made elsewhere, with this node's settings.
    Shared(Box<Postgres>),
}

impl Place {
    /// An empty place, in the kind of database that this run is on.
    pub(crate) async fn fresh() -> Self {
        Database::if_asked_for().await.map_or_else(Self::embedded, Self::Postgres)
    }

    /// An empty place for the embedded database, whatever this run is on.
    pub(crate) fn embedded() -> Self {
        Self::Embedded(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Opens the store there, as a server does when it starts.
    pub(crate) async fn open(&self, master_key: &MasterKey, env: Arc<dyn Env>) -> Result<Store, Error> {
        self.open_with(master_key, env, true).await
    }

    /// As [`Self::open`], but goes on if the journal is damaged.
    pub(crate) async fn open_in_spite_of_damage(
        &self,
        master_key: &MasterKey,
        env: Arc<dyn Env>,
    ) -> Result<Store, Error> {
        let (place, master_key) = (self.place(), master_key.clone());
        Store::open(Options { backend: place, master_key, env, mail: true, accept_journal_loss: true }).await
    }

    /// As [`Self::open`], with or without mail.
    pub(crate) async fn open_with(
        &self,
        master_key: &MasterKey,
        env: Arc<dyn Env>,
        mail: bool,
    ) -> Result<Store, Error> {
        let (place, master_key) = (self.place(), master_key.clone());
        Store::open(Options { backend: place, master_key, env, mail, accept_journal_loss: false }).await
    }

    /// Encrypts every secret anew.
    pub(crate) async fn rotate(&self, old: &MasterKey, new: &MasterKey, env: &dyn Env) -> Result<u64, Error> {
        Store::rotate_master_key(&self.place(), old, new, env).await
    }

    pub(crate) fn place(&self) -> store::handle::Backend {
        match self {
            Self::Embedded(dir) => store::handle::Backend::Embedded { data_dir: dir.path().to_owned() },
            Self::Postgres(database) => store::handle::Backend::Postgres(Postgres::at(database.url())),
            Self::Shared(postgres) => store::handle::Backend::Postgres(Postgres::clone(postgres)),
        }
    }

    /// All stored bytes, as an intruder would read them.
    pub(crate) async fn contents(&self) -> Vec<u8> {
        match self {
            Self::Embedded(dir) => {
                let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
                files.flat_map(|path| std::fs::read(path).unwrap()).collect()
            }
            Self::Postgres(database) => database.contents().await,
            Self::Shared(_) => panic!("whoever made it is asked"),
        }
    }

    /// A second handle to an embedded place.
    pub(crate) fn beside(&self) -> Self {
        match self {
            Self::Embedded(dir) => Self::Embedded(dir.clone()),
            Self::Postgres(_) | Self::Shared(_) => panic!("it is for the embedded database"),
        }
    }

    /// A copy of an embedded place's files as they are now.
    pub(crate) fn copied(&self) -> Self {
        let copy = Self::embedded();
        for entry in std::fs::read_dir(self.dir()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, copy.dir().join(path.file_name().unwrap())).unwrap();
        }
        copy
    }

    /// The data directory, for tests of the embedded database alone.
    pub(crate) fn dir(&self) -> &Path {
        match self {
            Self::Embedded(dir) => dir.path(),
            Self::Postgres(_) | Self::Shared(_) => panic!("a PostgreSQL has no data directory"),
        }
    }
}
