//! The SQL of API keys.

use std::sync::Arc;

use model::actor::Actor;
use model::id::{KeyId, ProjectId};
use model::key::Key;
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use super::session::Session;
use super::transaction::{Subject, WriteTxn};
use crate::Error;

pub(crate) async fn create(by: &Actor, db: &Arc<NodeContext>, key: &Key) -> Result<(), Error> {
    let mut txn = db.change(by).await?;
    insert(&mut txn, key).await?;
    txn.commit().await.map(drop)
}

pub(super) async fn insert(txn: &mut WriteTxn, key: &Key) -> Result<(), Error> {
    let scopes = row::to_json(&key.scopes)?;
    let sql = "INSERT INTO api_keys (id, project, name, scopes, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let created_at = key.created_at.as_millis();
    let (id, project) = (Uuid::from(key.id), Uuid::from(key.project));
    txn.execute(sql, &[&id, &project, &&*key.name, &scopes, &&key.hash[..], &created_at]).await?;
    txn.touch(Subject::Key(key.id));
    Ok(())
}

pub(crate) async fn revoke(by: &Actor, db: &Arc<NodeContext>, project: ProjectId, id: KeyId) -> Result<bool, Error> {
    let mut txn = db.change(by).await?;
    let sql = "DELETE FROM api_keys WHERE id = $1 AND project = $2";
    if txn.execute(sql, &[&Uuid::from(id), &Uuid::from(project)]).await? == 0 {
        txn.undo().await?;
        return Ok(false);
    }
    txn.touch(Subject::Key(id));
    txn.commit().await?;
    Ok(true)
}

/// All keys, or those of `only`.
pub(super) async fn read(session: &Session, only: Option<&[Uuid]>) -> Result<Vec<Key>, Error> {
    let select = "SELECT id, project, name, scopes, hash, created_at FROM api_keys";
    session.query_of(select, "id", only).await?.iter().map(key).collect()
}

fn key(row: &Row) -> Result<Key, Error> {
    let hash: &[u8] = row::get(row, 4)?;
    Ok(Key {
        id: row::id(row, 0)?,
        project: row::id(row, 1)?,
        name: row::get(row, 2)?,
        scopes: row::json(row, 3)?,
        hash: hash.try_into().map_err(|_| Error::Corrupt("a key's SHA-256 has another length".to_owned()))?,
        created_at: row::time(row, 5)?,
    })
}
