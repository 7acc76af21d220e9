//! Finding the endpoint that a path names.

use std::sync::Arc;

use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::project::Project;
use web::problem::Problem;

use crate::Api;

/// An endpoint of the project.
pub(crate) fn find(api: &Api, project: &Project, id: EndpointId) -> Result<Arc<Endpoint>, Problem> {
    let directory = api.store.directory();
    let found = directory.endpoint(id).filter(|endpoint| endpoint.project == project.id);
    found.cloned().ok_or_else(|| not_found(id))
}

pub(crate) fn not_found(id: EndpointId) -> Problem {
    Problem::not_found("endpoint", &id.to_string())
}
