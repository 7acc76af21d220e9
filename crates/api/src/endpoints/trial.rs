//! Testing an endpoint: one event for it alone, and the answer waits for what the receiver says.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use model::endpoint::Endpoint;
use model::env::Env;
use model::event::Event;
use model::id::{DeliveryId, EndpointId, EventId, ProjectId};
use model::json::Json as Payload;
use model::key::Scope;
use model::project::Project;
use serde::Serialize;
use serde_json::json;
use store::feed::Recorded;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::{find, not_found};
use crate::Api;
use crate::caller::Caller;
use crate::deliveries;
use crate::deliveries::view::FullDelivery;
use crate::openapi::Lookup;
use crate::path::Named;
use crate::problem::Problem;

const TYPE: &str = "posthaste.test";

/// An attempt may wait for its turn before it begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a test.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tested {
    delivery: FullDelivery,
}

/// Test an endpoint
///
/// Sends one event of type `posthaste.test` to it, paused or not, whatever it subscribes to. The answer comes when the
/// receiver has answered, and is `200` whatever that was.
#[utoipa::path(post, path = "/v1/endpoints/{id}/test", tag = "Endpoints", operation_id = "test_endpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "What came of it. Without attempts if it could not be made in time.", body = Tested), Lookup))]
pub(crate) async fn test(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
) -> Result<Json<Tested>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?;
    let endpoint = find(&api, project, id)?;
    let delivery = try_out(&api, project, &endpoint).await?;
    Ok(Json(Tested { delivery: deliveries::full(&api, project, delivery).await? }))
}

/// Sends a test and waits for what the receiver says, or until it could not be sent in time.
pub(crate) async fn try_out(api: &Api, project: &Project, endpoint: &Endpoint) -> Result<DeliveryId, Problem> {
    let timeout = endpoint.settings.timeout.unwrap_or(api.dialect_of(project)?.limits.timeout);
    // Before the event is there, so that its attempt cannot be missed.
    let watch = api.store.watch();
    let made = api.store.ingest_test(event(endpoint, &*api.env), endpoint.id).await?;
    let delivery = made.ok_or_else(|| not_found(endpoint.id))?;
    tokio::select! {
        biased;
        attempted = attempted(api, watch, project.id, delivery) => attempted?,
        () = api.env.sleep(timeout + PATIENCE) => {}
    }
    Ok(delivery)
}

fn event(endpoint: &Endpoint, env: &dyn Env) -> Event {
    let data = json!({
        "message": "This is a test of your webhook endpoint. Nothing happened.",
        "test": true,
        "endpoint_id": endpoint.id,
    });
    let now = env.now();
    Event {
        id: EventId::new(env),
        project: endpoint.project,
        event_type: TYPE.parse().expect("this is an event type"),
        tenant: endpoint.settings.tenant.clone(),
        data: Payload::trusted(data.to_string()),
        brand: None,
        workflow: None,
        summary: None,
        occurred_at: now,
        created_at: now,
        deliver_at: None,
        expires_at: None,
        test: true,
    }
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
                let found = api.store.delivery(project, delivery).await?;
                if found.is_some_and(|found| !found.attempts.is_empty()) {
                    return Ok(());
                }
            }
        }
    }
}
