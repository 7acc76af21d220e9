//! The surface `hooks`: Tracktile's API. Its page is silent on paging, so lists are of the newest 250 and have no pages.

mod fields;
mod surface;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::key::Scope;
use rules::endpoints::rotation::Rotation;
use store::search::Bodies;
use web::answers::Answer;
use web::body::{SETTINGS, Sent};
use web::json;
use web::path::Named;
use web::problem::Problem;
use web::query::{LARGEST_PAGE, Query, USUAL_PAGE};
use web::responses::{Lookup, Writing};

use self::fields::{HookFields, NewHook};
use self::surface::Hooks;
use self::view::{ExecutionList, ExecutionView, HookList, HookView};
use super::Served;
use crate::Api;
use crate::deliveries;
use crate::endpoints::rotation;
use crate::endpoints::trial;

/// Create a hook
///
/// A secret is made for it. The answer has it, this once.
#[utoipa::path(post, path = "/hooks", tag = "Hooks", operation_id = "create_hook",
    request_body = NewHook,
    responses((status = 201, description = "Created, with its `secret`.", body = HookView), Writing))]
pub(crate) async fn create(
    caller: Served<Hooks>,
    State(api): State<Api>,
    body: Sent,
) -> Result<(StatusCode, Json<HookView>), Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let text = body.json(project.id, SETTINGS).await?;
    let (judge, own) = (api.clone(), project.clone());
    let hook = api.work(project.id, move || json::object::<HookFields>(&text)?.judge_new(&judge, &own)).await?;
    let hook = api.store.create_endpoint(&caller.actor(), hook).await?;
    Ok((StatusCode::CREATED, Json(HookView::of(&hook, caller.sight()).with_secret(hook.settings.secrets.revealed()))))
}

/// List hooks
///
/// The newest, newest first.
#[utoipa::path(get, path = "/hooks", tag = "Hooks", operation_id = "list_hooks",
    params(("limit" = Option<u32>, Query, description = "1 to 250, usually 250.")),
    responses((status = 200, description = "The project's hooks.", body = HookList), Lookup))]
pub(crate) async fn list(
    caller: Served<Hooks>,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<HookList>, Problem> {
    caller.may_see_endpoints()?;
    let limit = query.limit(LARGEST_PAGE);
    query.finish()?;
    let hooks = caller.newest(&api, limit)?;
    Ok(Json(HookList { data: hooks.iter().map(|hook| HookView::of(hook, caller.sight())).collect() }))
}

/// Show a hook
#[utoipa::path(get, path = "/hooks/{id}", tag = "Hooks", operation_id = "show_hook",
    params(("id" = String, Path, description = "The hook's id.")),
    responses((status = 200, description = "The hook.", body = HookView), Lookup))]
pub(crate) async fn show(
    caller: Served<Hooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<Json<HookView>, Problem> {
    caller.may_see_endpoints()?.whole()?;
    let hook = caller.find(&api, &id)?;
    Ok(Json(HookView::of(&hook, caller.sight())))
}

/// Change a hook
///
/// What is left out stays; `null` sets a field back.
#[utoipa::path(put, path = "/hooks/{id}", tag = "Hooks", operation_id = "change_hook",
    params(("id" = String, Path, description = "The hook's id.")),
    request_body = HookFields,
    responses((status = 200, description = "As it is now.", body = HookView), Writing))]
pub(crate) async fn change(
    caller: Served<Hooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
    body: Sent,
) -> Result<Json<HookView>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let hook = caller.find(&api, &id)?;
    let text = body.json(project.id, SETTINGS).await?;
    let hook = json::object::<HookFields>(&text)?.change(&caller.actor(), &api, project, hook.id).await?;
    Ok(Json(HookView::of(&hook, caller.sight())))
}

/// Delete a hook
///
/// What is pending for it is not sent any more.
#[utoipa::path(delete, path = "/hooks/{id}", tag = "Hooks", operation_id = "delete_hook",
    params(("id" = String, Path, description = "The hook's id.")),
    responses((status = 204, description = "Deleted."), Lookup))]
pub(crate) async fn delete(
    caller: Served<Hooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::EndpointsWrite)?.whole()?;
    let hook = caller.find(&api, &id)?;
    caller.delete(&api, &hook).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rotate a hook's secret
///
/// The old one is not valid from now on. The answer has the new one, this once.
#[utoipa::path(post, path = "/hooks/{id}/rotate", tag = "Hooks", operation_id = "rotate_hook",
    params(("id" = String, Path, description = "The hook's id.")),
    responses((status = 200, description = "Rotated, with the new `secret`.", body = HookView), Lookup))]
pub(crate) async fn rotate(
    caller: Served<Hooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<Json<HookView>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let hook = caller.find(&api, &id)?;
    let rotated = rotation::rotate_to(&caller.actor(), &api, project, &hook, Rotation::at_once()).await?;
    let hook = caller.find(&api, &id)?;
    Ok(Json(HookView::of(&hook, caller.sight()).with_secret(Some(rotated.secret))))
}

/// Test a hook
///
/// Sends a test event, whether the hook is paused or not. The answer comes when the receiver has answered, and is `200`
/// whatever that was.
#[utoipa::path(post, path = "/hooks/{id}/test", tag = "Hooks", operation_id = "test_hook",
    params(("id" = String, Path, description = "The hook's id.")),
    responses((status = 200, description = "What came of it: `pending` if it could not be sent in time.", body = ExecutionView), Lookup))]
pub(crate) async fn test(
    caller: Served<Hooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<Json<ExecutionView>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let hook = caller.find(&api, &id)?;
    let delivery = trial::try_out(&caller.actor(), &api, project, &hook, trial::wish::Wish::default()).await?;
    let found = deliveries::find(&api, project, delivery, Bodies::With).await?;
    Ok(Json(ExecutionView::of_last(found.into_value(), caller.sight())))
}

/// Bytes of answers' bodies in a list of executions. Each gets an even share; what is longer is cut.
const EXECUTIONS: usize = 8 * 1024 * 1024;

/// List a hook's executions
///
/// One for each time that something was sent to it, newest first.
#[utoipa::path(get, path = "/hooks/{id}/executions", tag = "Hooks", operation_id = "list_executions",
    params(
        ("id" = String, Path, description = "The hook's id."),
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
    ),
    responses((status = 200, description = "The newest.", body = ExecutionList), Lookup))]
pub(crate) async fn executions(
    caller: Served<Hooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
    mut query: Query,
) -> Result<Answer<ExecutionList>, Problem> {
    let project = caller.may(Scope::Read)?.whole()?;
    let limit = query.limit(USUAL_PAGE);
    query.finish()?;
    let hook = caller.find(&api, &id)?;
    let share = api.answers.bodies(project.id, EXECUTIONS).await?;
    let attempted = api.store.attempts_at(project.id, hook.id, limit, EXECUTIONS / limit).await?;
    let data = attempted.into_iter().map(|attempted| ExecutionView::of(attempted, caller.sight())).collect();
    Ok(Answer::of(ExecutionList { data }, share))
}
