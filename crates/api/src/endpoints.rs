//! Endpoints: made, shown, changed, deleted. What else can be done with one stands in the files beneath.

pub(crate) mod auth;
mod changes;
pub(crate) mod fields;
pub(crate) mod headers;
pub(crate) mod recovery;
pub(crate) mod rotation;
pub(crate) mod switch;
pub(crate) mod tenant;
pub(crate) mod trial;
pub(crate) mod values;
mod view;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::key::Scope;
use model::project::Project;
use store::endpoints::Condition;

use crate::Api;
use crate::body::{SETTINGS, Sent};
use crate::caller::Caller;
use crate::json;
use crate::openapi::{Lookup, Writing};
use crate::path::Named;
use crate::problem::Problem;
use crate::query::{Listed, Query, page_of};
use crate::sight::Sight;
use changes::Rules;
use fields::{Fields, NewEndpoint};
pub(crate) use view::EndpointView;

/// Create an endpoint
///
/// An address that gets webhooks. The answer has its secret, this once.
#[utoipa::path(post, path = "/v1/endpoints", tag = "Endpoints", operation_id = "create_endpoint",
    request_body = NewEndpoint,
    responses((status = 201, description = "Created, with its `secret`.", body = EndpointView), Writing))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Sent,
) -> Result<(StatusCode, Json<EndpointView>), Problem> {
    let project = caller.may(Scope::EndpointsWrite)?;
    let dialect = api.dialect_of(project)?;
    let text = body.json(SETTINGS).await?;
    let fields = json::object::<Fields>(&text)?;
    let endpoint = api.store.create_endpoint(judge_new(&api, project, fields)?).await?;
    let view = EndpointView::of(&endpoint, &Condition::default(), &dialect, Sight::of(&caller));
    Ok((StatusCode::CREATED, Json(view.with_secret(&endpoint))))
}

/// List endpoints
///
/// Newest first.
#[utoipa::path(get, path = "/v1/endpoints", tag = "Endpoints", operation_id = "list_endpoints",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of endpoints.", body = Listed<EndpointView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<Listed<EndpointView>>, Problem> {
    let project = caller.may(Scope::Read)?;
    let paging = query.paging();
    query.finish()?;
    let page = {
        let directory = api.store.directory();
        page_of(directory.endpoints_of(project.id).iter().cloned(), |endpoint| endpoint.id, paging)
    };
    let ids = page.items.iter().map(|endpoint| endpoint.id).collect();
    let mut conditions = api.store.conditions(ids).await?.into_iter();
    let dialect = api.dialect_of(project)?;
    let sight = Sight::of(&caller);
    let view =
        |endpoint: Arc<Endpoint>| EndpointView::of(&endpoint, &conditions.next().unwrap_or_default(), &dialect, sight);
    Ok(Json(Listed::of(page, view)))
}

/// Show an endpoint
#[utoipa::path(get, path = "/v1/endpoints/{id}", tag = "Endpoints", operation_id = "show_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "The endpoint.", body = EndpointView), Lookup))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
) -> Result<Json<EndpointView>, Problem> {
    let project = caller.may(Scope::Read)?;
    let endpoint = find(&api, project, id)?;
    viewed(&api, &caller, &endpoint).await
}

/// Change an endpoint
///
/// What is left out stays; `null` sets a field back. `active` pauses and resumes: a disabled endpoint that is resumed
/// starts with no failures. The secret is changed with `rotate-secret`.
#[utoipa::path(patch, path = "/v1/endpoints/{id}", tag = "Endpoints", operation_id = "change_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body = Fields,
    responses((status = 200, description = "As it is now.", body = EndpointView), Writing))]
pub(crate) async fn change(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
    body: Sent,
) -> Result<Json<EndpointView>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?;
    find(&api, project, id)?;
    let text = body.json(SETTINGS).await?;
    let fields = json::object::<Fields>(&text)?;
    let endpoint = change_to(&api, project, id, fields).await?;
    viewed(&api, &caller, &endpoint).await
}

/// Delete an endpoint
///
/// Its pending deliveries are cancelled; all its deliveries stay listed.
#[utoipa::path(delete, path = "/v1/endpoints/{id}", tag = "Endpoints", operation_id = "delete_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 204, description = "Deleted."), Lookup))]
pub(crate) async fn delete(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
) -> Result<StatusCode, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?;
    match api.store.delete_endpoint(project.id, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_found(id)),
    }
}

/// An endpoint to create, by the rules of its project's dialect: whichever way it was asked for.
pub(crate) fn judge_new(api: &Api, project: &Project, fields: Fields) -> Result<Endpoint, Problem> {
    let dialect = api.dialect_of(project)?;
    fields.create(project.id, &Rules { dialect: &dialect, policy: &api.policy }, &*api.env)
}

/// Changes an endpoint, by the rules of its project's dialect: whichever way it was asked for.
pub(crate) async fn change_to(
    api: &Api,
    project: &Project,
    id: EndpointId,
    fields: Fields,
) -> Result<Arc<Endpoint>, Problem> {
    let dialect = api.dialect_of(project)?;
    let changes = fields.change(&Rules { dialect: &dialect, policy: &api.policy })?;
    let changed = api.store.change_endpoint(project.id, id, move |before| changes.clone().made_to(before)).await?;
    changed.ok_or_else(|| not_found(id))?
}

/// An endpoint of the project.
pub(crate) fn find(api: &Api, project: &Project, id: EndpointId) -> Result<Arc<Endpoint>, Problem> {
    let directory = api.store.directory();
    let found = directory.endpoint(id).filter(|endpoint| endpoint.project == project.id);
    found.cloned().ok_or_else(|| not_found(id))
}

fn not_found(id: EndpointId) -> Problem {
    Problem::not_found("endpoint", &id.to_string())
}

async fn viewed(api: &Api, caller: &Caller, endpoint: &Endpoint) -> Result<Json<EndpointView>, Problem> {
    let condition = api.store.conditions(vec![endpoint.id]).await?.pop().unwrap_or_default();
    Ok(Json(EndpointView::of(endpoint, &condition, &*api.dialect_of(caller.project())?, Sight::of(caller))))
}
