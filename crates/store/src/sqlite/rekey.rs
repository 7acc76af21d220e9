//! The SQL of a new master key: every secret encrypted anew, in one transaction.

use std::path::Path;

use model::env::Env;
use rusqlite::{TransactionBehavior, params};

use super::connect;
use crate::Error;
use crate::seal::{KEY_CHECK, KEY_CHECK_TEXT, Seal};

/// Re-encrypts all secrets and returns the number of endpoints.
pub(crate) fn rekey(path: &Path, old: &Seal, new: &Seal, env: &dyn Env) -> Result<u64, Error> {
    let mut connection = connect::connect(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let check: Vec<u8> =
        transaction.query_row("SELECT value FROM meta WHERE name = ?", [KEY_CHECK], |row| row.get(0))?;
    old.open(&check, KEY_CHECK.as_bytes())?;
    let sealed: Vec<(Vec<u8>, Vec<u8>)> = transaction
        .prepare("SELECT id, sealed FROM endpoints WHERE deleted = 0")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut update = transaction.prepare("UPDATE endpoints SET sealed = ? WHERE id = ?")?;
    let mut count = 0;
    for (id, sealed) in sealed {
        let plain = old.open(&sealed, &id)?;
        update.execute(params![new.seal(&plain, &id, env), id])?;
        count += 1;
    }
    drop(update);
    let check = new.seal(KEY_CHECK_TEXT, KEY_CHECK.as_bytes(), env);
    transaction.execute("UPDATE meta SET value = ? WHERE name = ?", params![check, KEY_CHECK])?;
    transaction.commit()?;
    // Nothing encrypted with the old key stays behind in the log.
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE")?;
    Ok(count)
}
