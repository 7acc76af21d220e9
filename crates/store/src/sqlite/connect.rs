//! Connections to the database file, with the settings that all of them share.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::{Error, private};

/// Page cache of the writer, in KiB: the indexes' edges, where it writes.
const WRITERS_CACHE: i64 = 16 * 1024;

/// Page cache of each reader, in KiB: the inner pages of its indexes. It reads rows once, and the system has the file's
/// pages besides.
const READERS_CACHE: i64 = 2 * 1024;

/// Bytes of a page. Rows are put in key order, many at a time, so a page is rarely written before it is full.
const PAGE: u32 = 8192;

/// Prepared statements kept per connection: more than there are verbs.
const STATEMENTS: usize = 128;

pub(super) fn connect(path: &Path) -> Result<Connection, Error> {
    make(path)?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Now or, without a VACUUM, never: what retention frees can be given back to the file system.
    if connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0))? == 0 {
        connection.pragma_update(None, "page_size", PAGE)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL syncs the log at every commit: what was answered survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "cache_size", -WRITERS_CACHE)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn to_read(path: &Path) -> Result<Connection, Error> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -READERS_CACHE)?;
    Ok(connection)
}

/// Creates the database file if there is none. SQLite gives the files that it creates beside it the same permissions.
///
/// An existing one is never opened but by SQLite: POSIX drops the locks that this process has on a file as soon as any
/// handle of it is closed. Without them another program that looks into the database takes itself for the last, and
/// removes the log that the writer goes on writing to.
fn make(path: &Path) -> Result<(), Error> {
    match private::options().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::files(path)(error)),
        _ => Ok(()),
    }
}
