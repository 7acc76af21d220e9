//! Verbs that record an attempt, or cancel a delivery without one.

use model::actor::Actor;
use model::delivery::Cancelled;
use model::id::DeliveryId;

use crate::handle::Database;
use crate::record::Record;
use crate::sqlite::commit::txn::WriteTxn;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Records an attempt, with its consequences: the endpoint may be disabled, operational events and mails sent. `on_done`
    /// gets the result when it is on disk, on any thread. On an embedded database this returns as soon as the record is
    /// queued, and `on_done` is called later.
    pub async fn record_then(&self, record: Record, on_done: impl FnOnce(Result<(), Error>) + Send + 'static) {
        match self.database() {
            Database::Embedded(db) => {
                let project = record.due.event.project;
                let verb = move |txn: &mut WriteTxn<'_>| sqlite::record::record(txn, &record);
                db.write_then(&Actor::System, Some(project), verb, on_done).await;
            }
            // Boxed, because many of these futures are made, on either database.
            Database::Cluster(db) => on_done(Box::pin(postgres::record::record(&db.record_group, record)).await),
        }
    }

    /// Cancels a pending delivery without an attempt.
    pub async fn cancel(&self, delivery: DeliveryId, reason: Cancelled) -> Result<(), Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(&Actor::System, None, move |txn| sqlite::record::cancel(txn, delivery, reason)).await
            }
            Database::Cluster(db) => postgres::record::cancel(&db.record_group, delivery, reason).await,
        }
    }
}
