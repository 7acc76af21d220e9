//! The SQL of API keys.

use model::id::{KeyId, ProjectId};
use model::key::Key;

use super::Cluster;
use super::param::Uuid;
use super::session::Session;
use crate::Error;

pub(crate) async fn create(_db: &Cluster, _key: &Key) -> Result<(), Error> {
    todo!()
}

pub(crate) async fn revoke(_db: &Cluster, _project: ProjectId, _id: KeyId) -> Result<bool, Error> {
    todo!()
}

/// All, or those of `only`.
pub(super) async fn read(_session: &Session, _only: Option<&[Uuid]>) -> Result<Vec<Key>, Error> {
    todo!()
}
