//! The SQL of API keys.

use model::id::{KeyId, ProjectId};
use model::key::Key;
use rusqlite::{Connection, params};

use super::commit::txn::WriteTxn;
use super::row;
use crate::Error;

pub(crate) fn create(txn: &mut WriteTxn<'_>, key: &Key) -> Result<(), Error> {
    let scopes = serde_json::to_string(&key.scopes).map_err(|error| Error::Corrupt(error.to_string()))?;
    txn.db()?
        .prepare_cached("INSERT INTO api_keys (id, project, name, scopes, hash, created_at) VALUES (?, ?, ?, ?, ?, ?)")?
        .execute(params![
            key.id.as_bytes(),
            key.project.as_bytes(),
            key.name,
            scopes,
            key.hash,
            key.created_at.as_millis(),
        ])?;
    txn.directory_mut().put_key(key.clone());
    Ok(())
}

pub(crate) fn revoke(txn: &mut WriteTxn<'_>, project: ProjectId, id: KeyId) -> Result<bool, Error> {
    let revoked = txn
        .db()?
        .prepare_cached("DELETE FROM api_keys WHERE id = ? AND project = ?")?
        .execute(params![id.as_bytes(), project.as_bytes()])?;
    if revoked == 0 {
        return Ok(false);
    }
    txn.directory_mut().remove_key(id);
    Ok(true)
}

pub(super) fn all(db: &Connection) -> Result<Vec<Key>, Error> {
    let mut statement = db.prepare("SELECT id, project, name, scopes, hash, created_at FROM api_keys")?;
    let rows = statement.query_map([], |row| {
        Ok(Key {
            id: row::id(row, 0)?,
            project: row::id(row, 1)?,
            name: row.get(2)?,
            scopes: row::json(row, 3)?,
            hash: row.get(4)?,
            created_at: row::time(row, 5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
