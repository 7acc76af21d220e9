//! Every route on one page.

use std::sync::Arc;

use axum::http::{Method, Uri};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use web::problem::{Code, Problem};

use crate::openapi::Documents;
use crate::surfaces::{hooks, webhooks};
use crate::{
    Api, cluster, deliveries, dialects, endpoints, event_types, events, health, jobs, keys, openapi, projects,
    templates,
};

/// Where events are taken in.
pub(crate) const EVENTS: &str = "/v1/events";

/// Routes of every node, whatever its roles.
fn of_every_node() -> Vec<(&'static str, MethodRouter<Api>)> {
    vec![("/healthz", get(health::live)), ("/readyz", get(health::ready))]
}

/// Routes of nodes with the role `api`.
#[rustfmt::skip]
fn of_the_api(documents: &Arc<Documents>) -> Vec<(&'static str, MethodRouter<Api>)> {
    use endpoints::{recovery, rotation, switch, trial};
    vec![
        (EVENTS,                              get(events::list).post(events::create)),
        ("/v1/events/batch",                  post(events::batch::create)),
        ("/v1/events/{id}",                   get(events::show)),
        ("/v1/events/{id}/replay",            post(events::replay)),

        ("/v1/endpoints",                     get(endpoints::list).post(endpoints::create)),
        ("/v1/endpoints/{id}",                get(endpoints::show).patch(endpoints::change).delete(endpoints::delete)),
        ("/v1/endpoints/{id}/pause",          post(switch::pause)),
        ("/v1/endpoints/{id}/resume",         post(switch::resume)),
        ("/v1/endpoints/{id}/test",           post(trial::test)),
        ("/v1/endpoints/{id}/rotate-secret",  post(rotation::rotate)),
        ("/v1/endpoints/{id}/recover",        post(recovery::recover)),
        ("/v1/endpoints/{id}/deliveries",     get(deliveries::list_of_endpoint)),

        ("/v1/deliveries",                    get(deliveries::list)),
        ("/v1/deliveries/{id}",               get(deliveries::show)),
        ("/v1/deliveries/{id}/retry",         post(deliveries::retry)),

        ("/v1/dialects",                      get(dialects::list)),
        ("/v1/dialects/{name}",               get(dialects::show).put(dialects::put).delete(dialects::delete)),
        ("/v1/event-types",                   get(event_types::list)),
        ("/v1/event-types/{name}",            get(event_types::show).put(event_types::put).delete(event_types::delete)),
        ("/v1/templates/preview",             post(templates::preview)),

        ("/v1/jobs",                          get(jobs::list)),
        ("/v1/jobs/{id}",                     get(jobs::show).delete(jobs::cancel)),

        ("/v1/projects",                      get(projects::list).post(projects::create)),
        ("/v1/projects/{id}",                 get(projects::show).patch(projects::change).delete(projects::delete)),
        ("/v1/keys",                          get(keys::list).post(keys::create)),
        ("/v1/keys/{id}",                     get(keys::show).delete(keys::revoke)),

        ("/webhooks",                         get(webhooks::list).post(webhooks::create)),
        ("/webhooks/{id}",                    get(webhooks::show).delete(webhooks::delete)),
        ("/webhooks/{id}/test",               post(webhooks::test)),

        ("/hooks",                            get(hooks::list).post(hooks::create)),
        ("/hooks/{id}",                       get(hooks::show).put(hooks::change).delete(hooks::delete)),
        ("/hooks/{id}/rotate",                post(hooks::rotate)),
        ("/hooks/{id}/test",                  post(hooks::test)),
        ("/hooks/{id}/executions",            get(hooks::executions)),

        ("/v1/cluster",                       get(cluster::show)),

        ("/openapi.json",                     get(openapi::document_json).layer(Extension(documents.clone()))),
        ("/docs",                             get(openapi::reference_page).layer(Extension(documents.clone()))),
    ]
}

/// All of them. Only what serves the OpenAPI documents has these.
pub(crate) fn routes(documents: &Arc<Documents>) -> Router<Api> {
    router(of_every_node().into_iter().chain(of_the_api(documents))).fallback(no_such_path)
}

/// Those of a node without the role `api`.
pub(crate) fn without_the_api() -> Router<Api> {
    router(of_every_node()).fallback(no_api)
}

fn router(table: impl IntoIterator<Item = (&'static str, MethodRouter<Api>)>) -> Router<Api> {
    table
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .method_not_allowed_fallback(no_such_method)
}

async fn no_such_path(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(Code::NotFound, format!("There is nothing at {path}; /docs has every path."))
}

async fn no_api() -> Problem {
    Problem::new(Code::NotFound, "This node does not serve the API: ask a node that has the role `api`.")
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(Code::MethodNotAllowed, format!("{path} has no {method}; the Allow header has what it takes."))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::network::Policy;

    use super::*;

    #[test]
    fn every_route_is_in_the_openapi_document_and_nothing_else_is() {
        let document = crate::openapi();
        let document = document.as_value();
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                documented.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let mut routed = BTreeSet::new();
        let documents = Arc::new(Documents::of(None, &Policy::default()));
        for (path, methods) in of_every_node().into_iter().chain(of_the_api(&documents)) {
            // The router of a path tells its methods only in its own words.
            let told = format!("{methods:?}");
            for method in ["get", "post", "put", "patch", "delete"] {
                if !told.contains(&format!("{method}: None")) {
                    routed.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        assert_eq!(routed, documented);
    }
}
