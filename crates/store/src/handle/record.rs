//! Verbs that write down what an attempt came to.

use model::actor::Actor;
use model::delivery::Cancelled;
use model::id::DeliveryId;

use crate::handle::Database;
use crate::record::Record;
use crate::sqlite::commit::txn::WriteTxn;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Records an attempt. Returns when it is handed in, and calls `on_done` when it is on disk, on any thread; so is what
    /// follows from it then: the endpoint may have been disabled, operational events and mails may be on their way.
    pub async fn record_then(&self, record: Record, on_done: impl FnOnce(Result<(), Error>) + Send + 'static) {
        match self.database() {
            Database::Embedded(db) => {
                let project = record.due.event.project;
                let verb = move |txn: &mut WriteTxn<'_>| sqlite::record::record(txn, &record);
                db.write_then(&Actor::System, Some(project), verb, on_done).await;
            }
            // Boxed: many of these futures are made, on any database.
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
