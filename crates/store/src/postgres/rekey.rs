//! The SQL of a change of the master key: every secret is sealed anew, in one transaction.

use model::env::Env;

use super::connect::Connections;
use super::param::Uuid;
use super::row;
use super::session::Session;
use crate::Error;
use crate::seal::{KEY_CHECK, KEY_CHECK_TEXT, Seal};

/// Re-encrypts all secrets, and returns the number of endpoints.
pub(super) async fn rekey(connections: &Connections, old: &Seal, new: &Seal, env: &dyn Env) -> Result<u64, Error> {
    let session = connections.session().await?;
    match reseal(&session, old, new, env).await {
        Ok(count) => Ok(count),
        Err(error) => {
            session.abandon();
            Err(error)
        }
    }
}

async fn reseal(session: &Session, old: &Seal, new: &Seal, env: &dyn Env) -> Result<u64, Error> {
    session.begin().await?;
    // No node can join while this is under way; running ones would go on with the old key.
    session.run("LOCK TABLE nodes IN EXCLUSIVE MODE").await?;
    let rows = session.query("SELECT name FROM nodes WHERE expires_at > clock_timestamp() ORDER BY name", &[]).await?;
    if !rows.is_empty() {
        let names = rows.iter().map(|row| row::get(row, 0)).collect::<Result<Vec<String>, Error>>()?;
        return Err(Error::Running(names.join(", ")));
    }
    let row = session.query_one("SELECT value FROM meta WHERE name = $1", &[&KEY_CHECK]).await?;
    old.open(row::get(&row, 0)?, KEY_CHECK.as_bytes())?;
    let rows = session.query("SELECT id, sealed FROM endpoints WHERE deleted = 0", &[]).await?;
    for row in &rows {
        let id: Uuid = row::get(row, 0)?;
        let plain = old.open(row::get(row, 1)?, &id.0)?;
        let sealed = new.seal(&plain, &id.0, env);
        session.execute("UPDATE endpoints SET sealed = $2 WHERE id = $1", &[&id, &sealed]).await?;
    }
    let check = new.seal(KEY_CHECK_TEXT, KEY_CHECK.as_bytes(), env);
    session.execute("UPDATE meta SET value = $2 WHERE name = $1", &[&KEY_CHECK, &check]).await?;
    session.commit().await?;
    Ok(rows.len() as u64)
}
