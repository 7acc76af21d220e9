//! Rotating an endpoint's secret: a new one signs at once, the old one beside it for a while.

use axum::Json;
use axum::extract::State;
use dialect::SecretRule;
use model::actor::Actor;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::key::Scope;
use model::project::Project;
use model::time::Timestamp;
use rules::endpoints::rotation::Rotation;
use serde::Serialize;
use utoipa::ToSchema;
use web::body::{SETTINGS, Sent};
use web::caller::Caller;
use web::json;
use web::path::Named;
use web::problem::{Code, Problem};
use web::responses::Writing;

use super::find::{find, not_found};
use crate::Api;

/// The new secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Rotated {
    /// Shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub(crate) secret: String,
    /// Until when the old one signs as well; `null` when it does not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    previous_expires_at: Option<Timestamp>,
}

/// Rotate the secret
///
/// The new secret signs at once. Until the overlap ends the old one signs as well, so that receivers can change over
/// without missing anything.
#[utoipa::path(post, path = "/v1/endpoints/{id}/rotate-secret", tag = "Endpoints", operation_id = "rotate_secret",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body = Option<Rotation>,
    responses((status = 200, description = "Rotated.", body = Rotated), Writing))]
pub(crate) async fn rotate(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EndpointId>,
    body: Sent,
) -> Result<Json<Rotated>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let endpoint = find(&api, project, id)?;
    let text = body.json(project.id, SETTINGS).await?;
    let rotation = json::object_or_default::<Rotation>(&text)?;
    let rotated = rotate_to(&caller.actor(), &api, project, &endpoint, rotation).await?;
    Ok(Json(rotated))
}

/// Puts a new secret in the place of an endpoint's old one.
pub(crate) async fn rotate_to(
    by: &Actor,
    api: &Api,
    project: &Project,
    endpoint: &Endpoint,
    rotation: Rotation,
) -> Result<Rotated, Problem> {
    let dialect = api.dialect(project).await?;
    if dialect.endpoints.secret == SecretRule::Never {
        return Err(Problem::new(Code::Conflict, "Endpoints of this dialect have no secret."));
    }
    let (secret, overlap) = rotation.judge(&dialect, endpoint.settings.signing, &*api.env)?;
    let id = endpoint.id;
    let now = api.env.now();
    let expires_at = now + overlap;
    let new = secret.clone();
    let rotate = move |before: &Endpoint| {
        let mut after = before.clone();
        after.settings.secrets = before.settings.secrets.rotated(new.clone(), now, expires_at);
        Ok::<_, Problem>(after)
    };
    let changed = api.store.change_endpoint(by, project.id, id, rotate).await?;
    let endpoint = changed.ok_or_else(|| not_found(id))??;
    let previous = endpoint.settings.secrets.previous.first().filter(|previous| previous.expires_at == expires_at);
    Ok(Rotated {
        secret: secret.reveal().to_owned(),
        previous_expires_at: previous.map(|previous| previous.expires_at),
    })
}
