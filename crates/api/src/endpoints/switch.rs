//! Pausing and resuming an endpoint.

use axum::Json;
use axum::extract::State;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::key::Scope;
use rules::endpoints::changes::{judge_pausable, switch};
use web::caller::Caller;
use web::path::Named;
use web::problem::Problem;
use web::responses::Lookup;

use super::{EndpointView, find, not_found, viewed};
use crate::Api;

/// Pause an endpoint
///
/// Those deliveries that are pending wait. Events that are sent meanwhile are not kept for it: when it is resumed,
/// `POST /v1/endpoints/{id}/recover` with `"only": "missed"` sends them.
#[utoipa::path(post, path = "/v1/endpoints/{id}/pause", tag = "Endpoints", operation_id = "pause_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "Paused.", body = EndpointView), Lookup))]
pub(crate) async fn pause(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
) -> Result<Json<EndpointView>, Problem> {
    set(&caller, &api, id, false).await
}

/// Resume an endpoint
///
/// A disabled one starts with no failures. Events that were sent while it was paused or disabled were not kept for it:
/// `POST /v1/endpoints/{id}/recover` with `"only": "missed"` sends them.
#[utoipa::path(post, path = "/v1/endpoints/{id}/resume", tag = "Endpoints", operation_id = "resume_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "Active.", body = EndpointView), Lookup))]
pub(crate) async fn resume(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
) -> Result<Json<EndpointView>, Problem> {
    set(&caller, &api, id, true).await
}

async fn set(caller: &Caller, api: &Api, id: EndpointId, active: bool) -> Result<Json<EndpointView>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    find(api, project, id)?;
    judge_pausable(&*api.dialect(project).await?)?;
    let switched = move |before: &Endpoint| {
        let mut after = before.clone();
        switch(&mut after, active);
        Ok::<_, Problem>(after)
    };
    let changed = api.store.change_endpoint(&caller.actor(), project.id, id, switched).await?;
    let endpoint = changed.ok_or_else(|| not_found(id))??;
    viewed(api, caller, &endpoint).await
}
