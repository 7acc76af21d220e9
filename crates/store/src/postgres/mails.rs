//! The SQL of the outbox.

use model::endpoint::Endpoint;
use model::id::MailId;
use model::time::Timestamp;

use super::Cluster;
use super::change::Change;
use crate::Error;
use crate::mails::{Next, What};

/// Tells the admins of the endpoint's project, one mail each. False if there is nobody to tell.
pub(super) async fn put(_change: &mut Change, _endpoint: &Endpoint, _what: What) -> Result<bool, Error> {
    todo!()
}

/// Of those that are this node's to send.
pub(crate) async fn next(_db: &Cluster, _now: Timestamp) -> Result<Next, Error> {
    todo!()
}

pub(crate) async fn remove(_db: &Cluster, _id: MailId) -> Result<(), Error> {
    todo!()
}

pub(crate) async fn put_off(_db: &Cluster, _id: MailId, _due_at: Timestamp) -> Result<(), Error> {
    todo!()
}
