//! The open embedded database: one thread that writes, some connections that read.

use std::path::Path;
use std::sync::Arc;

use model::actor::Actor;
use model::env::Env;
use model::id::ProjectId;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::commit::committer::Committer;
use super::commit::flush::MainConnection;
use super::commit::txn::WriteTxn;
use super::commit::writer::Writer;
use super::journal::Journal;
use super::journal::crash_recovery::Examined;
use super::lock::Lock;
use super::open::{self, Database};
use super::readers::Readers;
use super::wal_checkpoint::{Checkpoints, SIZES};
use super::{connect, inspect};
use crate::Error;
use crate::commit_sink::CommitSink;
use crate::error::{COUNTING, DEADLINE};
use crate::seal::{MasterKey, Seal};

pub(crate) struct Embedded {
    writer: Writer,
    readers: Readers,
}

impl Embedded {
    /// Opens the database in `data_dir`, creates it if there is none, and brings it up to date.
    pub(crate) fn open(
        data_dir: &Path,
        master_key: &MasterKey,
        env: &Arc<dyn Env>,
        published: CommitSink,
        accept_journal_loss: bool,
    ) -> Result<Self, Error> {
        let path = data_dir.join(Database::FILE);
        Self::open_files(data_dir, master_key, env, published, accept_journal_loss).map_err(|error| error.at(&path))
    }

    fn open_files(
        data_dir: &Path,
        master_key: &MasterKey,
        env: &Arc<dyn Env>,
        published: CommitSink,
        accept_journal_loss: bool,
    ) -> Result<Self, Error> {
        let lock = Lock::take(data_dir)?;
        let seal = Arc::new(Seal::new(master_key));
        let path = data_dir.join(Database::FILE);
        let (connection, examined) = examine(data_dir, &path, accept_journal_loss)?;
        let Database { connection, directory } = Database::of(connection, &seal, env)?;
        let journal = Journal::open(examined, data_dir, &connection, &**env)?;
        published.directory.store(Arc::new(directory));
        let checkpoints = Checkpoints::of(&connection, &path, SIZES)?;
        let tables = MainConnection::new(connection, checkpoints)?;
        let committer = Committer::new(tables, connect::to_read(&path)?, journal, seal, env.clone(), published)?;
        let readers = Readers::open(&path)?;
        Ok(Self { writer: Writer::start(committer, lock)?, readers })
    }

    pub(crate) fn migrate(data_dir: &Path) -> Result<Vec<String>, Error> {
        let _lock = Lock::take(data_dir)?;
        let path = data_dir.join(Database::FILE);
        Database::migrate(&path).map_err(|error| error.at(&path))
    }

    pub(crate) fn is_in(data_dir: &Path) -> bool {
        data_dir.join(Database::FILE).exists()
    }

    pub(crate) fn rekey(data_dir: &Path, old: &MasterKey, new: &MasterKey, env: &dyn Env) -> Result<u64, Error> {
        let _lock = Lock::take(data_dir)?;
        let path = data_dir.join(Database::FILE);
        super::rekey::rekey(&path, &Seal::new(old), &Seal::new(new), env).map_err(|error| error.at(&path))
    }

    /// True if a master key is in use there. Changes nothing.
    pub(crate) fn has_secrets(data_dir: &Path) -> Result<bool, Error> {
        let path = data_dir.join(Database::FILE);
        if std::fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
            inspect::read_only(&path).and_then(|db| open::has_key(&db)).map_err(|error| error.at(&path))
        } else {
            Ok(false)
        }
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

