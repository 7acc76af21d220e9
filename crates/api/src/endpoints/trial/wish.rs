//! The body of a request for a test.

use serde::Deserialize;
use utoipa::ToSchema;

/// What to send. Nothing in it is required, nor is the body.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Test, example = json!({ "event_type": "invoice.paid" }))]
pub(crate) struct Wish {
    /// The type whose example is sent. Without it the first one with an example that the endpoint subscribes to, else the
    /// first one with an example.
    #[schema(example = "invoice.paid")]
    pub(crate) event_type: Option<String>,
}
