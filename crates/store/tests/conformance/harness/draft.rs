//! Events as tests write them.

use std::hash::{DefaultHasher, Hash, Hasher};

use model::actor::Actor;
use model::event::Event;
use model::id::{EventId, ProjectId};
use model::json::Json;
use model::time::Timestamp;
use store::ingest::{Accepted, Intake};

use super::Opened;

/// An event to ingest. A repeat is recognised if it was given an id or a key.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    opened: &'a Opened,
    event: Event,
    idempotency_key: Option<String>,
    has_own_id: bool,
}

impl Opened {
    pub(crate) fn draft(&self, event_type: &str) -> Draft<'_> {
        let event = Event::of(
            EventId::new(&*self.clock),
            self.project,
            event_type.parse().unwrap(),
            Json::trusted("{}"),
            self.now(),
        );
        Draft { opened: self, event, idempotency_key: None, has_own_id: false }
    }

    /// Ingests a plain event of that type.
    pub(crate) async fn send(&self, event_type: &str) -> EventId {
        self.draft(event_type).send().await
    }

    /// Ingests a batch, all of which can be stored.
    pub(crate) async fn take_all(&self, intakes: Vec<Intake>) -> Vec<Accepted> {
        self.ingest_batch(&Actor::Admin, intakes).await.unwrap().into_iter().map(Result::unwrap).collect()
    }

    /// Ingests `count` events of that type in one batch.
    pub(crate) async fn send_many(&self, event_type: &str, count: usize) -> Vec<EventId> {
        let intakes = (0..count).map(|_| self.draft(event_type).intake()).collect();
        self.take_all(intakes).await.into_iter().map(id_of_new).collect()
    }
}

impl Draft<'_> {
    pub(crate) fn of(mut self, project: ProjectId) -> Self {
        self.event.project = project;
        self
    }

    pub(crate) fn tenant(mut self, tenant: &str) -> Self {
        self.event.tenant = Some(tenant.to_owned());
        self
    }

    pub(crate) fn data(mut self, json: &str) -> Self {
        self.event.data = Json::trusted(json);
        self
    }

    pub(crate) fn id(mut self, id: &str) -> Self {
        self.event.id = id.parse().unwrap();
        self.has_own_id = true;
        self
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.idempotency_key = Some(key.to_owned());
        self
    }

    pub(crate) fn deliver_at(mut self, at: Timestamp) -> Self {
        self.event.deliver_at = Some(at);
        self
    }

    pub(crate) fn expires_at(mut self, at: Timestamp) -> Self {
        self.event.expires_at = Some(at);
        self
    }

    pub(crate) fn event(self) -> Event {
        self.event
    }

    pub(crate) fn intake(self) -> Intake {
        let may_repeat = self.has_own_id || self.idempotency_key.is_some();
        let fingerprint = may_repeat.then(|| fingerprint(&self.event));
        Intake { event: self.event, chose_id: self.has_own_id, idempotency_key: self.idempotency_key, fingerprint }
    }

    pub(crate) async fn ingest(self) -> Accepted {
        let opened = self.opened;
        opened.store.ingest(&Actor::Admin, self.intake()).await.unwrap()
    }

    /// Ingests it, and asserts that it is new.
    pub(crate) async fn send(self) -> EventId {
        id_of_new(self.ingest().await)
    }
}

fn id_of_new(accepted: Accepted) -> EventId {
    match accepted {
        Accepted::New { id, .. } => id,
        other => panic!("this event never came before, but: {other:?}"),
    }
}

/// The same for the same request. The real one is a SHA-256 over the request.
fn fingerprint(event: &Event) -> [u8; 32] {
    let mut hasher = DefaultHasher::new();
    (&event.event_type, &event.tenant, event.data.as_str()).hash(&mut hasher);
    let mut fingerprint = [0; 32];
    fingerprint[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    fingerprint
}
