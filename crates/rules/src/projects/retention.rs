//! How long a project's data is kept, as callers write it.

use model::invalid::Faults;
use model::object::{Change, Object};
use model::retention::{Chosen, NotAPeriod, Period};
use serde::Deserialize;
use utoipa::ToSchema;

/// Durations of at most `366d`, or `forever`. What is left out stays; `null`: as the server has it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RetentionChange, example = json!({ "contents": "90d", "attempt_bodies": "14d" }))]
pub struct RetentionFields {
    /// Events, their deliveries and attempts, idempotency keys, jobs that ended: at least `1d`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "90d")]
    contents: Change<String>,
    /// What receivers answered, and what was sent to them where it cannot be made again from the event.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "14d")]
    attempt_bodies: Change<String>,
}

/// What it shall be after a change.
pub(super) fn changed(before: Chosen, change: Change<Object<RetentionFields>>, faults: &mut Faults) -> Chosen {
    let fields = match change {
        Change::Keep => return before,
        Change::Clear => return Chosen::default(),
        Change::Set(Object(fields)) => fields,
    };
    let contents = |text: &str| {
        let period: Period = text.parse().map_err(|error: NotAPeriod| error.to_string())?;
        period.for_contents().map_err(|error| error.to_string())
    };
    let mut after = before;
    fields.contents.judge(|text| faults.check("/retention/contents", contents(&text))).apply(&mut after.contents);
    fields
        .attempt_bodies
        .judge(|text| faults.check("/retention/attempt_bodies", text.parse::<Period>()))
        .apply(&mut after.attempt_bodies);
    after
}
