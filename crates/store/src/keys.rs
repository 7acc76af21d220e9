//! API keys: made and revoked.

use model::id::{KeyId, ProjectId};
use model::key::Key;

use crate::sqlite;
use crate::{Error, Store};

impl Store {
    pub async fn create_key(&self, key: Key) -> Result<(), Error> {
        self.write(move |batch| sqlite::keys::create(batch, &key)).await
    }

    /// Revokes a key at once. False if the project has no such key.
    pub async fn revoke_key(&self, project: ProjectId, id: KeyId) -> Result<bool, Error> {
        self.write(move |batch| sqlite::keys::revoke(batch, project, id)).await
    }
}
