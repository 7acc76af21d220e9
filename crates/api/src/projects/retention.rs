//! How long a project's data is kept, as it is shown.

use model::retention::{Chosen, Period};
use serde::Serialize;
use utoipa::ToSchema;

/// How long a project's data is kept. `null`: as long as the server keeps it.
#[derive(Serialize, ToSchema)]
#[schema(as = Retention)]
pub(super) struct RetentionView {
    /// Events, their deliveries and attempts, idempotency keys, jobs that ended.
    #[schema(required = true, value_type = Option<String>, example = "90d")]
    contents: Option<Period>,
    /// What receivers answered, and what was sent to them where it cannot be made again from the event.
    #[schema(required = true, value_type = Option<String>, example = json!(null))]
    attempt_bodies: Option<Period>,
}

impl RetentionView {
    pub(super) fn of(Chosen { contents, attempt_bodies }: Chosen) -> Self {
        Self { contents, attempt_bodies }
    }
}
