//! The SQL of API keys.

use std::sync::Arc;

use model::actor::Actor;
use model::id::{KeyId, ProjectId};
use model::key::Key;
use tokio_postgres::Row;

use super::change::{Subject, WriteTxn};
use super::node::NodeContext;
use super::param::Uuid;
use super::row;
use super::session::Session;
use crate::Error;

pub(crate) async fn create(by: &Actor, db: &Arc<NodeContext>, key: &Key) -> Result<(), Error> {
    let mut change = db.change(by).await?;
    insert(&mut change, key).await?;
    change.commit().await.map(drop)
}

pub(super) async fn insert(change: &mut WriteTxn, key: &Key) -> Result<(), Error> {
    let scopes = row::to_json(&key.scopes)?;
    let sql = "INSERT INTO api_keys (id, project, name, scopes, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let created_at = key.created_at.as_millis();
    let (id, project) = (Uuid::from(key.id), Uuid::from(key.project));
    change.execute(sql, &[&id, &project, &&*key.name, &scopes, &&key.hash[..], &created_at]).await?;
    change.touch(Subject::Key(key.id));
    Ok(())
}

pub(crate) async fn revoke(by: &Actor, db: &Arc<NodeContext>, project: ProjectId, id: KeyId) -> Result<bool, Error> {
    let mut change = db.change(by).await?;
    let sql = "DELETE FROM api_keys WHERE id = $1 AND project = $2";
    if change.execute(sql, &[&Uuid::from(id), &Uuid::from(project)]).await? == 0 {
        change.undo().await?;
        return Ok(false);
    }
    change.touch(Subject::Key(id));
    change.commit().await?;
    Ok(true)
}

/// All, or those of `only`.
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
