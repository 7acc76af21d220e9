//! The SQL of endpoints: their rows, and what follows from changing them.

use std::sync::Arc;

use model::endpoint::Endpoint;
use model::id::{EndpointId, ProjectId};

use super::Cluster;
use super::change::Change;
use super::param::Uuid;
use super::session::Session;
use crate::Error;
use crate::endpoints::Condition;
use crate::seal::Seal;

pub(crate) async fn create(_db: &Cluster, _endpoint: Endpoint) -> Result<Arc<Endpoint>, Error> {
    todo!()
}

pub(crate) async fn change<E>(
    _db: &Cluster,
    _project: ProjectId,
    _id: EndpointId,
    _change: &mut (dyn FnMut(&Endpoint) -> Result<Endpoint, E> + Send),
) -> Result<Option<Result<Arc<Endpoint>, E>>, Error> {
    todo!()
}

/// Writes an endpoint over its row.
pub(super) async fn put(_change: &mut Change, _endpoint: Endpoint) -> Result<(), Error> {
    todo!()
}

pub(crate) async fn delete(_db: &Cluster, _project: ProjectId, _id: EndpointId) -> Result<bool, Error> {
    todo!()
}

/// Cancels a slice of what is pending for a deleted endpoint. False when nothing is left.
pub(crate) async fn cancel_slice(_db: &Cluster, _id: EndpointId) -> Result<bool, Error> {
    todo!()
}

/// Those whose deletion is this node's to finish.
pub(crate) async fn half_deleted(_db: &Cluster) -> Result<Vec<EndpointId>, Error> {
    todo!()
}

pub(crate) async fn conditions(_db: &Cluster, _ids: &[EndpointId]) -> Result<Vec<Condition>, Error> {
    todo!()
}

/// All that are not deleted, or those of `only`; oldest first.
pub(super) async fn read(_session: &Session, _seal: &Seal, _only: Option<&[Uuid]>) -> Result<Vec<Endpoint>, Error> {
    todo!()
}
