//! An endpoint: a customer's address, the events it wants, and the form in which they are sent.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::filter::Filter;
use crate::id::{EndpointId, ProjectId};
use crate::json::Json;
use crate::provider::Provider;
use crate::rate::RateLimit;
use crate::secret::{Secrets, Signing};
use crate::subscription::{EventType, Subscription};
use crate::time::Timestamp;
use crate::url::EndpointUrl;

#[derive(Clone, Debug)]
pub struct Endpoint {
    pub id: EndpointId,
    pub project: ProjectId,
    pub settings: Settings,
    pub status: Status,
    /// The reason why it is disabled, if it is.
    pub disabled_reason: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The owner's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    pub url: EndpointUrl,
    pub name: Option<String>,
    pub events: Subscription,
    /// Selects among those events; without one it wants all.
    pub filter: Option<Filter>,
    pub tenant: Option<String>,
    pub signing: Signing,
    pub secrets: Secrets,
    pub auth: Auth,
    /// Sent with every request, besides the dialect's.
    pub headers: Vec<(String, String)>,
    /// The service behind the URL, if its owner names it; otherwise the URL tells.
    pub provider: Option<Provider>,
    /// The body, over the dialect's and over a provider's card.
    pub template: Option<Arc<str>>,
    pub rate_limit: Option<RateLimit>,
    pub ordering: Ordering,
    /// Over the dialect's.
    pub timeout: Option<Duration>,
    /// Waits between attempts, over the dialect's.
    pub retry: Option<Vec<Duration>>,
    /// The owner's own JSON object, kept and given back.
    pub metadata: Option<Json>,
}

impl Settings {
    /// Defaults, for an endpoint of which only the URL is known.
    pub fn of(url: EndpointUrl) -> Self {
        Self {
            url,
            name: None,
            events: Subscription::all(),
            filter: None,
            tenant: None,
            signing: Signing::default(),
            secrets: Secrets::default(),
            auth: Auth::None,
            headers: Vec::new(),
            provider: None,
            template: None,
            rate_limit: None,
            ordering: Ordering::None,
            timeout: None,
            retry: None,
            metadata: None,
        }
    }

    /// The service behind the URL. With `detect` the URL may tell.
    pub fn provider(&self, detect: bool) -> Provider {
        let detected = || if detect { Provider::of(&self.url) } else { Provider::Webhook };
        self.provider.unwrap_or_else(detected)
    }
}

/// State of an endpoint, by which it gets events or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    /// By its owner: no new deliveries are made, pending ones wait.
    Paused,
    /// By us, for failing or for saying `410 Gone`: as paused.
    Disabled,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordering {
    /// As fast as the endpoint takes them.
    #[default]
    None,
    /// One after the other: a failing event holds back the later ones until it is delivered or given up.
    Fifo,
}

/// Credentials that show the receiver who we are, besides the signature.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    #[default]
    None,
    /// `Authorization: Bearer TOKEN`.
    Bearer { token: String },
    /// `Authorization: Basic …` (RFC 7617).
    Basic { username: String, password: String },
    /// A header of the receiver's choice.
    ApiKey { header: String, value: String },
}

impl Auth {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer { .. } => "bearer",
            Self::Basic { .. } => "basic",
            Self::ApiKey { .. } => "api_key",
        }
    }
}

/// Credentials never reach a log.
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer { .. } => "Bearer(…)",
            Self::Basic { .. } => "Basic(…)",
            Self::ApiKey { .. } => "ApiKey(…)",
        })
    }
}

impl Endpoint {
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// True if its deliveries are sent one after the other.
    pub fn is_strict(&self) -> bool {
        self.settings.ordering == Ordering::Fifo
    }

    /// True if `event` is for this endpoint, status and filter aside.
    pub fn matches(&self, event: &Event) -> bool {
        self.wants(&event.event_type, event.tenant.as_deref())
    }

    /// The same, of an event of which only type and tenant are known.
    pub fn wants(&self, event_type: &EventType, tenant: Option<&str>) -> bool {
        let same_tenant = self.settings.tenant.as_deref().is_none_or(|wanted| tenant == Some(wanted));
        same_tenant && self.settings.events.wants(event_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EventId;

    fn endpoint(tenant: Option<&str>) -> Endpoint {
        let at = Timestamp::from_millis(0);
        Endpoint {
            id: EndpointId::from_bytes([1; 16]),
            project: ProjectId::from_bytes([2; 16]),
            settings: Settings {
                tenant: tenant.map(Into::into),
                ..Settings::of(EndpointUrl::stored("https://example.com/").unwrap())
            },
            status: Status::Active,
            disabled_reason: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn event(tenant: Option<&str>) -> Event {
        let at = Timestamp::from_millis(0);
        Event {
            tenant: tenant.map(Into::into),
            ..Event::of(
                "e1".parse::<EventId>().unwrap(),
                ProjectId::from_bytes([2; 16]),
                "a.b".parse().unwrap(),
                Json::trusted("{}"),
                at,
            )
        }
    }

    #[test]
    fn a_tenants_endpoint_gets_that_tenants_events_and_one_without_gets_all() {
        let cases = [
            (None, None, true),
            (None, Some("a"), true),
            (Some("a"), Some("a"), true),
            (Some("a"), Some("b"), false),
            (Some("a"), None, false),
        ];
        for (ours, theirs, wanted) in cases {
            assert_eq!(endpoint(ours).matches(&event(theirs)), wanted, "{ours:?} {theirs:?}");
        }
    }
}
