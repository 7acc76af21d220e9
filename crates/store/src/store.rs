//! The store's handle: opened once, cloned freely.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use model::env::Env;
use tokio::sync::{Notify, broadcast};

use crate::Error;
use crate::directory::Directory;
use crate::feed::{self, Feed, Recorded};
use crate::seal::{MasterKey, Seal};
use crate::sqlite::readers::Readers;
use crate::sqlite::writer::{Batch, Published, Writer};
use crate::sqlite::{self, Database};

/// Attempts that a slow watcher may be behind by before it misses some.
const WATCHED: usize = 4096;

/// Where the data is and with which key its secrets are read.
pub struct Options {
    pub data_dir: PathBuf,
    pub master_key: MasterKey,
    pub env: Arc<dyn Env>,
    /// Whether mail is sent to admins. Where it is not, none is put into the outbox, where it would wait for ever.
    pub mail: bool,
}

#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    env: Arc<dyn Env>,
    writer: Writer,
    readers: Readers,
    directory: Arc<ArcSwap<Directory>>,
    feed: Mutex<Option<Feed>>,
    watchers: broadcast::Sender<Recorded>,
    jobs: Notify,
    mails: Arc<Notify>,
    /// Held as long as we live: one process at a time on a data directory.
    _lock: sqlite::lock::Lock,
}

impl Store {
    /// Opens the database in `data_dir`, making it where there is none, and brings it up to date.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let lock = sqlite::lock::Lock::take(&options.data_dir)?;
        let seal = Arc::new(Seal::new(&options.master_key));
        let path = options.data_dir.join(Database::FILE);
        let database = Database::open(&path, &seal, &options.env)?;
        let directory = Arc::new(ArcSwap::from_pointee(database.directory));
        let (publisher, feed) = feed::channel();
        let (watchers, _) = broadcast::channel(WATCHED);
        let mails = Arc::new(Notify::new());
        let published = Published {
            directory: directory.clone(),
            feed: publisher,
            watchers: watchers.clone(),
            mails: options.mail.then(|| mails.clone()),
        };
        let writer = Writer::start(database.connection, seal, options.env.clone(), published)?;
        let readers = Readers::open(&path)?;
        let feed = Mutex::new(Some(feed));
        let (env, jobs) = (options.env, Notify::new());
        let inner = Inner { env, writer, readers, directory, feed, watchers, jobs, mails, _lock: lock };
        let store = Self { inner: Arc::new(inner) };
        store.finish_deletions().await?;
        Ok(store)
    }

    /// Brings the database in `data_dir` up to date and does nothing else.
    pub fn migrate(data_dir: &Path) -> Result<Vec<String>, Error> {
        let _lock = sqlite::lock::Lock::take(data_dir)?;
        Database::migrate(&data_dir.join(Database::FILE))
    }

    /// Whether there is a database in `data_dir`.
    pub fn is_in(data_dir: &Path) -> bool {
        data_dir.join(Database::FILE).exists()
    }

    /// Encrypts every secret anew with `new`. The database knows either key entirely or not at all.
    pub fn rotate_master_key(data_dir: &Path, old: &MasterKey, new: &MasterKey, env: &dyn Env) -> Result<u64, Error> {
        let _lock = sqlite::lock::Lock::take(data_dir)?;
        sqlite::rekey::rekey(&data_dir.join(Database::FILE), &Seal::new(old), &Seal::new(new), env)
    }

    /// Projects, keys and endpoints as of the last commit.
    pub fn directory(&self) -> arc_swap::Guard<Arc<Directory>> {
        self.inner.directory.load()
    }

    /// The feed of committed work. There is one, for the one engine of this process.
    pub fn feed(&self) -> Option<Feed> {
        self.inner.feed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Attempts as they are recorded from now on.
    pub fn watch(&self) -> broadcast::Receiver<Recorded> {
        self.inner.watchers.subscribe()
    }

    /// Resolves when a job was made, or an endpoint deleted, since this was last called.
    pub async fn jobs_woken(&self) {
        self.inner.jobs.notified().await;
    }

    /// Resolves when a mail was put into the outbox since this was last called.
    pub async fn mails_woken(&self) {
        self.inner.mails.notified().await;
    }

    pub(crate) fn now(&self) -> model::time::Timestamp {
        self.inner.env.now()
    }

    pub(crate) fn wake_jobs(&self) {
        self.inner.jobs.notify_one();
    }

    /// Whether the database answers: asked by `/readyz`.
    pub async fn ping(&self) -> Result<(), Error> {
        self.write(|_| Ok(())).await
    }

    /// Resolves when the store can take nothing more, because it was closed or because its writer died. A process that
    /// did not close it is of no use any more.
    pub async fn stopped(&self) {
        self.inner.writer.stopped().await;
    }

    /// Waits until everything handed in is committed, then stops. Verbs fail with [`Error::Stopped`] from now on.
    pub async fn close(&self) {
        self.inner.writer.close().await;
        self.inner.readers.close();
    }

    pub(crate) async fn write<T, F>(&self, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.inner.writer.write(verb).await
    }

    pub(crate) async fn read<T, F>(&self, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, Error> + Send + 'static,
    {
        self.inner.readers.read(verb).await
    }

    /// Goes on with deletions of endpoints that a crash, or a caller who left, interrupted.
    pub async fn finish_deletions(&self) -> Result<(), Error> {
        for endpoint in self.read(sqlite::endpoints::half_deleted).await? {
            self.cancel_pending(endpoint).await?;
        }
        Ok(())
    }
}
