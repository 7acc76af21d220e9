//! A connection in use: statements in, rows out.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::{Row, Statement};

use super::param::{Param, Uuid};
use crate::Error;
use crate::clock;

/// How plans are made. Every query has an index that serves it; the planner must not read a table from end to end
/// because its statistics are of a time when it was small.
const PLANNER: [&str; 5] =
    ["enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off", "enable_material = off", "jit = off"];

/// What a node that was stopped in the middle of a transaction holds back others for.
const IDLE_IN_TRANSACTION: &str = "idle_in_transaction_session_timeout = '5s'";

/// How long an answer is waited for. Nothing that is asked takes a tenth of it on a database that is well.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection of the pool, in the hands of one verb.
pub(super) struct Session {
    client: Option<Object>,
    /// Whether the connection is ours from first to last, so that statements can be prepared by name and settings last.
    direct: bool,
    /// Something was not answered: what comes next over it may be that answer.
    silent: AtomicBool,
}

/// A statement, ready to be sent with no answer to wait for first.
#[derive(Clone)]
pub(super) enum Prepared {
    Named(Statement),
    Text(&'static str),
}

/// What is set once on connections that are ours alone.
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

    /// Nothing is waited for longer: a network that swallows everything keeps nobody for ever.
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

    /// Answers how many rows it was about.
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

    /// Makes a statement ready, so that several can be on their way at once with [`send`](Self::send).
    pub(super) async fn prepare(&self, sql: &'static str, params: &[&dyn Param]) -> Result<Prepared, Error> {
        if !self.direct {
            return Ok(Prepared::Text(sql));
        }
        let kinds: Vec<_> = params.iter().map(|param| param.kind()).collect();
        Ok(Prepared::Named(self.answered(self.client().prepare_typed_cached(sql, &kinds)).await?))
    }

    /// Is on its way as soon as it is polled; statements arrive in the order they are first polled in.
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

    /// The same where a crash of the database may undo the last moments of what was committed.
    pub(super) async fn begin_unsynced(&self) -> Result<(), Error> {
        self.run(&(self.beginning("BEGIN") + "; SET LOCAL synchronous_commit = off")).await
    }

    /// Several queries see the same state.
    pub(super) async fn begin_snapshot(&self) -> Result<(), Error> {
        self.run(&self.beginning("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await
    }

    /// To the end of the transaction, rows in an order are read from an index in that order, as many as are needed, and
    /// not all of them to be sorted, however few the planner takes them to be.
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

    /// A query that is asked once in a while, with its values in its text.
    pub(super) async fn query_text(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.answered(self.client().query_typed(sql, &[])).await
    }

    /// A statement that is sent once in a while, with names in its text that change.
    pub(super) async fn execute_text(&self, sql: &str, params: &[&dyn Param]) -> Result<u64, Error> {
        let values: Vec<_> = params.iter().map(|param| (param.value(), param.kind())).collect();
        self.answered(self.client().execute_typed(sql, &values)).await
    }

    /// Statements without values.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Error> {
        self.answered(self.client().batch_execute(sql)).await
    }

    /// Closes the connection: whatever was open on it is undone.
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
