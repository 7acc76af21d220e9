//! Inspection of an embedded database's files for damage, beside a server that runs on them or without one.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::journal::crash_recovery::Examined;
use super::lock::Lock;
use super::open::Database;
use crate::Error;
use crate::inspection::Inspection;

/// Maximum places of damage that are reported.
const TOLD: usize = 20;

/// Looks for damage in every row.
pub(crate) fn inspect(data_dir: &Path) -> Result<Inspection, Error> {
    let path = data_dir.join(Database::FILE);
    let look = || {
        let db = read_only(&path)?;
        let mut inspection = Inspection { damage: check_integrity(&db)?, ..Inspection::default() };
        for table in tables(&db)? {
            read_all(&db, &table, &mut inspection);
        }
        // Only without a server: one that runs changes the journal all the time.
        if Lock::take(data_dir).is_ok() {
            Examined::of(data_dir, Some(&db))?.check(false)?;
        }
        Ok(inspection)
    };
    look().map_err(|error: Error| error.at(&path))
}

/// A connection that changes nothing.
pub(super) fn read_only(path: &Path) -> Result<Connection, Error> {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    let has_log = std::fs::metadata(log).is_ok_and(|log| log.len() > 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    // Without a log nobody has it open, and SQLite need not create the files that it shares with others.
    let immutable = if has_log { "" } else { "?immutable=1" };
    Ok(Connection::open_with_flags(format!("file:{}{immutable}", escaped(path)), flags)?)
}

/// A path in the form that a URI has.
fn escaped(path: &Path) -> String {
    let mut escaped = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => escaped.push(char::from(*byte)),
            _ => write!(escaped, "%{byte:02X}").expect("a string takes what is written"),
        }
    }
    escaped
}

/// Damage that SQLite's own check finds.
fn check_integrity(db: &Connection) -> Result<Vec<String>, Error> {
    let found: Vec<String> = db
        .prepare(&format!("PRAGMA integrity_check({TOLD})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

fn tables(db: &Connection) -> Result<Vec<String>, Error> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    Ok(db.prepare(names)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Reads every value of every row.
fn read_all(db: &Connection, table: &str, inspection: &mut Inspection) {
    let mut read = || {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                row.get_ref(column)?;
            }
            inspection.rows += 1;
        }
        Ok::<_, rusqlite::Error>(())
    };
    if read().is_err() {
        inspection.damage.push(format!("the table {table} cannot be read to its end"));
    }
}
