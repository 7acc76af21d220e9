//! Endpoints: made, shown, changed, deleted. What else can be done with one stands in the files beneath.

mod auth;
mod filter;
pub(crate) mod find;
pub(crate) mod recovery;
pub(crate) mod rotation;
pub(crate) mod switch;
pub(crate) mod trial;
mod view;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::actor::Actor;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::key::Scope;
use model::project::Project;
use rules::endpoints::changes::Rules;
use rules::endpoints::fields::{Fields, NewEndpoint};
use rules::endpoints::tenant;
use store::endpoints::Condition;
use store::search::Page;
use web::body::{SETTINGS, Sent};
use web::caller::Caller;
use web::json;
use web::path::Named;
use web::problem::Problem;
use web::query::{Listed, Query, page_of};
use web::responses::{Lookup, Writing};

use self::filter::Filter;
use self::find::{find, not_found};
pub(crate) use self::view::EndpointView;
use crate::Api;
use crate::sight::Sight;

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
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let dialect = api.dialect(project).await?;
    let text = body.json(project.id, SETTINGS).await?;
    let (judge, own) = (api.clone(), project.clone());
    let endpoint = api.work(project.id, move || judge_new(&judge, &own, json::object(&text)?)).await?;
    let endpoint = api.store.create_endpoint(&caller.actor(), endpoint).await?;
    let view = EndpointView::of(&endpoint, &Condition::default(), &dialect, Sight::of(&caller));
    let view = view.with_secret(&endpoint).with_warnings(warnings(&api, &endpoint));
    Ok((StatusCode::CREATED, Json(view)))
}

/// List endpoints
///
/// Newest first. Of several filters all hold.
#[utoipa::path(get, path = "/v1/endpoints", tag = "Endpoints", operation_id = "list_endpoints",
    params(
        ("tenant" = Option<String>, Query, description = "Of this tenant."),
        ("status" = Option<String>, Query, description = "`active`, `paused` or `disabled`."),
        ("type" = Option<String>, Query, description = "Those that events of this type are for."),
        ("url" = Option<String>, Query, description = "With exactly this URL."),
        ("name" = Option<String>, Query, description = "With exactly this name."),
        ("q" = Option<String>, Query, description = "With this in the URL or the name, in capital or small letters."),
        ("metadata.KEY" = Option<String>, Query, description = "Whose `metadata` has this value as its member KEY. May be given for several keys."),
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of endpoints.", body = Listed<EndpointView>), Lookup))]
pub(crate) async fn list(caller: Caller, State(api): State<Api>, mut query: Query) -> Result<Response, Problem> {
    let grant = caller.may_see_endpoints()?;
    let project = grant.project;
    let dialect = api.dialect(project).await?;
    let filter = Filter::take(&mut query, grant, dialect.catalogue.names)?;
    let paging = query.paging();
    query.finish()?;
    let sight = Sight::of(&caller);
    let (directory, own) = (api.store.directory().clone(), project.id);
    let find = move || {
        let fitting = directory.endpoints_of(own).iter().filter(|endpoint| filter.fits(endpoint, sight));
        let Page { items, next } = page_of(fitting, |endpoint| endpoint.id, paging);
        Ok(Page { items: items.into_iter().cloned().collect::<Vec<_>>(), next })
    };
    let page = api.work(project.id, find).await?;
    let ids = page.items.iter().map(|endpoint| endpoint.id).collect();
    let mut conditions = api.store.conditions(ids).await?.into_iter();
    let write = move || {
        let view = |endpoint: Arc<Endpoint>| {
            EndpointView::of(&endpoint, &conditions.next().unwrap_or_default(), &dialect, sight)
        };
        Ok(Json(Listed::of(page, view)).into_response())
    };
    api.work(project.id, write).await
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
    let project = caller.may_see_endpoints()?.whole()?;
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
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    find(&api, project, id)?;
    let text = body.json(project.id, SETTINGS).await?;
    let endpoint = change_to(&caller.actor(), &api, project, id, move || json::object(&text)).await?;
    let Json(view) = viewed(&api, &caller, &endpoint).await?;
    Ok(Json(view.with_warnings(warnings(&api, &endpoint))))
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
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    match api.store.delete_endpoint(&caller.actor(), project.id, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_found(id)),
    }
}

/// An endpoint to create, by the rules of its project's dialect: whichever way it was asked for.
pub(crate) fn judge_new(api: &Api, project: &Project, fields: Fields) -> Result<Endpoint, Problem> {
    let dialect = api.dialect_of(project)?;
    let rules = Rules { dialect: &dialect, policy: &api.policy, tenants: project.tenants };
    Ok(fields.create(project.id, &rules, &*api.env)?)
}

/// Changes an endpoint, by the rules of its project's dialect: whichever way it was asked for.
pub(crate) async fn change_to(
    by: &Actor,
    api: &Api,
    project: &Project,
    id: EndpointId,
    fields: impl FnOnce() -> Result<Fields, Problem> + Send + 'static,
) -> Result<Arc<Endpoint>, Problem> {
    let (dialect, policy) = (api.dialect(project).await?, api.policy.clone());
    let tenants = project.tenants;
    let judge = move || Ok(fields()?.change(&Rules { dialect: &dialect, policy: &policy, tenants })?);
    let changes = api.work(project.id, judge).await?;
    let changed = api.store.change_endpoint(by, project.id, id, move |before| changes.clone().made_to(before)).await?;
    Ok(changed.ok_or_else(|| not_found(id))??)
}

/// What whoever made or changed an endpoint may not have meant.
fn warnings(api: &Api, endpoint: &Endpoint) -> Vec<String> {
    let directory = api.store.directory();
    let has_tenants = || directory.endpoints_of(endpoint.project).iter().any(|other| other.settings.tenant.is_some());
    let without = endpoint.settings.tenant.is_none() && has_tenants();
    without.then(|| tenant::WITHOUT.to_owned()).into_iter().collect()
}

async fn viewed(api: &Api, caller: &Caller, endpoint: &Endpoint) -> Result<Json<EndpointView>, Problem> {
    let condition = api.store.conditions(vec![endpoint.id]).await?.pop().unwrap_or_default();
    Ok(Json(EndpointView::of(endpoint, &condition, &*api.dialect(caller.project()).await?, Sight::of(caller))))
}
