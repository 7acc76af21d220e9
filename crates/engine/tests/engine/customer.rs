//! The engine's input and results, from a customer's side.

use std::sync::Arc;
use std::time::Duration;

use model::actor::Actor;
use model::delivery::Status;
use model::endpoint::{self, Endpoint, Settings};
use model::env::Env;
use model::event::Event;
use model::id::{EndpointId, EventId, ProjectId};
use model::json::Json;
use model::rate::RateLimit;
use model::secret::{Secret, Secrets};
use model::subscription::Subscription;
use model::url::EndpointUrl;
use store::Store;
use store::handle::{Backend, Options};
use store::ingest::Intake;
use store::seal::MasterKey;
use store::search::{DeliveryFilter, Paging};
use testkit::clock::TestEnv;

/// A customer of a node, with a project there.
#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) store: Store,
    pub(crate) clock: TestEnv,
    project: ProjectId,
}

impl Customer {
    /// Opens a store.
    pub(crate) async fn at(place: Backend, master_key: MasterKey, clock: TestEnv) -> Self {
        let env = Arc::new(clock.clone());
        let options = Options { backend: place, master_key, env, mail: false, accept_journal_loss: false };
        let store = Store::open(options).await.unwrap();
        let project = store.directory().project_called(&"default".parse().unwrap()).unwrap().id;
        Self { store, clock, project }
    }

    /// An endpoint that wants events of one type.
    pub(crate) async fn endpoint(&self, url: &str, event_type: &str) -> Arc<Endpoint> {
        self.limited_endpoint(url, event_type, None).await
    }

    /// The same, with a rate limit.
    pub(crate) async fn limited_endpoint(
        &self,
        url: &str,
        event_type: &str,
        rate_limit: Option<RateLimit>,
    ) -> Arc<Endpoint> {
        let settings = Settings {
            secrets: Secrets::of(Secret::stored("whsec_c2VjcmV0".to_owned())),
            events: Subscription::new(vec![event_type.parse().unwrap()]).unwrap(),
            rate_limit,
            ..Settings::of(EndpointUrl::stored(url).unwrap())
        };
        let endpoint = Endpoint {
            id: EndpointId::new(&self.clock),
            project: self.project,
            settings,
            status: endpoint::Status::Active,
            disabled_reason: None,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        self.store.create_endpoint(&Actor::Admin, endpoint).await.unwrap()
    }

    /// Commits a change of the endpoint that changes nothing.
    pub(crate) async fn change(&self, endpoint: &Endpoint) {
        let same = |before: &Endpoint| Ok::<_, std::convert::Infallible>(before.clone());
        drop(self.store.change_endpoint(&Actor::Admin, endpoint.project, endpoint.id, same).await.unwrap());
    }

    pub(crate) async fn send(&self, event_type: &str) {
        self.send_later(event_type, Duration::ZERO).await;
    }

    pub(crate) async fn send_later(&self, event_type: &str, wait: Duration) {
        let (id, event_type) = (EventId::new(&self.clock), event_type.parse().unwrap());
        let mut event = Event::of(id, self.project, event_type, Json::trusted("{}"), self.clock.now());
        event.deliver_at = (!wait.is_zero()).then(|| self.clock.now() + wait);
        let intake = Intake { event, chose_id: false, idempotency_key: None, fingerprint: None };
        self.store.ingest(&Actor::Admin, intake).await.unwrap();
    }

    /// Status of each delivery, and its number of attempts.
    pub(crate) async fn deliveries(&self) -> Vec<(Status, u32)> {
        let paging = Paging { limit: 250, after: None };
        let page = self.store.deliveries(self.project, DeliveryFilter::default(), paging).await.unwrap();
        page.items.iter().map(|delivery| (delivery.status, delivery.attempts)).collect()
    }
}
