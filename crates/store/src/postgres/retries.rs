//! The SQL of one more attempt by hand.

use model::id::{DeliveryId, ProjectId};

use super::Cluster;
use crate::Error;
use crate::retries::Retried;

pub(crate) async fn retry(_db: &Cluster, _project: ProjectId, _delivery: DeliveryId) -> Result<Option<Retried>, Error> {
    todo!()
}
