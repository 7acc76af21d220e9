//! An endpoint as a caller writes it: on create and, all fields optional, on change.

use std::borrow::Cow;

use model::json::Json;
use model::object::{Change, Object, Texts, Whole};
use serde::Deserialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::auth::AuthFields;

/// What is to be different about an endpoint.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndpointChange, example = json!({ "events": ["invoice.*"], "rate_limit": { "requests": 10, "per": "1s" } }))]
pub struct Fields {
    /// Where webhooks go: https, to a public address, at most 2,048 characters.
    #[serde(default)]
    #[schema(value_type = String, example = "https://example.com/webhooks")]
    pub url: Change<String>,
    /// Types (`invoice.paid`), prefixes (`invoice.*`) or `*`. All, if it is not given. Events of Posthaste itself
    /// (`posthaste.*`) come only to endpoints that name them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, example = json!(["invoice.*"]))]
    pub events: Change<Vec<String>>,
    /// What people read.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Acme's billing")]
    pub name: Change<String>,
    /// On create only: your own, `whsec_` and base64 of 24 to 64 bytes, or `whsk_` and base64 of an Ed25519 seed. One
    /// is made if none is given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: Change<String>,
    /// `false` pauses: no new deliveries are made, pending ones wait.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = true)]
    pub active: Change<bool>,
    /// Gets this tenant's events alone. Without one it gets all.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "customer_42")]
    pub tenant: Change<String>,
    /// On create only: `hmac-sha256` or `ed25519`, which a `whsk_` secret alone means as well.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "hmac-sha256")]
    pub signing: Change<String>,
    /// How we show the receiver who we are, besides the signature.
    #[serde(default)]
    #[schema(value_type = Option<AuthFields>)]
    pub auth: Change<Object<AuthFields>>,
    /// Sent with every request: at most 50, of visible ASCII.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::HashMap<String, String>>, example = json!({ "x-environment": "live" }))]
    pub headers: Change<Texts>,
    /// `webhook`, `slack`, `discord`, `teams_webhook`, `zapier` or `make`: whose URL it is, where the URL does not tell.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "slack")]
    pub provider: Change<String>,
    /// The body of its requests: JSON, or text that is JSON, whose strings may hold slots like `{{event.type}}` and
    /// `{{event.data.amount | json}}`. At most 64 KiB. The dialect's body, if it is not given.
    #[serde(default)]
    #[schema(value_type = Option<Value>, example = json!({ "text": "{{event.type}}: {{summary}}" }))]
    pub template: Change<Json>,
    /// Which events of its types it gets: an expression in CEL over `event` (`id type timestamp data tenant brand
    /// workflow summary`; what an event does not have is null), at most 4,096 bytes. All of them, if it is not given. An
    /// event at which it fails is delivered, and the delivery notes why.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "event.data.amount > 100")]
    pub filter: Change<String>,
    /// At most so many requests in any such stretch of time.
    #[serde(default)]
    #[schema(value_type = Option<RateFields>)]
    pub rate_limit: Change<Object<RateFields>>,
    /// `none`, or `fifo`: a failing event holds back the later ones.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "none")]
    pub ordering: Change<String>,
    /// For a whole request, 1 to 120,000. The dialect's, if it is not given.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 120_000, example = 10_000)]
    pub timeout_ms: Change<Whole>,
    /// When a failed request is tried again. The dialect's schedule, if it is not given.
    #[serde(default)]
    #[schema(value_type = Option<RetryFields>)]
    pub retry: Change<Object<RetryFields>>,
    /// Your own object, kept and given back; at most 16 KiB.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({ "crm_id": 7 }))]
    pub metadata: Change<Json>,
}

/// `{"requests": 100, "per": "1s"}`
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RateLimit, example = json!({ "requests": 100, "per": "1s" }))]
pub struct RateFields {
    /// 1 to 100,000.
    #[schema(required = true, nullable = false, value_type = u32)]
    pub(super) requests: Option<Whole>,
    /// `1s` to `24h`.
    #[schema(required = true, nullable = false, value_type = String)]
    pub(super) per: Option<String>,
}

/// `{"schedule": ["1s", "5s"]}`
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Retry, example = json!({ "schedule": ["1s", "5s", "5m"] }))]
pub struct RetryFields {
    /// The waits before the second attempt, the third and so on, at most 100. Empty: one attempt only.
    #[schema(required = true, nullable = false, value_type = Vec<String>)]
    pub(super) schedule: Option<Vec<String>>,
}

/// The schema of [`Fields`] on create, where the URL must be there.
pub struct NewEndpoint;

impl PartialSchema for NewEndpoint {
    fn schema() -> RefOr<Schema> {
        let mut schema = Fields::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some("An endpoint to create.".to_owned());
            object.required = vec!["url".to_owned()];
            object.example =
                Some(serde_json::json!({ "url": "https://example.com/webhooks", "events": ["invoice.*"] }));
        }
        schema
    }
}

impl ToSchema for NewEndpoint {
    fn name() -> Cow<'static, str> {
        "NewEndpoint".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Fields::schemas(schemas);
    }
}
