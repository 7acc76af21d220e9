//! Taking events in: which endpoints want them, event and deliveries in one commit, then the feed.

use model::event::Event;
use model::id::{DeliveryId, EndpointId, EventId};
use model::subscription::EventType;

use crate::store::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

/// An event that was asked for, and by what a repeat of the request is recognised.
#[derive(Clone, Debug)]
pub struct Intake {
    pub event: Event,
    /// The caller chose the event's id, and may choose it again. One of our own making is new.
    pub chose_id: bool,
    pub idempotency_key: Option<String>,
    /// SHA-256 over what was asked. Kept, and compared when the same id or key comes again. Needed if either is the
    /// caller's own.
    pub fingerprint: Option<[u8; 32]>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk, with so many deliveries.
    New { id: EventId, deliveries: u32 },
    /// The same request came before; this is what it was answered.
    Again { id: EventId, event_type: EventType, deliveries: u32 },
    /// The same `id` or `Idempotency-Key` came before with another body. Nothing was stored.
    Conflict(Clash),
}

/// By what a conflicting request was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    Id,
    IdempotencyKey,
}

impl Store {
    /// Takes an event in. When this returns, it is on disk.
    pub async fn ingest(&self, intake: Intake) -> Result<Accepted, Error> {
        let verdicts = self.verdicts(&intake.event).await;
        match self.database() {
            Database::Embedded(db) => db.write(move |batch| sqlite::ingest::take(batch, &intake, &verdicts)).await,
            // Boxed: many of these futures are made, on any database.
            Database::Cluster(db) => Box::pin(postgres::ingest::take(db, intake, verdicts)).await,
        }
    }

    /// Takes many in, in one commit, each answered by its position.
    pub async fn ingest_batch(&self, intakes: Vec<Intake>) -> Result<Vec<Accepted>, Error> {
        let mut judged = Vec::with_capacity(intakes.len());
        for intake in intakes {
            let verdicts = self.verdicts(&intake.event).await;
            judged.push((intake, verdicts));
        }
        match self.database() {
            Database::Embedded(db) => {
                db.write(move |batch| {
                    judged.iter().map(|(intake, verdicts)| sqlite::ingest::take(batch, intake, verdicts)).collect()
                })
                .await
            }
            Database::Cluster(db) => postgres::ingest::take_many(db, judged).await,
        }
    }

    /// Takes an event in for one endpoint alone, whatever it subscribes to, for one attempt without a schedule behind
    /// it. Answers the delivery's id; `None`, and nothing is stored, if the endpoint is deleted.
    pub async fn ingest_test(&self, event: Event, endpoint: EndpointId) -> Result<Option<DeliveryId>, Error> {
        match self.database() {
            Database::Embedded(db) => db.write(move |batch| sqlite::ingest::take_test(batch, &event, endpoint)).await,
            Database::Cluster(db) => postgres::ingest::take_test(db, event, endpoint).await,
        }
    }
}