    pub(crate) fn write<T, F>(
        &self,
        by: &Actor,
        of: Option<ProjectId>,
        verb: F,
    ) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.writer.write(by, of, verb)
    }

    /// The same for a slice of long work, a project's or Posthaste's own.
    pub(crate) fn write_aside<T, F>(
        &self,
        by: &Actor,
        of: Option<ProjectId>,
        verb: F,
    ) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.writer.write_aside(by, of, verb)
    }

    /// True if others commit, beside those that bring slices.
    pub(crate) fn is_busy(&self) -> bool {
        self.writer.is_busy()
    }

    /// True while several projects commit.
    pub(crate) fn has_company(&self) -> bool {
        self.writer.has_company()
    }

    pub(crate) fn write_then<T, F, S>(
        &self,
        by: &Actor,
        of: Option<ProjectId>,
        verb: F,
        on_done: S,
    ) -> impl Future<Output = ()> + Send
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send + 'static,
        S: FnOnce(Result<T, Error>) + Send + 'static,
    {
        self.writer.write_then(by, of, verb, on_done)
    }

    pub(crate) async fn read<T, F>(&self, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        self.writer.flush().await?;
        self.readers.read(verb).await
    }

    /// The same for a search of a project, within [`DEADLINE`].
    pub(crate) async fn search<T, F>(&self, project: ProjectId, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.writer.flush().await?;
        self.readers.search(project, DEADLINE, verb).await
    }

    /// The same for a count of a project, within [`COUNTING`].
    pub(crate) async fn count<T, F>(&self, project: ProjectId, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Error> + Send + Sync + 'static,
    {
        self.writer.flush().await?;
        self.readers.count(project, COUNTING, verb).await
    }
}

