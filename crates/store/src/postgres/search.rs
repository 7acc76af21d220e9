//! The SQL of looking things up.

use model::id::{DeliveryId, EndpointId, EventId, ProjectId};

use super::Cluster;
use crate::Error;
use crate::search::{Attempted, Delivery, DeliveryFilter, EventFilter, FullDelivery, Page, Paging, StoredEvent};

pub(crate) async fn events(
    _db: &Cluster,
    _project: ProjectId,
    _filter: &EventFilter,
    _paging: Paging,
) -> Result<Page<StoredEvent>, Error> {
    todo!()
}

pub(crate) async fn event(_db: &Cluster, _project: ProjectId, _id: &EventId) -> Result<Option<StoredEvent>, Error> {
    todo!()
}

pub(crate) async fn deliveries(
    _db: &Cluster,
    _project: ProjectId,
    _filter: &DeliveryFilter,
    _paging: Paging,
) -> Result<Page<Delivery>, Error> {
    todo!()
}

pub(crate) async fn delivery(
    _db: &Cluster,
    _project: ProjectId,
    _id: DeliveryId,
) -> Result<Option<FullDelivery>, Error> {
    todo!()
}

pub(crate) async fn attempts_at(
    _db: &Cluster,
    _project: ProjectId,
    _endpoint: EndpointId,
    _limit: usize,
) -> Result<Vec<Attempted>, Error> {
    todo!()
}
