//! Whether the process lives and whether it can work: asked by load balancers and orchestrators, without a key.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use web::problem::{Code, Problem};

use crate::Api;

/// A database that takes longer to answer is as good as none.
const LONGEST_PING: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "Server", operation_id = "healthz", security(()),
    responses((status = 200, description = "It does.", body = Health)))]
pub(crate) async fn live() -> Json<Health> {
    OK
}

/// Whether it can work: the database answers, and a node that delivers has its lease.
#[utoipa::path(get, path = "/readyz", tag = "Server", operation_id = "readyz", security(()),
    responses(
        (status = 200, description = "It can.", body = Health),
        (status = 503, description = "It cannot, right now.", body = web::problem::Document<'_>, content_type = "application/problem+json"),
    ))]
pub(crate) async fn ready(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    tokio::select! {
        biased;
        ping = api.store.ping() => ping?,
        () = api.env.sleep(LONGEST_PING) => {
            return Err(Problem::new(Code::Unavailable, "The database does not answer in time."));
        }
    }
    if !api.store.has_lease() {
        let detail = "This node's lease has run out: others deliver for it until it has reached the database again.";
        return Err(Problem::new(Code::Unavailable, detail));
    }
    Ok(OK)
}
