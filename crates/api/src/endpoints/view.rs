//! An endpoint as it is shown: all its owner chose, how it is doing, and no secret but once.

use std::collections::BTreeMap;

use dialect::Dialect;
use model::delivery;
use model::endpoint::{Endpoint, Ordering, Status};
use model::id::{DeliveryId, EndpointId};
use model::json::Json;
use model::provider::Provider;
use model::rate::RateLimit;
use model::secret::{Secret, Signing};
use model::subscription::Subscription;
use model::time::{Span, Timestamp};
use rules::endpoints::fields::{RateFields, RetryFields};
use serde::Serialize;
use store::endpoints::{Condition, LastDelivery};
use utoipa::ToSchema;

use super::auth::AuthView;
use crate::sight::Sight;

/// An address that gets webhooks.
#[derive(Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub(crate) struct EndpointView {
    #[schema(value_type = String, example = "ep_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: EndpointId,
    /// Without the scope `endpoints:write`, values of its query are masked, and a chat service's path.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    #[schema(required = true, example = "Acme's billing")]
    name: Option<String>,
    #[schema(value_type = Vec<String>, example = json!(["invoice.*"]))]
    events: Subscription,
    /// `active`, `paused` (by its owner) or `disabled` (by us).
    #[schema(value_type = String, example = "active")]
    status: Status,
    /// Why it is disabled, when it is.
    #[schema(required = true, example = json!(null))]
    disabled_reason: Option<String>,
    /// Failed attempts in a row; a success sets it back.
    #[schema(example = 0)]
    failure_count: u32,
    #[schema(required = true, example = "customer_42")]
    tenant: Option<String>,
    /// `hmac-sha256` or `ed25519`.
    #[schema(value_type = String, example = "hmac-sha256")]
    signing: Signing,
    /// With Ed25519: what receivers verify with.
    #[schema(required = true, example = json!(null))]
    public_key: Option<String>,
    /// Shown this once, when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
    /// `webhook`, `slack`, `discord`, `teams_webhook`, `zapier` or `make`: as it was set, or as its URL tells.
    #[schema(value_type = String, example = "webhook")]
    provider: Provider,
    auth: AuthView,
    /// Values that look like credentials are masked; without the scope `endpoints:write`, all.
    #[schema(example = json!({ "x-environment": "live" }))]
    headers: BTreeMap<String, String>,
    /// As it was written; `null`: the dialect's body, or the provider's card.
    #[schema(required = true, value_type = Option<Value>, example = json!(null))]
    template: Option<Json>,
    /// As it was written; `null`: it gets all events of its types.
    #[schema(required = true, example = "event.data.amount > 100")]
    filter: Option<String>,
    #[schema(required = true, value_type = Option<RateFields>)]
    rate_limit: Option<RateLimit>,
    /// `none` or `fifo`.
    #[schema(value_type = String, example = "none")]
    ordering: Ordering,
    /// `null`: the dialect's.
    #[schema(required = true, example = json!(null))]
    timeout_ms: Option<u64>,
    /// `null`: the dialect's.
    #[schema(required = true, value_type = Option<RetryFields>)]
    retry: Option<RetryView>,
    #[schema(required = true, value_type = Option<Object>, example = json!({ "crm_id": 7 }))]
    metadata: Option<Json>,
    /// What may not be meant, after it was made or changed. Left out if it is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    warnings: Vec<String>,
    /// The newest, if there was one.
    #[schema(required = true)]
    last_delivery: Option<LastDeliveryView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

#[derive(Serialize)]
pub(crate) struct RetryView {
    schedule: Vec<Span>,
}

/// An endpoint's newest delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = LastDelivery)]
pub(crate) struct LastDeliveryView {
    #[schema(value_type = String, example = "019c1c9e-6d38-7c3a-9d0e-3f5b6c7d8e9f")]
    id: DeliveryId,
    #[schema(value_type = String, example = "delivered")]
    status: delivery::Status,
    #[schema(required = true, example = 204)]
    status_code: Option<u16>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl EndpointView {
    pub(super) fn of(endpoint: &Endpoint, condition: &Condition, dialect: &Dialect, sight: Sight) -> Self {
        let settings = &endpoint.settings;
        let waits = |schedule: &Vec<_>| RetryView { schedule: schedule.iter().copied().map(Span).collect() };
        Self {
            id: endpoint.id,
            url: sight.url(settings),
            name: settings.name.clone(),
            events: settings.events.clone(),
            status: endpoint.status,
            disabled_reason: endpoint.disabled_reason.clone(),
            failure_count: condition.health.failure_count,
            tenant: settings.tenant.clone(),
            signing: settings.signing,
            public_key: settings.secrets.current.as_ref().and_then(|secret| public_key(secret, settings.signing)),
            secret: None,
            provider: settings.provider(dialect.providers.detect),
            auth: AuthView::of(&settings.auth),
            headers: sight.own_headers(&settings.headers),
            template: settings.template.clone().map(Json::trusted),
            filter: settings.filter.as_ref().map(|filter| filter.source().to_owned()),
            rate_limit: settings.rate_limit,
            ordering: settings.ordering,
            timeout_ms: settings.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            retry: settings.retry.as_ref().map(waits),
            metadata: settings.metadata.clone(),
            warnings: Vec::new(),
            last_delivery: condition.last_delivery.as_ref().map(LastDeliveryView::of),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }

    pub(super) fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    /// For the one who made it.
    pub(super) fn with_secret(self, endpoint: &Endpoint) -> Self {
        Self { secret: endpoint.settings.secrets.revealed(), ..self }
    }
}

impl LastDeliveryView {
    fn of(last: &LastDelivery) -> Self {
        Self { id: last.id, status: last.status, status_code: last.status_code, created_at: last.created_at }
    }
}

fn public_key(secret: &Secret, signing: Signing) -> Option<String> {
    match signing {
        Signing::Ed25519 => dialect::sign::public_key(secret),
        Signing::HmacSha256 => None,
    }
}