/// Connects to the database and examines its journal. If that is damaged, nothing has been changed.
fn examine(data_dir: &Path, path: &Path, accept_loss: bool) -> Result<(Connection, Examined), Error> {
    if !path.exists() {
        let examined = Examined::of(data_dir, None)?;
        examined.check(accept_loss)?;
        return Ok((connect::connect(path)?, examined));
    }
    let connection = connect::connect(path)?;
    // Otherwise closing a connection that is refused would copy what the log has into the database.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let examined = Examined::of(data_dir, Some(&connection))?;
    examined.check(accept_loss)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok((connection, examined))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use futures_util::stream::FuturesUnordered;
    use futures_util::{FutureExt, StreamExt};
    use rusqlite::params;
    use testkit::clock::TestEnv;
    use testkit::patiently;

    use super::*;
    use crate::handle::{Backend, Database, Options, Store};
    use crate::sqlite::commit::project_queues::REMEMBERED;
    use crate::sqlite::journal::record::RecordKind;

    async fn a_store(data_dir: &Path) -> Store {
        let env: Arc<dyn Env> = Arc::new(TestEnv::new());
        let place = Backend::Embedded { data_dir: data_dir.to_owned() };
        let master_key = MasterKey::generate(&*env);
        Store::open(Options { backend: place, master_key, env, mail: false, accept_journal_loss: false }).await.unwrap()
    }

    #[tokio::test]
    async fn a_store_that_is_dropped_keeps_its_directory_until_its_writer_has_ended() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = a_store(directory.path()).await;
        let Database::Embedded(db) = store.database() else { panic!("it is embedded") };
        let (go_on, told) = mpsc::channel::<()>();
        let (ended, end) = tokio::sync::oneshot::channel();
        let verb = move |_: &mut WriteTxn<'_>| {
            told.recv().unwrap();
            Ok(())
        };
        db.write_then(&Actor::System, None, verb, |committed| ended.send(committed).unwrap()).await;

        drop(store);
        assert!(matches!(Lock::take(directory.path()), Err(Error::InUse(_))));
        go_on.send(()).unwrap();

        end.await.unwrap().unwrap();
        let free = async {
            while Lock::take(directory.path()).is_err() {
                tokio::task::yield_now().await;
            }
        };
        patiently(free, || "the writer has not ended".to_owned()).await;
    }

    /// Puts an idempotency key of a project there.
    fn commit(db: &Embedded, project: u8, key: String) -> impl Future<Output = Result<(), Error>> {
        db.write(&Actor::System, Some(ProjectId::from_bytes([project; 16])), move |txn| {
            txn.put(RecordKind::IdempotencyKey, params![[project; 16], key, 7, [2u8; 32]])
        })
    }

    #[tokio::test]
    async fn readers_that_wait_for_the_tables_make_nobody_forget_who_commits() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = a_store(directory.path()).await;
        let Database::Embedded(db) = store.database() else { panic!("it is embedded") };

        commit(db, 1, "0".to_owned()).await.unwrap();
        for key in 1..REMEMBERED {
            commit(db, 2, key.to_string()).await.unwrap();
            db.writer.flush().await.unwrap();
            assert!(db.has_company(), "after {key} commits and as many readers");
        }
    }

    #[tokio::test]
    async fn a_project_that_fills_the_journal_waits_for_the_tables_and_others_do_not() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = a_store(directory.path()).await;
        let Database::Embedded(db) = store.database() else { panic!("it is embedded") };
        commit(db, 1, "a".to_owned()).await.unwrap();
        commit(db, 2, "b".to_owned()).await.unwrap();
        db.writer.flush().await.unwrap();
        // Nothing comes into the tables while this connection has them.
        let other = connect::connect(&directory.path().join(open::Database::FILE)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();

        let mut many: FuturesUnordered<_> =
            (0..80).map(|number| commit(db, 1, format!("{number} {}", "x".repeat(50_000)))).collect();
        let filled = async {
            for _ in 0..30 {
                many.next().await.unwrap().unwrap();
            }
        };
        patiently(filled, || "the journal takes nothing".to_owned()).await;
        for number in 0..20 {
            let answered = async { commit(db, 2, number.to_string()).await.unwrap() };
            patiently(answered, || format!("commit {number} waits for another project's")).await;
        }
        while many.next().now_or_never().flatten().is_some() {}
        assert!(!many.is_empty(), "the journal has room for all of a project's");

        other.execute_batch("ROLLBACK").unwrap();
        while let Some(committed) = many.next().await {
            committed.unwrap();
        }
    }

    #[tokio::test]
    async fn what_waited_for_another_filling_goes_into_the_tables_while_others_commit() {
        let directory = tempfile::TempDir::new().unwrap();
        let store = a_store(directory.path()).await;
        let Database::Embedded(db) = store.database() else { panic!("it is embedded") };
        commit(db, 1, "a".to_owned()).await.unwrap();
        commit(db, 2, "b".to_owned()).await.unwrap();
        db.writer.flush().await.unwrap();
        let other = connect::connect(&directory.path().join(open::Database::FILE)).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        // The last key takes long on its way into the tables.
        other
            .execute_batch(
                "CREATE TRIGGER slow AFTER INSERT ON idempotency WHEN NEW.key LIKE 'last%' BEGIN SELECT count(*) FROM \
                 (WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 4000000) SELECT n FROM n); END; \
                 BEGIN IMMEDIATE",
            )
            .unwrap();
        // One segment is on its way, and waits; the next has more than the writer brings there itself.
        let keys = (0..24).map(|number| format!("{number} {}", "x".repeat(50_000)));
        let last = format!("last {}", "x".repeat(50_000));
        let committed: FuturesUnordered<_> = keys.chain([last]).map(|key| commit(db, 1, key)).collect();
        committed.for_each(async |committed| committed.unwrap()).await;
        let has = |key: &str| {
            let count = "SELECT count(*) FROM idempotency WHERE key LIKE ?";
            other.query_row(count, [format!("{key} %")], |row| row.get::<_, i64>(0)).unwrap() > 0
        };

        other.execute_batch("ROLLBACK").unwrap();
        let second = async {
            // The first segment is there, and somebody writes again.
            while !(has("0") && other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err()) {
                tokio::task::yield_now().await;
            }
        };
        patiently(second, || "the second filling does not go into the tables".to_owned()).await;
        commit(db, 2, "c".to_owned()).await.unwrap();

        assert!(!has("last"), "who commits waited until a filling was in the tables");
        db.writer.flush().await.unwrap();
        assert!(has("last"));
    }
}
