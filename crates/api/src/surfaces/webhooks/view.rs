//! Webhooks and tests of them as Trakkr's API shows them.

use std::collections::BTreeMap;

use dialect::Dialect;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::json::Json;
use model::provider::Provider;
use model::secret::Secret;
use model::subscription::Subscription;
use model::time::Timestamp;
use serde::Serialize;
use store::search::FullDelivery;
use utoipa::ToSchema;

use crate::sight::Sight;

/// Stands for all of a secret but its end.
const MASK: &str = "••••";

/// Characters of a secret that its mask leaves: enough to tell it from another.
const SHOWN: usize = 4;

/// An address that gets a brand's events.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    #[schema(value_type = String, example = "ep_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: EndpointId,
    /// Always `webhook`.
    #[schema(example = "webhook")]
    object: &'static str,
    /// Without the scope `endpoints:write`, values of its query are masked, and a chat service's path.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    #[schema(value_type = Vec<String>, example = json!(["visibility_changed"]))]
    events: Subscription,
    /// `null` for an endpoint that was created elsewhere, for all brands.
    #[schema(required = true, example = "5f0c7a52-6f0e-4a52-9d4e-0d7b8a1c2e3f")]
    brand_id: Option<String>,
    /// As its URL tells: `webhook`, `zapier`, `make`, `discord`, `slack` or `teams_webhook`.
    #[schema(value_type = String, example = "webhook")]
    provider: Provider,
    active: bool,
    /// `none`, `bearer`, `basic` or `api_key`.
    #[schema(example = "none")]
    auth_type: &'static str,
    /// In full when it was created, afterwards its end; `null` if there is none.
    #[schema(required = true, example = "••••cret")]
    signing_secret: Option<String>,
    /// Values that look like credentials are masked; without the scope `endpoints:write`, all.
    #[schema(example = json!({ "x-environment": "live" }))]
    headers: BTreeMap<String, String>,
    /// As it was written.
    #[schema(required = true, value_type = Option<Value>, example = json!(null))]
    template: Option<Json>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl WebhookView {
    pub(super) fn of(endpoint: &Endpoint, dialect: &Dialect, sight: Sight) -> Self {
        let settings = &endpoint.settings;
        Self {
            id: endpoint.id,
            object: "webhook",
            url: sight.url(settings),
            events: settings.events.clone(),
            brand_id: settings.tenant.clone(),
            provider: settings.provider(dialect.providers.detect),
            active: endpoint.is_active(),
            auth_type: settings.auth.name(),
            signing_secret: settings.secrets.current.as_ref().map(masked),
            headers: sight.own_headers(&settings.headers),
            template: settings.template.clone().map(Json::trusted),
            created_at: endpoint.created_at,
        }
    }

    /// For the one who made it.
    pub(super) fn with_secret(self, endpoint: &Endpoint) -> Self {
        Self { signing_secret: endpoint.settings.secrets.revealed(), ..self }
    }
}

fn masked(secret: &Secret) -> String {
    let secret = secret.reveal();
    let hidden = secret.chars().count().saturating_sub(SHOWN);
    let end: String = secret.chars().skip(hidden).collect();
    format!("{MASK}{end}")
}

/// A list of webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookList {
    /// Always `list`.
    #[schema(example = "list")]
    object: &'static str,
    data: Vec<WebhookView>,
}

impl WebhookList {
    pub(super) fn of(data: Vec<WebhookView>) -> Self {
        Self { object: "list", data }
    }
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookTest {
    /// Always `webhook_test`.
    #[schema(example = "webhook_test")]
    object: &'static str,
    #[schema(value_type = String, example = "ep_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    webhook: EndpointId,
    /// Whether the receiver acknowledged it with a 2xx.
    #[schema(example = true)]
    delivered: bool,
    /// If it was answered.
    #[schema(required = true, example = 200)]
    status_code: Option<u16>,
    /// If it was answered: as much as was read, as text.
    #[schema(required = true, example = "ok")]
    response_body: Option<String>,
    /// If it was sent.
    #[schema(required = true, example = 84)]
    duration_ms: Option<u64>,
    /// Why it was not acknowledged.
    #[schema(required = true, example = json!(null))]
    error: Option<String>,
}

impl WebhookTest {
    pub(super) fn of(found: FullDelivery, sight: Sight) -> Self {
        let blank = Self {
            object: "webhook_test",
            webhook: found.delivery.endpoint,
            delivered: false,
            status_code: None,
            response_body: None,
            duration_ms: None,
            error: Some(
                "not sent yet: other requests to this webhook come first, and it is sent after them".to_owned(),
            ),
        };
        let Some(attempt) = found.attempts.into_iter().last() else { return blank };
        Self {
            delivered: attempt.failure.is_none(),
            status_code: attempt.status_code,
            response_body: attempt.status_code.map(|_| attempt.response_text()),
            duration_ms: Some(attempt.duration_ms),
            error: attempt.failure.map(|failure| sight.failure(failure).message),
            ..blank
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_secret_shows_its_last_four_characters() {
        for (secret, shown) in [("correct horse battery", "••••tery"), ("0123456789abcdefüé€!", "••••üé€!")]
        {
            assert_eq!(masked(&Secret::stored(secret.to_owned())), shown);
        }
    }
}
