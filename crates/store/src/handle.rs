//! The store's handle: opened once, cloned freely. Each verb on it is one transaction in the database behind it.

mod cluster;
mod due;
mod endpoints;
mod fan_outs;
mod filtering;
mod ingest;
mod inspection;
mod jobs;
mod keys;
mod local_faults;
mod nodes;
mod notices;
mod outbox;
mod project_dialects;
mod projects;
mod record;
pub mod retention;
mod retries;
mod search;
mod slice;
mod waits;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use model::env::Env;
use model::id::DeliveryId;
use model::time::Timestamp;
use tokio::sync::{Notify, broadcast};

use crate::Error;
use crate::commit_sink::CommitSink;
use crate::directory::Directory;
use crate::feed::{self, Feed, Recorded};
use crate::holds::{Held, Holds};
use crate::local_faults::LocalFaults;
use crate::notices::Notices;
use crate::postgres;
use crate::postgres::node::Node;
use crate::seal::MasterKey;
use crate::sqlite;
use crate::sqlite::embedded::Embedded;

pub use crate::backend::{Backend, Postgres};

/// Attempts by which a slow watcher may be behind before it misses some.
const WATCHED: usize = 4096;

/// Location of the data, the key that its secrets are read with, and how the store runs on it.
pub struct Options {
    pub backend: Backend,
    pub master_key: MasterKey,
    pub env: Arc<dyn Env>,
    /// True if mail is sent to admins. Otherwise none is put into the outbox, where it would wait for ever.
    pub mail: bool,
    /// True if an embedded database opens although its journal is damaged, without what cannot be read.
    pub accept_journal_loss: bool,
}

#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// Id and time of this opening of the database.
    began: (DeliveryId, Timestamp),
    env: Arc<dyn Env>,
    database: Database,
    directory: Arc<ArcSwap<Directory>>,
    feed: Mutex<Option<Feed>>,
    watchers: broadcast::Sender<Recorded>,
    jobs: Arc<Notify>,
    fan_outs: Arc<Notify>,
    mails: Arc<Notify>,
    local_faults: LocalFaults,
    holds: Arc<Holds>,
    notices: Notices,
}

/// The database behind the verbs.
pub(crate) enum Database {
    Embedded(Embedded),
    Cluster(Node),
}

