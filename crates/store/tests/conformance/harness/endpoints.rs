//! Endpoints as tests write them.

use std::sync::Arc;

use model::actor::Actor;
use model::endpoint::{Endpoint, Ordering, Settings, Status};
use model::filter::Filter;
use model::id::{EndpointId, ProjectId};
use model::secret::{Secret, Secrets};
use model::subscription::Subscription;
use model::url::EndpointUrl;

use super::Opened;

/// An endpoint that is not stored yet.
pub(crate) struct Plan<'a> {
    opened: &'a Opened,
    pub(crate) endpoint: Endpoint,
}

impl Opened {
    /// An active endpoint of the default project that wants every event.
    pub(crate) fn plan(&self) -> Plan<'_> {
        let settings = Settings {
            secrets: Secrets::of(Secret::stored("whsec_c2VjcmV0".to_owned())),
            ..Settings::of(EndpointUrl::stored("https://example.com/hook").unwrap())
        };
        let endpoint = Endpoint {
            id: EndpointId::new(&*self.clock),
            project: self.project,
            settings,
            status: Status::Active,
            disabled_reason: None,
            created_at: self.now(),
            updated_at: self.now(),
        };
        Plan { opened: self, endpoint }
    }

    /// An active endpoint that subscribes to `patterns`.
    pub(crate) async fn endpoint(&self, patterns: &[&str]) -> Arc<Endpoint> {
        self.plan().events(patterns).create().await
    }

    /// An active endpoint with strict order.
    pub(crate) async fn ordered_endpoint(&self) -> Arc<Endpoint> {
        self.plan().ordering(Ordering::Fifo).create().await
    }

    /// Changes an endpoint as its owner does.
    pub(crate) async fn change(
        &self,
        endpoint: &Endpoint,
        mut change: impl FnMut(&mut Endpoint) + Send + 'static,
    ) -> Arc<Endpoint> {
        let changed = self.change_endpoint(&Actor::Admin, endpoint.project, endpoint.id, move |before| {
            let mut after = before.clone();
            change(&mut after);
            Ok::<_, std::convert::Infallible>(after)
        });
        let Ok(after) = changed.await.unwrap().expect("the project has this endpoint");
        after
    }

    pub(crate) async fn set_status(&self, endpoint: &Endpoint, status: Status) -> Arc<Endpoint> {
        self.change(endpoint, move |endpoint| endpoint.status = status).await
    }

    pub(crate) async fn set_ordering(&self, endpoint: &Endpoint, ordering: Ordering) -> Arc<Endpoint> {
        self.change(endpoint, move |endpoint| endpoint.settings.ordering = ordering).await
    }

    pub(crate) async fn delete(&self, endpoint: &Endpoint) {
        assert!(self.delete_endpoint(&Actor::Admin, endpoint.project, endpoint.id).await.unwrap());
    }

    /// The endpoint as the directory has it now.
    pub(crate) fn current(&self, endpoint: &Endpoint) -> Arc<Endpoint> {
        self.directory().endpoint(endpoint.id).expect("the endpoint is not deleted").clone()
    }
}

impl Plan<'_> {
    pub(crate) fn of(mut self, project: ProjectId) -> Self {
        self.endpoint.project = project;
        self
    }

    pub(crate) fn events(mut self, patterns: &[&str]) -> Self {
        self.endpoint.settings.events = subscription(patterns);
        self
    }

    pub(crate) fn filter(mut self, source: &str) -> Self {
        self.endpoint.settings.filter = Some(Filter::parse(source).unwrap());
        self
    }

    pub(crate) fn tenant(mut self, tenant: &str) -> Self {
        self.endpoint.settings.tenant = Some(tenant.to_owned());
        self
    }

    pub(crate) fn url(mut self, url: &str) -> Self {
        self.endpoint.settings.url = EndpointUrl::stored(url).unwrap();
        self
    }

    pub(crate) fn ordering(mut self, ordering: Ordering) -> Self {
        self.endpoint.settings.ordering = ordering;
        self
    }

    pub(crate) fn status(mut self, status: Status) -> Self {
        self.endpoint.status = status;
        self
    }

    pub(crate) async fn create(self) -> Arc<Endpoint> {
        self.opened.create_endpoint(&Actor::Admin, self.endpoint).await.unwrap()
    }
}

pub(crate) fn subscription(patterns: &[&str]) -> Subscription {
    Subscription::new(patterns.iter().map(|pattern| pattern.parse().unwrap()).collect()).unwrap()
}
