//! A pool of connections that only read. In WAL mode they never wait for the writer, nor it for them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open;
use crate::Error;

/// Searches at a time. Each holds a blocking thread while it runs.
const READERS: usize = 4;

/// Pages that each keeps in memory, in KiB: the ways down its indexes. What it reads of rows it reads once, and the system
/// has the file's pages besides.
const CACHE: i64 = 2 * 1024;

#[derive(Clone)]
pub(crate) struct Readers {
    free: Arc<Semaphore>,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let mut connections = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            connections.push(connect(path)?);
        }
        Ok(Self { free: Arc::new(Semaphore::new(READERS)), connections: Arc::new(Mutex::new(connections)) })
    }

    /// Refuses who comes from now on; who is reading goes on.
    pub(crate) fn close(&self) {
        self.free.close();
    }

    /// Runs `verb` on a connection of its own, off the runtime, against one snapshot of the database.
    pub(crate) async fn read<T, F>(&self, verb: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let permit = self.free.clone().acquire_owned().await.map_err(|_| Error::Stopped)?;
        let connections = self.connections.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut lease = Lease::take(&connections);
            let result = in_snapshot(lease.connection(), verb);
            drop(lease);
            drop(permit);
            result
        });
        reading.await.map_err(|_| Error::Stopped)?
    }
}

pub(super) fn connect(path: &Path) -> Result<Connection, Error> {
    let connection = open::connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    Ok(connection)
}

/// Several queries of one verb see the same state.
fn in_snapshot<T>(connection: &mut Connection, verb: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
    let snapshot = connection.transaction()?;
    let result = verb(&snapshot)?;
    snapshot.finish()?;
    Ok(result)
}

/// A connection out of the pool; it goes back even when a verb panics.
struct Lease<'a> {
    pool: &'a Mutex<Vec<Connection>>,
    connection: Option<Connection>,
}

impl<'a> Lease<'a> {
    fn take(pool: &'a Mutex<Vec<Connection>>) -> Self {
        let connection = pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { pool, connection }
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("there are as many connections as permits, and we hold one")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
