//! The OpenAPI document, made from the handlers' own types, and what every operation has in common in it.

mod catalogue;
mod precise;
mod webhooks;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::response::{self, IntoResponse};
use bytes::Bytes;
use dialect::Dialect;
use model::id::ProjectId;
use model::key::Scope;
use model::network::Policy;
use serde_json::{Value, json};
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, RefOr, Schema, Server};
use utoipa::{Modify, OpenApi as _};
use web::caller::Caller;
use web::problem;
use web::problem::Problem;

use crate::surfaces::{hooks, webhooks as webhooks_surface};
use crate::{
    Api, cluster, deliveries, dialects, docs, endpoints, event_types, events, health, jobs, keys, projects, templates,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page is whole in itself: nothing is loaded and nothing runs.
const SELF_CONTAINED: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");

const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The answer is another for another key.
const OF_WHOM: HeaderValue = HeaderValue::from_static("authorization, posthaste-project");

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Posthaste",
        description = "A self-hosted webhook gateway: send it events, and every endpoint that wants them gets them, signed, retried until they are acknowledged, every attempt on record.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        events::create, events::batch::create, events::list, events::show, events::replay,
        endpoints::create, endpoints::list, endpoints::show, endpoints::change, endpoints::delete,
        endpoints::switch::pause, endpoints::switch::resume, endpoints::trial::test,
        endpoints::rotation::rotate, endpoints::recovery::recover,
        deliveries::list, deliveries::list_of_endpoint, deliveries::show, deliveries::retry,
        dialects::list, dialects::show, dialects::put, dialects::delete,
        event_types::list, event_types::show, event_types::put, event_types::delete,
        templates::preview,
        jobs::list, jobs::show, jobs::cancel,
        projects::create, projects::list, projects::show, projects::change, projects::delete,
        keys::create, keys::list, keys::show, keys::revoke,
        webhooks_surface::create, webhooks_surface::list, webhooks_surface::show, webhooks_surface::delete,
        webhooks_surface::test,
        hooks::create, hooks::list, hooks::show, hooks::change, hooks::delete,
        hooks::rotate, hooks::test, hooks::executions,
        cluster::show,
        health::live, health::ready, document_json, reference_page,
    ),
    components(schemas(problem::Document<'static>)),
    tags(
        (name = "Events", description = "Something happened, and endpoints may want to know."),
        (name = "Endpoints", description = "Addresses that get webhooks: what they want to hear and how they are spoken to."),
        (name = "Deliveries", description = "One event on its way to one endpoint, with every attempt."),
        (name = "Dialects", description = "How a project's webhooks speak: bodies, headers, signatures, retries, rules."),
        (name = "Event types", description = "What can happen, and how the data of such an event looks."),
        (name = "Jobs", description = "Work that outlives its request: recovering an endpoint, replaying an event."),
        (name = "Projects", description = "One product's webhooks, apart from every other's on this server."),
        (name = "Keys", description = "What may be done, and by whom."),
        (name = "Webhooks", description = "Endpoints as Trakkr's API has them, for its users' programs. Served to projects whose dialect lists the surface `webhooks`; `/v1/endpoints` has the same endpoints, with more to say about each."),
        (name = "Hooks", description = "Endpoints as Tracktile's API has them, for its users' programs. Served to projects whose dialect lists the surface `hooks`; `/v1/endpoints` has the same endpoints, with more to say about each."),
        (name = "Server", description = "The server itself. Needs no key, but for the nodes."),
    ),
    security(("bearer" = [])),
    modifiers(&Bearer, &NeverNull),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(
            "A project's key (`ph_…`), which implies its project, or the server's admin key, which names one with the header `Posthaste-Project: SLUG` (`default` if it does not).".to_owned(),
        );
        let components = document.components.get_or_insert_with(Components::new);
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// A parameter that may be left out is optional, which does not make `null` one of its values.
struct NeverNull;

impl Modify for NeverNull {
    fn modify(&self, document: &mut OpenApi) {
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            let operations = operations.into_iter().flatten();
            operations.flat_map(|operation| operation.parameters.iter_mut().flatten()).for_each(never_null);
        }
    }
}

fn never_null(parameter: &mut Parameter) {
    if let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
        && let SchemaType::Array(types) = &object.schema_type
        && let Some(other) = types.iter().find(|one| **one != Type::Null)
    {
        object.schema_type = SchemaType::Type(other.clone());
    }
}

/// The OpenAPI document of this API.
#[derive(Clone, Debug)]
pub struct Document(Value);

impl Document {
    /// With the server's own address in it where that is known, and the URLs that `policy` permits.
    pub(crate) fn of(public_url: Option<&str>, policy: &Policy) -> Self {
        let mut document = described(public_url);
        // A test has found a place for all of it.
        precise::lay_over(&mut document, policy);
        document["webhooks"] = webhooks::webhooks();
        Self(document)
    }

    /// The same with a project's own catalogue.
    fn for_project(&self, project: ProjectId, dialect: &Arc<Dialect>) -> Self {
        let mut document = self.0.clone();
        precise::with_names(&mut document, dialect.catalogue.names);
        if let Some(webhooks) = catalogue::webhooks(project, dialect) {
            document["webhooks"] = webhooks;
        }
        if let Some(tags) = document["tags"].as_array_mut() {
            for group in catalogue::groups(dialect) {
                if tags.iter().all(|tag| tag["name"] != *group) {
                    tags.push(json!({ "name": group }));
                }
            }
        }
        Self(document)
    }

    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// As `/openapi.json` gives it.
    pub fn to_pretty_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&self.0)
    }
}

