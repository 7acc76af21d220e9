//! Empty pages of the database file after deletions: most are filled again, too many are given back.

use rusqlite::Connection;

use crate::Error;
use crate::retention::Deleted;
use crate::slice::Patience;
use crate::sqlite::commit::txn::WriteTxn;

/// Pages that are given back between two checks of the clock.
const AT_ONCE: i64 = 8;

/// Empty pages of this many bytes in all are always left.
const LITTLE: i64 = 4 * 1024 * 1024;

/// One page in this many may be empty: what comes in takes them before the file grows.
const ONE_IN: i64 = 4;

/// SQLite's number of the mode in which pages are given back on request.
const INCREMENTAL: i64 = 2;

/// True if more of the file is empty than is soon filled. A database from before there was retention keeps its pages.
pub(super) fn are_to_spare(db: &Connection) -> Result<bool, Error> {
    let empty = pragma(db, "freelist_count")?;
    if empty * pragma(db, "page_size")? <= LITTLE || pragma(db, "auto_vacuum")? != INCREMENTAL {
        return Ok(false);
    }
    Ok(empty > pragma(db, "page_count")? / ONE_IN)
}

pub(super) fn take(txn: &mut WriteTxn<'_>, mut patience: Patience) -> Result<Deleted, Error> {
    let mut deleted = Deleted::default();
    while !patience.is_over(txn.env) && are_to_spare(txn.db()?)? {
        let given_back = give_back(txn.db()?)?;
        if given_back == 0 {
            break;
        }
        deleted.pages += given_back as u64;
        patience.spend(given_back);
    }
    Ok(deleted)
}

fn give_back(db: &Connection) -> Result<usize, Error> {
    let before = pragma(db, "freelist_count")?;
    let mut statement = db.prepare_cached(&format!("PRAGMA incremental_vacuum({AT_ONCE})"))?;
    // Each row that is read gives back a page.
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(usize::try_from(before - pragma(db, "freelist_count")?).unwrap_or(0))
}

fn pragma(db: &Connection, name: &str) -> Result<i64, Error> {
    Ok(db.pragma_query_value(None, name, |row| row.get(0))?)
}
