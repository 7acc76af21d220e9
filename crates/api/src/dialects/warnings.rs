//! Endpoints that a project's dialect does not go with: nothing is refused, and nobody is left to find out alone.

use std::collections::BTreeMap;

use dialect::Dialect;
use dialect::renderer::Renderer;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::project::Project;
use model::subscription::Pattern;
use web::problem::Problem;

use crate::Api;

/// Endpoints that a warning names.
const MOST_NAMED: usize = 10;

/// What is wrong between the project's dialect and its endpoints, one sentence a kind of trouble.
pub(crate) fn of(api: &Api, project: &Project) -> Result<Vec<String>, Problem> {
    let directory = api.store.directory();
    let project = directory.project(project.id).map_or(project, |project| project);
    let dialect = api.dialect_of(project)?;
    let now = api.env.now();
    let mut troubles: BTreeMap<String, Vec<EndpointId>> = BTreeMap::new();
    for endpoint in directory.endpoints_of(project.id) {
        let objection = Renderer::new(&dialect, endpoint).objection(now);
        let unheard = unheard_of(endpoint, &dialect);
        for trouble in objection.map(|failure| failure.message).into_iter().chain(unheard) {
            troubles.entry(trouble).or_default().push(endpoint.id);
        }
    }
    Ok(troubles.into_iter().map(|(trouble, endpoints)| told(&trouble, &endpoints)).collect())
}

fn unheard_of(endpoint: &Endpoint, dialect: &Dialect) -> Option<String> {
    let catalogue = &dialect.catalogue;
    endpoint.settings.events.patterns().iter().find_map(|pattern| match pattern {
        Pattern::One(event_type) if catalogue.names.event_type(event_type.as_str()).is_err() => {
            Some(format!("the dialect's types have no such names as {event_type}: no such event will be accepted"))
        }
        Pattern::One(event_type) if !catalogue.accepts(event_type) => {
            Some(format!("{event_type} is not in the catalogue: no such event will be accepted"))
        }
        _ => None,
    })
}

fn told(trouble: &str, endpoints: &[EndpointId]) -> String {
    let named: Vec<String> = endpoints.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    let rest = if endpoints.len() > MOST_NAMED { ", …" } else { "" };
    let count = if endpoints.len() == 1 { "1 endpoint".to_owned() } else { format!("{} endpoints", endpoints.len()) };
    format!("{count} ({}{rest}): {trouble}", named.join(", "))
}
