//! A connection in use: statements in, rows out.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::{Row, Statement};

use super::param::{Param, Uuid};
use crate::Error;
use crate::clock;

/// Planner settings. Every query has an index that serves it; the planner must not read a whole table because its
/// statistics are of a time when it was small.
const PLANNER: [&str; 5] =
    ["enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off", "enable_material = off", "jit = off"];

/// Maximum time for which a node that was stopped in the middle of a transaction blocks others.
const IDLE_IN_TRANSACTION: &str = "idle_in_transaction_session_timeout = '5s'";

/// Maximum wait for a reply. No query takes a tenth of it on a healthy database.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection of the pool, used by one verb.
pub(super) struct Session {
    client: Option<Object>,
    /// True if no pooler shares the connection, so statements can be prepared by name and settings last.
    direct: bool,
    /// True after a query without a reply: the next reply over the connection may be to that one.
    silent: AtomicBool,
}

/// A statement that can be sent without waiting for a reply first.
#[derive(Clone)]
pub(super) enum Prepared {
    Named(Statement),
    Text(&'static str),
}

/// Settings made once on connections that no pooler shares.
pub(super) fn settings() -> String {
    PLANNER.iter().chain([&IDLE_IN_TRANSACTION]).map(|setting| format!("SET {setting};")).collect()
}

impl Session {
    pub(super) fn new(client: Object, direct: bool) -> Self {
        Self { client: Some(client), direct, silent: AtomicBool::new(false) }
    }

    fn client(&self) -> &Object {
        self.client.as_ref().expect("it is taken when the session is over, and then the session is gone")
    }

    /// Waits for a reply, at most [`ANSWER`]: a network that drops everything blocks nobody for ever.
    async fn answered<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Error>
    where
        Error: From<E>,
    {
        match clock::within(ANSWER, work).await {
            Some(answer) => Ok(answer?),
            None => {
                self.silent.store(true, Ordering::Relaxed);
                Err(Error::Connection(format!("the database has not answered within {ANSWER:?}")))
            }
        }
    }

    pub(super) async fn query(&self, sql: &str, params: &[&dyn Param]) -> Result<Vec<Row>, Error> {
        if self.direct {
            let kinds: Vec<_> = params.iter().map(|param| param.kind()).collect();
            let statement = self.answered(self.client().prepare_typed_cached(sql, &kinds)).await?;
            let values: Vec<_> = params.iter().map(|param| param.value()).collect();
            return self.answered(self.client().query(&statement, &values)).await;
        }
        let values: Vec<_> = params.iter().map(|param| (param.value(), param.kind())).collect();
        self.answered(self.client().query_typed(sql, &values)).await
    }

    pub(super) async fn query_opt(&self, sql: &str, params: &[&dyn Param]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    pub(super) async fn query_one(&self, sql: &str, params: &[&dyn Param]) -> Result<Row, Error> {
        let row = self.query_opt(sql, params).await?;
        row.ok_or_else(|| Error::Corrupt("a row that is always there is not".to_owned()))
    }

    /// All rows of `select`, or those whose `column` is among `only`; in its order.
    pub(super) async fn query_of(&self, select: &str, column: &str, only: Option<&[Uuid]>) -> Result<Vec<Row>, Error> {
        let Some(only) = only else { return self.query(&format!("{select} ORDER BY {column}"), &[]).await };
        let sql = format!("{select} WHERE {column} = ANY($1) ORDER BY {column}");
        self.query(&sql, &[&only.to_vec()]).await
    }

    /// Returns the number of rows affected.
    pub(super) async fn execute(&self, sql: &str, params: &[&dyn Param]) -> Result<u64, Error> {
        if self.direct {
            let kinds: Vec<_> = params.iter().map(|param| param.kind()).collect();
            let statement = self.answered(self.client().prepare_typed_cached(sql, &kinds)).await?;
            let values: Vec<_> = params.iter().map(|param| param.value()).collect();
            return self.answered(self.client().execute(&statement, &values)).await;
        }
        let values: Vec<_> = params.iter().map(|param| (param.value(), param.kind())).collect();
        self.answered(self.client().execute_typed(sql, &values)).await
    }

    /// Prepares a statement, so that several can be in flight at once with [`send`](Self::send).
    pub(super) async fn prepare(&self, sql: &'static str, params: &[&dyn Param]) -> Result<Prepared, Error> {
        if !self.direct {
            return Ok(Prepared::Text(sql));
        }
        let kinds: Vec<_> = params.iter().map(|param| param.kind()).collect();
        Ok(Prepared::Named(self.answered(self.client().prepare_typed_cached(sql, &kinds)).await?))
    }

    /// The statement is sent on the first poll; statements arrive in the order of their first polls.
    pub(super) async fn send(&self, prepared: &Prepared, params: &[&dyn Param]) -> Result<Vec<Row>, Error> {
        match prepared {
            Prepared::Named(statement) => {
                let values: Vec<_> = params.iter().map(|param| param.value()).collect();
                self.answered(self.client().query(statement, &values)).await
            }
            Prepared::Text(sql) => {
                let values: Vec<_> = params.iter().map(|param| (param.value(), param.kind())).collect();
                self.answered(self.client().query_typed(sql, &values)).await
            }
        }
    }

    pub(super) async fn begin(&self) -> Result<(), Error> {
        self.run(&self.beginning("BEGIN")).await
    }

    /// Begins a transaction whose commit a crash of the database may undo: it does not wait for the log's sync.
    pub(super) async fn begin_unsynced(&self) -> Result<(), Error> {
        self.run(&(self.beginning("BEGIN") + "; SET LOCAL synchronous_commit = off")).await
    }

    /// Begins a read-only transaction in which all queries see the same state.
    pub(super) async fn begin_snapshot(&self) -> Result<(), Error> {
        self.run(&self.beginning("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await
    }

    /// Until the end of the transaction, ordered rows are read from an index in that order, as many as are needed, and
    /// not all of them sorted, however few the planner expects.
    pub(super) async fn in_order(&self) -> Result<(), Error> {
        self.run("SET LOCAL enable_sort = off").await
    }

    fn beginning(&self, begin: &str) -> String {
        if self.direct {
            return begin.to_owned();
        }
        let settings = PLANNER.iter().chain([&IDLE_IN_TRANSACTION]).map(|setting| format!(" SET LOCAL {setting};"));
        settings.fold(format!("{begin};"), |begin, setting| begin + &setting)
    }

    pub(super) async fn commit(&self) -> Result<(), Error> {
        self.run("COMMIT").await
    }

    /// Runs a rare query with its values in its text.
    pub(super) async fn query_text(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.answered(self.client().query_typed(sql, &[])).await
    }

    /// Runs a rare statement with changing names in its text.
    pub(super) async fn execute_text(&self, sql: &str, params: &[&dyn Param]) -> Result<u64, Error> {
        let values: Vec<_> = params.iter().map(|param| (param.value(), param.kind())).collect();
        self.answered(self.client().execute_typed(sql, &values)).await
    }

    /// Runs statements without values.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Error> {
        self.answered(self.client().batch_execute(sql)).await
    }

    /// Closes the connection: an open transaction on it is rolled back.
    pub(super) fn abandon(mut self) {
        self.client.take().map(Object::take);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.silent.load(Ordering::Relaxed) {
            self.client.take().map(Object::take);
        }
    }
}
