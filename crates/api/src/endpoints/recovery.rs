//! Recovering an endpoint: what failed or was missed in a stretch of time is sent to it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::id::EndpointId;
use model::invalid::Faults;
use model::job::{Only, Task};
use model::key::Scope;
use model::rejection::judged;
use model::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use web::body::{SETTINGS, Sent};
use web::caller::Caller;
use web::json;
use web::path::Named;
use web::problem::Problem;
use web::responses::Writing;

use super::find;
use crate::Api;
use crate::jobs::JobView;

/// What to recover.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "since": "2026-01-30T00:00:00Z", "only": "all" }))]
pub(crate) struct Recovery {
    /// Events accepted at or after, RFC 3339.
    #[schema(required = true, nullable = false, value_type = String, format = DateTime)]
    since: Option<String>,
    /// Events accepted before, RFC 3339. Now, if it is not given.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// `failed`: deliveries that were given up. `missed`: matching events that have no delivery here, because the
    /// endpoint was created later, or was paused. `all`: both.
    #[schema(example = "all", default = "all")]
    only: Option<String>,
}

impl Recovery {
    fn judge(self, endpoint: EndpointId, now: Timestamp) -> Result<Task, Problem> {
        let mut faults = Faults::default();
        let since = faults.check("/since", self.since.ok_or("required: a time, for example 2026-01-31T00:00:00Z"));
        let since: Option<Timestamp> = since.and_then(|since| faults.check("/since", since.parse()));
        let until: Option<Timestamp> = match self.until {
            Some(until) => faults.check("/until", until.parse()),
            None => Some(now),
        };
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            faults.add("/since", "since comes before until, and until is now if it is not given");
        }
        let only = match self.only.as_deref() {
            None => Some(Only::default()),
            Some("failed") => Some(Only::Failed),
            Some("missed") => Some(Only::Missed),
            Some("all") => Some(Only::All),
            Some(_) => faults.check("/only", Err("only is failed, missed or all")),
        };
        judged(faults)?;
        let (Some(since), Some(until), Some(only)) = (since, until, only) else {
            unreachable!("their absence is a fault")
        };
        Ok(Task::Recover { endpoint, since, until, only })
    }
}

/// Recover an endpoint
///
/// A job sends it what failed or was missed, slowly enough to be taken, and goes on after a restart.
#[utoipa::path(post, path = "/v1/endpoints/{id}/recover", tag = "Endpoints", operation_id = "recover_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body = Recovery,
    responses((status = 202, description = "Under way.", body = JobView), Writing))]
pub(crate) async fn recover(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
    body: Sent,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    find(&api, project, id)?;
    let text = body.json(project.id, SETTINGS).await?;
    let task = json::object::<Recovery>(&text)?.judge(id, api.env.now())?;
    let job = api.store.create_job(&caller.actor(), project.id, task).await?;
    Ok((StatusCode::ACCEPTED, Json(JobView::of(&job))))
}
