//! The codes of problems: a closed set, each with its status, its title and what to do about it.

use axum::http::StatusCode;
use model::rejection::RejectionCode;
use serde::Serialize;
use utoipa::ToSchema;

/// What kind of problem it is. Stable: programs match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProblemCode)]
pub enum Code {
    InvalidJson,
    InvalidRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    IdempotencyConflict,
    PayloadTooLarge,
    UnsupportedMediaType,
    UrlNotAllowed,
    SchemaViolation,
    UnknownEventType,
    TemplateInvalid,
    FilterInvalid,
    DialectInvalid,
    NotEditable,
    NotPausable,
    RateLimited,
    SignatureInvalid,
    Unavailable,
    Internal,
}

/// What is written about a code, here and on its page.
pub struct About {
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// What happened and what to do, for the person who reads the answer.
    pub help: &'static str,
}

const fn about(name: &'static str, status: StatusCode, title: &'static str, help: &'static str) -> About {
    About { name, status, title, help }
}

impl Code {
    pub const ALL: [Self; 22] = [
        Self::InvalidJson,
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::IdempotencyConflict,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::UrlNotAllowed,
        Self::SchemaViolation,
        Self::UnknownEventType,
        Self::TemplateInvalid,
        Self::FilterInvalid,
        Self::DialectInvalid,
        Self::NotEditable,
        Self::NotPausable,
        Self::RateLimited,
        Self::SignatureInvalid,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The table. Long, because every code stands in it with its help.
    pub fn about(self) -> About {
        match self {
            Self::InvalidJson => about(
                "invalid_json",
                StatusCode::BAD_REQUEST,
                "The body is not JSON",
                "The body could not be read as JSON in UTF-8, or is nested deeper than 128 levels. The detail says at which line and column reading stopped.",
            ),
            Self::InvalidRequest => about(
                "invalid_request",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Some of the request is not right",
                "A field, a query parameter or a header has the wrong type, a value that is not allowed, or a name that is not known. Every fault found is in `errors`: `/field` points into the body, `?name` is a query parameter, anything else a header.",
            ),
            Self::Unauthorized => about(
                "unauthorized",
                StatusCode::UNAUTHORIZED,
                "No valid API key",
                "Send `Authorization: Bearer KEY` with a key of a project, or the server's admin key. A revoked key is not valid any more.",
            ),
            Self::Forbidden => about(
                "forbidden",
                StatusCode::FORBIDDEN,
                "The API key may not do this",
                "The key is valid, but has not the scope that this needs, or belongs to another project than the request names. The detail says what is needed.",
            ),
            Self::NotFound => about(
                "not_found",
                StatusCode::NOT_FOUND,
                "There is no such thing",
                "The path is not one of this API, or this project has nothing with this id. What belongs to another project is not found either.",
            ),
            Self::MethodNotAllowed => about(
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "The path has no such method",
                "The path exists, but not with this method. The `Allow` header has the methods it takes.",
            ),
            Self::Conflict => about(
                "conflict",
                StatusCode::CONFLICT,
                "This does not go with how things are",
                "The request is right in itself, but what it is about is in a state that does not permit it. The detail says which.",
            ),
            Self::IdempotencyConflict => about(
                "idempotency_conflict",
                StatusCode::CONFLICT,
                "The same key came before with another request",
                "An event with this `id` or `Idempotency-Key` was accepted before, and its request was not the same as this one. Nothing was stored. Take a new key for a new event; repeat a request unchanged.",
            ),
            Self::PayloadTooLarge => about(
                "payload_too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large",
                "The body, or the event's `data` in it, is larger than is taken. The detail has the limit. Large payloads are better kept elsewhere and linked to.",
            ),
            Self::UnsupportedMediaType => about(
                "unsupported_media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body is of a type that is not taken here",
                "Send `Content-Type: application/json`, without a content coding. `curl -d` names another type by itself: add `-H 'Content-Type: application/json'`.",
            ),
            Self::UrlNotAllowed => about(
                "url_not_allowed",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Webhooks are not sent to this URL",
                "The URL is not one that webhooks are sent to: it is not https, or leads to a private or special address. An operator can open networks with `--allow-network` and permit http with `--allow-http`.",
            ),
            Self::SchemaViolation => about(
                "schema_violation",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The data does not fit its event type's schema",
                "The event type has a JSON Schema and `data` does not fit it. `errors` names each place.",
            ),
            Self::UnknownEventType => about(
                "unknown_event_type",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The event type is not in the catalogue",
                "This project's dialect has a catalogue of event types, and this one is not in it. Check its spelling; `GET /v1/event-types` lists them, and `PUT /v1/event-types/{name}` adds one of your own.",
            ),
            Self::TemplateInvalid => about(
                "template_invalid",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The template is not right",
                "The template has a mistake in its syntax, or names a root that does not exist, or what it makes cannot be sent. `errors` names each place.",
            ),
            Self::FilterInvalid => about(
                "filter_invalid",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The filter is not right",
                "The filter is not an expression that can be read, or does not say yes or no. `errors` has all of its mistakes.",
            ),
            Self::DialectInvalid => about(
                "dialect_invalid",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The dialect is not right",
                "The dialect file has mistakes. `errors` has all of them, each with its key as a pointer and, of TOML, its line.",
            ),
            Self::NotEditable => about(
                "not_editable",
                StatusCode::CONFLICT,
                "This cannot be changed",
                "In this project's dialect an endpoint stays as it was created: delete it and create another. Or it is a dialect or an event type that is not the project's own: put one of your own. The detail says which.",
            ),
            Self::NotPausable => about(
                "not_pausable",
                StatusCode::CONFLICT,
                "Endpoints of this dialect cannot be paused",
                "In this project's dialect an endpoint cannot be paused. Delete it if it should get nothing.",
            ),
            Self::RateLimited => about(
                "rate_limited",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "This key sends more requests than it may. Wait as long as `Retry-After` says.",
            ),
            Self::SignatureInvalid => about(
                "signature_invalid",
                StatusCode::UNAUTHORIZED,
                "The signature is not right",
                "The incoming webhook is not signed as its source's configuration says.",
            ),
            Self::Unavailable => about(
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Not possible right now",
                "Something the server needs does not answer. What was asked may or may not have been done: repeat it with the same `id` or `Idempotency-Key` after `Retry-After` seconds.",
            ),
            Self::Internal => about(
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "A mistake of ours",
                "The server made a mistake. It is in the server's log under the request's id.",
            ),
        }
    }

    pub fn name(self) -> &'static str {
        self.about().name
    }

    pub fn status(self) -> StatusCode {
        self.about().status
    }
}

impl From<RejectionCode> for Code {
    fn from(code: RejectionCode) -> Self {
        match code {
            RejectionCode::InvalidRequest => Self::InvalidRequest,
            RejectionCode::PayloadTooLarge => Self::PayloadTooLarge,
            RejectionCode::UrlNotAllowed => Self::UrlNotAllowed,
            RejectionCode::SchemaViolation => Self::SchemaViolation,
            RejectionCode::UnknownEventType => Self::UnknownEventType,
            RejectionCode::TemplateInvalid => Self::TemplateInvalid,
            RejectionCode::FilterInvalid => Self::FilterInvalid,
            RejectionCode::NotEditable => Self::NotEditable,
            RejectionCode::NotPausable => Self::NotPausable,
            RejectionCode::Conflict => Self::Conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_spelled_in_answers_as_in_the_table() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }
}
