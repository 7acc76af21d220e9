//! Verbs about API keys: created and revoked.

use model::actor::Actor;
use model::id::{KeyId, ProjectId};
use model::key::Key;

use crate::handle::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    pub async fn create_key(&self, by: &Actor, key: Key) -> Result<(), Error> {
        match self.database() {
            Database::Embedded(db) => db.write(by, None, move |txn| sqlite::keys::create(txn, &key)).await,
            Database::Cluster(db) => postgres::keys::create(by, &db.context, &key).await,
        }
    }

    /// Revokes a key at once. False if the project has no such key.
    pub async fn revoke_key(&self, by: &Actor, project: ProjectId, id: KeyId) -> Result<bool, Error> {
        match self.database() {
            Database::Embedded(db) => db.write(by, None, move |txn| sqlite::keys::revoke(txn, project, id)).await,
            Database::Cluster(db) => postgres::keys::revoke(by, &db.context, project, id).await,
        }
    }
}
