//! Testing an endpoint: one event for it alone, and the answer waits for what the receiver says.

mod sample;
pub(crate) mod wish;

use std::time::Duration;

use axum::extract::State;
use model::actor::Actor;
use model::endpoint::Endpoint;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::key::Scope;
use model::project::Project;
use serde::Serialize;
use store::feed::Recorded;
use store::search::Bodies;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use web::answers::Answer;
use web::body::{SETTINGS, Sent};
use web::caller::Caller;
use web::json;
use web::path::Named;
use web::problem::Problem;
use web::responses::Writing;

use self::wish::Wish;
use super::find::{find, not_found};
use crate::Api;
use crate::deliveries;
use crate::deliveries::view::FullDelivery;

/// An attempt may wait for its turn before it begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a test.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tested {
    delivery: FullDelivery,
}

/// Test an endpoint
///
/// Sends one event to it, paused or not, whatever it subscribes to: the example of an event type or, where no type has
/// one, `posthaste.test`. The request has the header `posthaste-test: true`, and the event is shown with `test`. The
/// answer comes when the receiver has answered, and is `200` whatever that was.
#[utoipa::path(post, path = "/v1/endpoints/{id}/test", tag = "Endpoints", operation_id = "test_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body = Option<Wish>,
    responses((status = 200, description = "What came of it. Without attempts if it could not be made in time.", body = Tested), Writing))]
pub(crate) async fn test(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
    body: Sent,
) -> Result<Answer<Tested>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let endpoint = find(&api, project, id)?;
    let text = body.json(project.id, SETTINGS).await?;
    let wish = json::object_or_default::<Wish>(&text)?;
    let delivery = try_out(&caller.actor(), &api, project, &endpoint, wish).await?;
    let full = deliveries::full(&api, &caller, delivery, Bodies::With).await?;
    Ok(full.map(|delivery| Tested { delivery }))
}

/// Sends a test and waits for what the receiver says, or until it could not be sent in time.
pub(crate) async fn try_out(
    by: &Actor,
    api: &Api,
    project: &Project,
    endpoint: &Endpoint,
    wish: Wish,
) -> Result<DeliveryId, Problem> {
    let dialect = api.dialect(project).await?;
    let timeout = endpoint.settings.timeout.unwrap_or(dialect.limits.timeout);
    let event = sample::event(endpoint, &dialect, wish, &*api.env)?;
    // Before the event is there, so that its attempt cannot be missed.
    let watch = api.store.watch();
    let made = api.store.ingest_test(by, event, endpoint.id).await?;
    let delivery = made.ok_or_else(|| not_found(endpoint.id))?;
    tokio::select! {
        biased;
        attempted = attempted(api, watch, project.id, delivery) => attempted?,
        () = api.env.sleep(timeout + PATIENCE) => {}
    }
    Ok(delivery)
}

/// Resolves when an attempt of `delivery` is on disk.
async fn attempted(
    api: &Api,
    mut watch: Receiver<Recorded>,
    project: ProjectId,
    delivery: DeliveryId,
) -> Result<(), Problem> {
    loop {
        match watch.recv().await {
            Ok(recorded) if recorded.delivery == delivery => return Ok(()),
            Ok(_) => {}
            Err(RecvError::Closed) => return Ok(()),
            // It may have been among those that were missed.
            Err(RecvError::Lagged(_)) => {
                let found = api.store.delivery(project, delivery, Bodies::Without).await?;
                if found.is_some_and(|found| !found.attempts.is_empty()) {
                    return Ok(());
                }
            }
        }
    }
}
