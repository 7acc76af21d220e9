//! The embedded database, open: one thread that writes, some connections that read.

use std::path::Path;
use std::sync::Arc;

use model::env::Env;
use rusqlite::Connection;

use super::Database;
use super::batch::Batch;
use super::checkpoints::{Checkpoints, SIZES};
use super::committer::Committer;
use super::journal::Journal;
use super::lock::Lock;
use super::readers::{self, Readers};
use super::tables::Tables;
use super::writer::Writer;
use crate::Error;
use crate::published::Published;
use crate::seal::{MasterKey, Seal};

pub(crate) struct Embedded {
    writer: Writer,
    readers: Readers,
    /// Held as long as we live: one process at a time on a data directory.
    _lock: Lock,
}

impl Embedded {
    /// Opens the database in `data_dir`, making it where there is none, and brings it up to date.
    pub(crate) fn open(
        data_dir: &Path,
        master_key: &MasterKey,
        env: &Arc<dyn Env>,
        published: Published,
    ) -> Result<Self, Error> {
        let lock = Lock::take(data_dir)?;
        let seal = Arc::new(Seal::new(master_key));
        let path = data_dir.join(Database::FILE);
        let Database { connection, directory } = Database::open(&path, &seal, env)?;
        let journal = Journal::open(data_dir, &connection, &**env)?;
        published.directory.store(Arc::new(directory));
        let checkpoints = Checkpoints::of(&connection, &path, SIZES)?;
        let tables = Tables::new(connection, checkpoints)?;
        let committer = Committer::new(tables, readers::connect(&path)?, journal, seal, env.clone(), published)?;
        let writer = Writer::start(committer)?;
        Ok(Self { writer, readers: Readers::open(&path)?, _lock: lock })
    }

    pub(crate) fn migrate(data_dir: &Path) -> Result<Vec<String>, Error> {
        let _lock = Lock::take(data_dir)?;
        Database::migrate(&data_dir.join(Database::FILE))
    }

    pub(crate) fn is_in(data_dir: &Path) -> bool {
        data_dir.join(Database::FILE).exists()
    }

    pub(crate) fn rekey(data_dir: &Path, old: &MasterKey, new: &MasterKey, env: &dyn Env) -> Result<u64, Error> {
        let _lock = Lock::take(data_dir)?;
        super::rekey::rekey(&data_dir.join(Database::FILE), &Seal::new(old), &Seal::new(new), env)
    }

    pub(crate) async fn stopped(&self) {
        self.writer.stopped().await;
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.writer.reach_tables().await
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.readers.close();
    }

    pub(crate) fn write<T, F>(&self, verb: F) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.writer.write(verb)
    }

    pub(crate) fn write_then<T, F, S>(&self, verb: F, say: S) -> impl Future<Output = ()> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
        S: FnOnce(Result<T, Error>) + Send + 'static,
    {
        self.writer.write_then(verb, say)
    }

    pub(crate) async fn read<T, F>(&self, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        self.writer.catch_up().await?;
        self.readers.read(verb).await
    }
}