impl Store {
    /// Opens the database, creates its tables if there are none, and brings it up to date.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let Options { backend: place, master_key, env, mail, accept_journal_loss } = options;
        let (publisher, feed) = feed::channel();
        let (watchers, _) = broadcast::channel(WATCHED);
        let (mails, jobs) = (Arc::<Notify>::default(), Arc::<Notify>::default());
        let (fan_outs, holds) = (Arc::<Notify>::default(), Arc::<Holds>::default());
        let directory = Arc::<ArcSwap<Directory>>::default();
        let published = CommitSink {
            directory: directory.clone(),
            feed: publisher,
            watchers: watchers.clone(),
            jobs: jobs.clone(),
            fan_outs: fan_outs.clone(),
            holds: holds.clone(),
            outbox: mail.then(|| mails.clone()),
        };
        let database = match place {
            Backend::Embedded { data_dir } => {
                Database::Embedded(Embedded::open(&data_dir, &master_key, &env, published, accept_journal_loss)?)
            }
            Backend::Postgres(postgres) => {
                Database::Cluster(Node::open(postgres, &master_key, env.clone(), published).await?)
            }
        };
        let feed = Mutex::new(Some(feed));
        let began = (DeliveryId::new(&*env), env.now());
        let (local_faults, notices) = (LocalFaults::default(), Notices::default());
        let inner = Inner {
            began,
            env,
            database,
            directory,
            feed,
            watchers,
            jobs,
            fan_outs,
            mails,
            local_faults,
            holds,
            notices,
        };
        let store = Self { inner: Arc::new(inner) };
        match store.finish_what_was_begun().await {
            Ok(()) => Ok(store),
            Err(error) => {
                // The writer must have ended before the next attempt opens the same files.
                store.close().await;
                Err(error)
            }
        }
    }

    async fn finish_what_was_begun(&self) -> Result<(), Error> {
        self.finish_deletions().await?;
        self.seal_urls().await
    }

    /// Checks that the address of a PostgreSQL can be read. The error shows nothing that is secret in it.
    pub fn check_address(url: &str) -> Result<(), Error> {
        postgres::connect::check(url)
    }

    /// Brings the database up to date and does nothing else.
    pub async fn migrate(place: &Backend) -> Result<Vec<String>, Error> {
        match place {
            Backend::Embedded { data_dir } => Embedded::migrate(data_dir),
            Backend::Postgres(postgres) => Node::migrate(postgres).await,
        }
    }

    /// True if there is a database of ours.
    pub async fn is_in(place: &Backend) -> Result<bool, Error> {
        match place {
            Backend::Embedded { data_dir } => Ok(Embedded::is_in(data_dir)),
            Backend::Postgres(postgres) => Node::is_in(postgres).await,
        }
    }

    /// True if there are secrets that a master key is needed for. Changes nothing.
    pub async fn has_secrets(place: &Backend) -> Result<bool, Error> {
        match place {
            Backend::Embedded { data_dir } => Embedded::has_secrets(data_dir),
            Backend::Postgres(postgres) => Node::has_secrets(postgres).await,
        }
    }

    /// Re-encrypts every secret with `new` and returns the number of endpoints. The database has either key entirely or
    /// not at all.
    pub async fn rotate_master_key(
        place: &Backend,
        old: &MasterKey,
        new: &MasterKey,
        env: &dyn Env,
    ) -> Result<u64, Error> {
        match place {
            Backend::Embedded { data_dir } => Embedded::rekey(data_dir, old, new, env),
            Backend::Postgres(postgres) => Node::rekey(postgres, old, new, env).await,
        }
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

    /// Resolves when mail was put into the outbox since this was last called.
    pub async fn mails_woken(&self) {
        self.inner.mails.notified().await;
    }

    pub(crate) fn faults(&self) -> &LocalFaults {
        &self.inner.local_faults
    }

    /// Time for which commits have held those who wait for the next one, since the store was opened.
    pub fn held(&self) -> Held {
        self.inner.holds.held()
    }

    pub(crate) fn fan_outs(&self) -> &Notify {
        &self.inner.fan_outs
    }

    pub(crate) fn said(&self) -> &Notices {
        &self.inner.notices
    }

    pub(crate) fn began(&self) -> (DeliveryId, Timestamp) {
        self.inner.began
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.env.now()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.inner.env.elapsed()
    }

    pub(crate) fn wake_jobs(&self) {
        self.inner.jobs.notify_one();
    }

    /// Checks that the database answers; asked by `/readyz`.
    pub async fn ping(&self) -> Result<(), Error> {
        match self.database() {
            Database::Embedded(db) => db.ping().await,
            Database::Cluster(db) => db.ping().await,
        }
    }

    /// Resolves when the store can take nothing more, because it was closed or because its writer died. A process that
    /// did not close it is of no use any more.
    pub async fn stopped(&self) {
        match self.database() {
            Database::Embedded(db) => db.stopped().await,
            Database::Cluster(db) => db.stopped().await,
        }
    }

    /// Waits until everything submitted is committed, then stops. Verbs fail with [`Error::Stopped`] from now on.
    pub async fn close(&self) {
        match self.database() {
            Database::Embedded(db) => db.close().await,
            Database::Cluster(db) => db.close().await,
        }
        self.inner.holds.tell();
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Continues deletions of endpoints that a crash, or a caller who left, interrupted.
    pub async fn finish_deletions(&self) -> Result<(), Error> {
        let half_deleted = match self.database() {
            Database::Embedded(db) => db.read(sqlite::endpoints::half_deleted).await?,
            Database::Cluster(db) => postgres::endpoints::half_deleted(&db.context).await?,
        };
        for endpoint in half_deleted {
            self.cancel_pending(endpoint).await?;
        }
        Ok(())
    }
}
