//! A webhook as a caller of Trakkr's API writes it.

use model::endpoint::Endpoint;
use model::invalid::Faults;
use model::json::Json;
use model::object::{Change, Object, Texts};
use model::project::Project;
use rules::endpoints::auth::AuthFields;
use rules::endpoints::fields::Fields;
use serde::Deserialize;
use utoipa::ToSchema;
use web::problem::Problem;

use super::surface::Webhooks;
use crate::Api;
use crate::surfaces::{self, named};

/// A webhook to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "url": "https://example.com/webhooks",
    "events": ["visibility_changed"],
    "brand_id": "5f0c7a52-6f0e-4a52-9d4e-0d7b8a1c2e3f",
}))]
pub(crate) struct NewWebhook {
    /// Where it goes: https, to a public address, at most 2,048 characters.
    #[serde(default)]
    #[schema(required = true, value_type = String, example = "https://example.com/webhooks")]
    url: Change<String>,
    /// The types to subscribe to, at least one.
    #[schema(required = true, nullable = false, value_type = Vec<String>, example = json!(["visibility_changed"]))]
    events: Option<Vec<String>>,
    /// Whose events it gets.
    #[schema(required = true, nullable = false, value_type = String, example = "5f0c7a52-6f0e-4a52-9d4e-0d7b8a1c2e3f")]
    brand_id: Option<String>,
    /// `none`, `bearer`, `basic` or `api_key`.
    #[schema(default = "none", example = "bearer")]
    auth_type: Option<String>,
    /// Of the type `bearer`: sent as `Authorization: Bearer …`.
    #[schema(example = "s3cr3t")]
    auth_token: Option<String>,
    /// Of the type `basic`.
    auth_username: Option<String>,
    /// Of the type `basic`.
    auth_password: Option<String>,
    /// Of the type `api_key`: the header's name.
    api_key_header: Option<String>,
    /// Of the type `api_key`: what the header holds.
    api_key_value: Option<String>,
    /// 16 to 128 characters. Requests are signed if there is one.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "a secret of your own")]
    signing_secret: Change<String>,
    /// Sent with every request: at most 50, of visible ASCII.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::HashMap<String, String>>, example = json!({ "x-environment": "live" }))]
    headers: Change<Texts>,
    /// The body of its requests: JSON, or text that is JSON, whose strings may hold slots like `{{brand.name}}` and
    /// `{{event.data.current_score}}`. The usual payload, or its platform's message, if it is not given.
    #[serde(default)]
    #[schema(value_type = Option<Value>, example = json!({ "text": "{{event.type}}: {{summary}}" }))]
    template: Change<Json>,
}

impl NewWebhook {
    /// The endpoint that is asked for, or everything that is wrong with it, by the caller's own names.
    pub(super) fn judge(self, api: &Api, project: &Project) -> Result<Endpoint, Problem> {
        let mut faults = Faults::default();
        if self.events.is_none() {
            faults.add("/events", "required: the event types to subscribe to");
        }
        if self.brand_id.is_none() {
            faults.add("/brand_id", "required: the brand whose events it gets");
        }
        surfaces::judge_new(api, project, self.into(), named::<Webhooks>, faults.into_vec())
    }
}

impl From<NewWebhook> for Fields {
    fn from(webhook: NewWebhook) -> Self {
        let auth = AuthFields {
            kind: Some(webhook.auth_type.unwrap_or_else(|| "none".to_owned())),
            token: webhook.auth_token,
            username: webhook.auth_username,
            password: webhook.auth_password,
            header: webhook.api_key_header,
            value: webhook.api_key_value,
        };
        Self {
            url: webhook.url,
            events: webhook.events.map_or(Change::Keep, Change::Set),
            tenant: webhook.brand_id.map_or(Change::Keep, Change::Set),
            auth: Change::Set(Object(auth)),
            secret: webhook.signing_secret,
            headers: webhook.headers,
            template: webhook.template,
            ..Self::default()
        }
    }
}