/// The OpenAPI 3.1 document, as `/openapi.json` gives it.
pub fn openapi() -> Document {
    Document::of(None, &Policy::default())
}

/// As the handlers' types have it.
fn described(public_url: Option<&str>) -> Value {
    let mut described = Description::openapi();
    described.servers = Some(vec![Server::new(public_url.unwrap_or("/"))]);
    serde_json::to_value(described).expect("a document is texts and numbers")
}

/// The document and the page that is made from it, ready to send.
pub(crate) struct Documents {
    document: Document,
    json: Bytes,
    page: Bytes,
}

impl Documents {
    pub(crate) fn of(public_url: Option<&str>, policy: &Policy) -> Self {
        let document = Document::of(public_url, policy);
        let json = document.to_pretty_json().expect("a document is texts and numbers");
        Self { json: json.into(), page: docs::page(document.as_value()).into(), document }
    }
}

/// This document
///
/// With a project's key its `webhooks` are the event types of that project, as its dialect speaks of them.
#[utoipa::path(get, path = "/openapi.json", tag = "Server", operation_id = "openapi", security((), ("bearer" = [])),
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = Object)))]
pub(crate) async fn document_json(
    caller: Option<Caller>,
    State(api): State<Api>,
    Extension(documents): Extension<Arc<Documents>>,
) -> Result<response::Response, Problem> {
    let json = match caller {
        None => documents.json.clone(),
        Some(caller) => {
            let project = caller.may(Scope::Read)?.whole()?;
            let (own, dialect) = (project.id, api.dialect(project).await?);
            let write = move || {
                let document = documents.document.for_project(own, &dialect);
                Ok(document.to_pretty_json().expect("a document is texts and numbers").into())
            };
            api.work(project.id, write).await?
        }
    };
    let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, REVALIDATE), (VARY, OF_WHOM)];
    Ok((headers, json).into_response())
}

/// A reference page
#[utoipa::path(get, path = "/docs", tag = "Server", operation_id = "docs", security(()),
    responses((status = 200, description = "This document, for people.", content_type = "text/html", body = String)))]
pub(crate) async fn reference_page(Extension(documents): Extension<Arc<Documents>>) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, HTML), (CACHE_CONTROL, REVALIDATE), (CONTENT_SECURITY_POLICY, SELF_CONTAINED)];
    (headers, documents.page.clone())
}
