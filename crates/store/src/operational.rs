//! Operational events: Posthaste's own events about a project's endpoints. Delivered like any event, to the endpoints
//! that name them.

use model::attempt::Attempt;
use model::delivery::Due;
use model::endpoint::Endpoint;
use model::env::Env;
use model::event::Event;
use model::id::EventId;
use model::json::Json;
use model::mask;
use model::time::Timestamp;
use serde_json::json;

use crate::directory::Directory;

/// A change of an endpoint or a delivery that its owner wants to know of.
#[derive(Debug)]
pub(crate) enum Notice<'a> {
    /// An endpoint was disabled for failing, or for saying that it is gone.
    Disabled { reason: String },
    /// An endpoint that was disabled, or had given up deliveries, delivers again.
    Recovered,
    /// A delivery's schedule ran out.
    Exhausted { due: &'a Due, attempt: &'a Attempt },
}

impl Notice<'_> {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Disabled { .. } => "posthaste.endpoint.disabled",
            Self::Recovered => "posthaste.endpoint.recovered",
            Self::Exhausted { .. } => "posthaste.delivery.exhausted",
        }
    }

    fn data(&self, endpoint: &Endpoint) -> serde_json::Value {
        let subject = json!({
            "id": endpoint.id,
            "url": mask::url(&endpoint.settings),
            "name": endpoint.settings.name,
        });
        match self {
            Self::Disabled { reason } => json!({ "endpoint": subject, "reason": reason }),
            Self::Recovered => json!({ "endpoint": subject }),
            Self::Exhausted { due, attempt } => json!({
                "endpoint": subject,
                "delivery": {
                    "id": due.id,
                    "event_id": due.event.id,
                    "event_type": due.event.event_type,
                    "attempts": attempt.number,
                    "status_code": attempt.outcome.status(),
                    "error": attempt.outcome.failure().as_ref().map(mask::failure),
                },
            }),
        }
    }
}

impl Notice<'_> {
    /// Logs that an endpoint was disabled or has recovered. The engine logs deliveries.
    pub(crate) fn log(&self, endpoint: &Endpoint) {
        match self {
            Self::Disabled { reason } => {
                tracing::info!(endpoint.id = %endpoint.id, project.id = %endpoint.project, reason, "endpoint disabled");
            }
            Self::Recovered => {
                tracing::info!(endpoint.id = %endpoint.id, project.id = %endpoint.project, "endpoint recovered");
            }
            Self::Exhausted { .. } => {}
        }
    }

    /// The operational event, if an endpoint subscribes to it.
    pub(crate) fn event_if_wanted(
        &self,
        endpoint: &Endpoint,
        directory: &Directory,
        env: &dyn Env,
        now: Timestamp,
    ) -> Option<Event> {
        let event = self.event(endpoint, env, now);
        let is_wanted = directory.matching(&event).next().is_some();
        is_wanted.then_some(event)
    }

    fn event(&self, endpoint: &Endpoint, env: &dyn Env, now: Timestamp) -> Event {
        Event {
            tenant: endpoint.settings.tenant.clone(),
            ..Event::of(
                EventId::new(env),
                endpoint.project,
                self.event_type().parse().expect("our own types are well formed"),
                Json::trusted(self.data(endpoint).to_string()),
                now,
            )
        }
    }
}
