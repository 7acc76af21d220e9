//! A problem: why a request was not done, as RFC 9457 says it.

mod code;

use std::error::Error;
use std::fmt::Display;
use std::iter;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::invalid::Fault;
use model::rejection::Rejection;
use serde::Serialize;
use store::projects::SlugTaken;
use utoipa::ToSchema;

pub use code::{About, Code};

/// Seconds after which something that was not possible may be tried again.
const TRY_AGAIN_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Faults that an answer lists.
const MOST_ERRORS: usize = 100;

/// Faults that its detail tells in a sentence.
const MOST_TOLD: usize = 3;

/// Answered instead of what was asked. The frame gives it its request's id and logs its cause.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    /// Where the code's own status is not the one that says it best.
    status: Option<StatusCode>,
    detail: String,
    errors: Vec<Fault>,
    /// For the log alone.
    cause: Option<String>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, status: None, detail: detail.into(), errors: Vec::new(), cause: None }
    }

    /// The same, answered with another status than its code's.
    pub fn answered(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// What is wrong at `pointer` alone.
    pub fn at(code: Code, pointer: impl Into<String>, message: impl Display) -> Self {
        Self::of(code, vec![Fault::new(pointer, message.to_string())])
    }

    /// All that is wrong, at least one thing.
    pub fn of(code: Code, errors: Vec<Fault>) -> Self {
        let errors = bounded(errors);
        let detail = match errors.as_slice() {
            [only] => sentence(only),
            several => several_wrong(several),
        };
        Self { errors, ..Self::new(code, detail) }
    }

    /// The same of a request in which the fields have other names, with what else is wrong in it.
    pub fn renamed(self, name: impl Fn(&str) -> String, others: Vec<Fault>) -> Self {
        if self.errors.is_empty() {
            return if others.is_empty() { self } else { Self::of(Code::InvalidRequest, others) };
        }
        let mut errors = others;
        errors.extend(self.errors.into_iter().map(|fault| Fault::new(name(&fault.pointer), fault.message)));
        Self::of(self.code, errors)
    }

    /// The same about a part of the body that stands at `pointer`.
    pub fn below(self, pointer: &str) -> Self {
        let moved = |fault: Fault| Fault::new(format!("{pointer}{}", fault.pointer), fault.message);
        Self { errors: self.errors.into_iter().map(moved).collect(), ..self }
    }

    /// A project has as many things of its own as it may, by the name of them.
    pub fn full(most: usize, things: &str) -> Self {
        let detail = format!("This project has {most} {things} of its own, and no more are taken: delete one first.");
        Self::new(Code::Conflict, detail)
    }

    pub fn not_found(noun: &str, named: &str) -> Self {
        let named: String = named.chars().take(80).collect();
        Self::new(Code::NotFound, format!("This project has no {noun} {named:?}."))
    }

    /// A state that cannot be, found in what is stored.
    pub fn broken(cause: String) -> Self {
        let detail = "Something the server needs is not in order; its log says what.";
        Self { cause: Some(cause), ..Self::new(Code::Unavailable, detail) }
    }

    /// A handler panicked.
    pub fn panicked(cause: String) -> Self {
        let detail = "The server made a mistake; its log has it under this request's id.";
        Self { cause: Some(cause), ..Self::new(Code::Internal, detail) }
    }

    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// As it is sent.
    pub fn document<'a>(&'a self, request_id: &'a str) -> Document<'a> {
        let about = self.code.about();
        Document {
            kind: format!("/docs#{}", about.name),
            title: about.title,
            status: self.status().as_u16(),
            code: self.code,
            detail: &self.detail,
            errors: &self.errors,
            request_id,
        }
    }

    pub fn body(&self, request_id: &str) -> Body {
        let json = serde_json::to_vec(&self.document(request_id)).expect("a problem is text and numbers");
        Body::from(json)
    }

    fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| self.code.status())
    }

    fn challenge(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.code {
            Code::Unauthorized => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"posthaste\""))),
            Code::Unavailable => Some((RETRY_AFTER, TRY_AGAIN_AFTER)),
            _ => None,
        }
    }
}

impl From<Rejection> for Problem {
    fn from(Rejection { code, field_errors, detail }: Rejection) -> Self {
        match detail {
            Some(detail) => Self::new(code.into(), detail),
            None => Self::of(code.into(), field_errors),
        }
    }
}

/// Nothing else may be put in a problem: what we know of a failure stays in our log.
impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let chain: Vec<String> =
            iter::successors(Some(&error as &dyn Error), |error| (*error).source()).map(ToString::to_string).collect();
        let detail = match &error {
            store::Error::TooSlow => {
                "The search took longer than 2 s and was ended. Narrow it: with since and until, with endpoint, or with fewer filters at once."
            }
            store::Error::Busy => {
                "This project has as many requests under way that read from the database as it may, and more that wait. Send fewer at a time."
            }
            error if error.is_disk_full() => "Nothing can be stored right now: the server's disk is full.",
            _ => "The server's database does not answer right now.",
        };
        Self { cause: Some(chain.join(": ")), ..Self::new(Code::Unavailable, detail) }
    }
}

impl From<SlugTaken> for Problem {
    fn from(_: SlugTaken) -> Self {
        Self::at(Code::Conflict, "/slug", "another project has this slug")
    }
}

/// The body is put in by the frame, which knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.challenge());
        response.extensions_mut().insert(self);
        response
    }
}

/// The first [`MOST_ERRORS`], and how many more there are.
fn bounded(mut errors: Vec<Fault>) -> Vec<Fault> {
    let more = errors.len().saturating_sub(MOST_ERRORS);
    if more > 0 {
        errors.truncate(MOST_ERRORS);
        errors.push(Fault::new("", format!("and {more} more")));
    }
    errors
}

/// What is wrong, and where: a person may see nothing but the detail.
fn sentence(Fault { pointer, message }: &Fault) -> String {
    if pointer.is_empty() { message.clone() } else { format!("{pointer}: {message}") }
}

fn several_wrong(errors: &[Fault]) -> String {
    let named: Vec<String> = errors.iter().take(MOST_TOLD).map(sentence).collect();
    let rest = if errors.len() > MOST_TOLD { "; and more, all in errors" } else { "" };
    format!("{}{rest}", named.join("; "))
}

/// Why a request was not done (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// Where this code is explained.
    #[serde(rename = "type")]
    #[schema(example = "/docs#invalid_request")]
    kind: String,
    /// What the code means, the same for every problem of the code.
    #[schema(example = "Some of the request is not right")]
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    code: Code,
    /// What happened this time.
    #[schema(example = "not a URL: write it in full, for example https://example.com/webhooks")]
    detail: &'a str,
    /// Each fault that was found, empty where the problem is not one of input.
    #[schema(value_type = Vec<FaultDocument>)]
    errors: &'a [Fault],
    /// The same as in the `x-request-id` header, and in the server's log.
    #[schema(example = "req_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    request_id: &'a str,
}

/// One fault and where it is.
#[derive(ToSchema)]
#[schema(as = Fault)]
#[expect(dead_code, reason = "the schema of model::invalid::Fault, which knows no OpenAPI")]
struct FaultDocument {
    /// A JSON pointer into the body (`/rate_limit/per`), `?name` for a query parameter, else a header's name.
    #[schema(example = "/url")]
    pointer: String,
    /// What is wrong and what would be right.
    #[schema(example = "not a URL: write it in full, for example https://example.com/webhooks")]
    message: String,
}
