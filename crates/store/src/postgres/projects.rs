//! The SQL of projects.

use std::sync::Arc;

use model::id::{EndpointId, ProjectId};
use model::key::Key;
use model::project::Project;
use model::speech::Speech;

use super::Cluster;
use super::param::Uuid;
use super::session::Session;
use crate::Error;
use crate::projects::SlugTaken;

pub(crate) async fn create(
    _db: &Cluster,
    _project: Project,
    _key: Key,
) -> Result<Result<Arc<Project>, SlugTaken>, Error> {
    todo!()
}

pub(crate) async fn change<E: From<SlugTaken>>(
    _db: &Cluster,
    _id: ProjectId,
    _change: &mut (dyn FnMut(&Project, &Speech) -> Result<Project, E> + Send),
) -> Result<Option<Result<Arc<Project>, E>>, Error> {
    todo!()
}

/// Answers which endpoints were deleted with it; `None` if there is no such project.
pub(crate) async fn delete(_db: &Cluster, _id: ProjectId) -> Result<Option<Vec<EndpointId>>, Error> {
    todo!()
}

/// Unless there is one with its slug.
pub(super) async fn insert_missing(_session: &Session, _project: &Project) -> Result<(), Error> {
    todo!()
}

/// All, or those of `only`.
pub(super) async fn read(_session: &Session, _only: Option<&[Uuid]>) -> Result<Vec<Project>, Error> {
    todo!()
}
