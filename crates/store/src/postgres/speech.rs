//! The SQL of projects' dialect files and event types.

use std::sync::Arc;

use model::catalogue::EventType;
use model::id::ProjectId;
use model::subscription;

use super::Cluster;
use super::param::Uuid;
use super::session::Session;
use crate::Error;
use crate::directory::Directory;
use crate::speech::InUse;

pub(crate) async fn put_dialect(
    _db: &Cluster,
    _project: ProjectId,
    _name: &str,
    _text: &Arc<str>,
) -> Result<bool, Error> {
    todo!()
}

pub(crate) async fn remove_dialect(
    _db: &Cluster,
    _project: ProjectId,
    _name: &str,
) -> Result<Option<Result<(), InUse>>, Error> {
    todo!()
}

pub(crate) async fn put_event_type(
    _db: &Cluster,
    _project: ProjectId,
    _event_type: &Arc<EventType>,
) -> Result<bool, Error> {
    todo!()
}

pub(crate) async fn remove_event_type(
    _db: &Cluster,
    _project: ProjectId,
    _name: &subscription::EventType,
) -> Result<bool, Error> {
    todo!()
}

/// Puts every project's files and types into the directory in the place of what it has, or those of `only`.
pub(super) async fn read(_session: &Session, _only: Option<&[Uuid]>, _directory: &mut Directory) -> Result<(), Error> {
    todo!()
}
