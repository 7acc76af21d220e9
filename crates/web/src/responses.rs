//! The problems that operations answer, as the OpenAPI document lists them.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::body;
use crate::problem::Code;

/// Problems of requests without a body. Those that conflict with what is there say so in `precise`.
pub struct Lookup;

/// Problems of requests with a body.
pub struct Writing;

const LOOKUP: &[Code] =
    &[Code::Unauthorized, Code::Forbidden, Code::NotFound, Code::InvalidRequest, Code::Internal, Code::Unavailable];

const WRITING: &[Code] = &[
    Code::InvalidJson,
    Code::Unauthorized,
    Code::Forbidden,
    Code::NotFound,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidRequest,
    Code::UrlNotAllowed,
    Code::SchemaViolation,
    Code::UnknownEventType,
    Code::TemplateInvalid,
    Code::FilterInvalid,
    Code::DialectInvalid,
    Code::Internal,
    Code::Unavailable,
];

impl IntoResponses for Lookup {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(LOOKUP)
    }
}

impl IntoResponses for Writing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut problems = problems(WRITING);
        let slow = problem(&format!("`{}`: {}", Code::InvalidRequest.about().name, body::too_slow_detail()));
        problems.insert(StatusCode::REQUEST_TIMEOUT.as_str().to_owned(), RefOr::T(slow));
        problems
    }
}

/// A response for each status that the codes have.
pub fn problems(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for code in codes {
        let about = code.about();
        let line = format!("`{}`: {}.", about.name, about.title);
        told.entry(about.status.as_str().to_owned())
            .and_modify(|lines| {
                lines.push(' ');
                lines.push_str(&line);
            })
            .or_insert(line);
    }
    told.into_iter().map(|(status, description)| (status, RefOr::T(problem(&description)))).collect()
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}
