//! The surface `webhooks`: Trakkr's API. Its page is silent on paging, so lists are of the newest 250 and have no pages.

mod new_webhook;
mod surface;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::key::Scope;
use store::search::Bodies;
use web::body::{SETTINGS, Sent};
use web::json;
use web::path::Named;
use web::problem::Problem;
use web::query::{LARGEST_PAGE, Query};
use web::responses::{Lookup, Writing};

use self::new_webhook::NewWebhook;
use self::surface::Webhooks;
use self::view::{WebhookList, WebhookTest, WebhookView};
use super::Served;
use crate::Api;
use crate::deliveries;
use crate::endpoints::trial;

/// Create a webhook
///
/// The answer has its `signing_secret` in full, this once.
#[utoipa::path(post, path = "/webhooks", tag = "Webhooks", operation_id = "create_webhook",
    request_body = NewWebhook,
    responses((status = 201, description = "Created.", body = WebhookView), Writing))]
pub(crate) async fn create(
    caller: Served<Webhooks>,
    State(api): State<Api>,
    body: Sent,
) -> Result<(StatusCode, Json<WebhookView>), Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let text = body.json(project.id, SETTINGS).await?;
    let (judge, own) = (api.clone(), project.clone());
    let webhook = move || json::object::<NewWebhook>(&text)?.judge(&judge, &own);
    let webhook = api.work(project.id, webhook).await?;
    let webhook = api.store.create_endpoint(&caller.actor(), webhook).await?;
    Ok((StatusCode::CREATED, Json(WebhookView::of(&webhook, caller.dialect(), caller.sight()).with_secret(&webhook))))
}

/// List webhooks
///
/// The newest, newest first.
#[utoipa::path(get, path = "/webhooks", tag = "Webhooks", operation_id = "list_webhooks",
    params(("limit" = Option<u32>, Query, description = "1 to 250, usually 250.")),
    responses((status = 200, description = "The project's webhooks.", body = WebhookList), Lookup))]
pub(crate) async fn list(
    caller: Served<Webhooks>,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<WebhookList>, Problem> {
    caller.may_see_endpoints()?;
    let limit = query.limit(LARGEST_PAGE);
    query.finish()?;
    let webhooks = caller.newest(&api, limit)?;
    Ok(Json(WebhookList::of(
        webhooks.iter().map(|webhook| WebhookView::of(webhook, caller.dialect(), caller.sight())).collect(),
    )))
}

/// Retrieve a webhook
#[utoipa::path(get, path = "/webhooks/{id}", tag = "Webhooks", operation_id = "show_webhook",
    params(("id" = String, Path, description = "The webhook's id.")),
    responses((status = 200, description = "The webhook.", body = WebhookView), Lookup))]
pub(crate) async fn show(
    caller: Served<Webhooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<Json<WebhookView>, Problem> {
    caller.may_see_endpoints()?.whole()?;
    let webhook = caller.find(&api, &id)?;
    Ok(Json(WebhookView::of(&webhook, caller.dialect(), caller.sight())))
}

/// Delete a webhook
///
/// What is pending for it is not sent any more.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "Webhooks", operation_id = "delete_webhook",
    params(("id" = String, Path, description = "The webhook's id.")),
    responses((status = 204, description = "Deleted."), Lookup))]
pub(crate) async fn delete(
    caller: Served<Webhooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::EndpointsWrite)?.whole()?;
    let webhook = caller.find(&api, &id)?;
    caller.delete(&api, &webhook).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a test webhook
///
/// The answer comes when the receiver has answered, and is `200` whatever that was.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "Webhooks", operation_id = "test_webhook",
    params(("id" = String, Path, description = "The webhook's id.")),
    responses((status = 200, description = "What came of it.", body = WebhookTest), Lookup))]
pub(crate) async fn test(
    caller: Served<Webhooks>,
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<Json<WebhookTest>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let webhook = caller.find(&api, &id)?;
    let delivery = trial::try_out(&caller.actor(), &api, project, &webhook, trial::wish::Wish::default()).await?;
    let found = deliveries::find(&api, project, delivery, Bodies::With).await?.into_value();
    Ok(Json(WebhookTest::of(found, caller.sight())))
}
