//! What every request passes on its way in and every answer on its way out: an id, a net under panics, and an end to
//! bodies that nobody read.

mod remainder;

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use axum::extract::{FromRef, FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use model::env::Env;
use model::id::{Id, Kind};

use crate::context::Context;
use crate::problem::Problem;
use remainder::Remainder;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A caller's own id for a request has at most so many characters.
const LONGEST_REQUEST_ID: usize = 64;

/// What a request is called in its answer and in our log.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

/// Lets `next` answer the request, and sees to it that there is an answer, with the request's id.
pub async fn frame<F>(env: &dyn Env, mut request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let began = env.elapsed();
    let id = RequestId::of(request.headers(), env);
    // Where handlers find it that ask for it.
    request.headers_mut().insert(REQUEST_ID, id.0.clone());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let remainder = Remainder::lend(&mut request);

    let answered = AssertUnwindSafe(async { next(request).await }).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|panic| Problem::panicked(told(&*panic)).into_response());
    if let Some(remainder) = remainder.filter(Remainder::is_left) {
        Box::pin(remainder.drain(env)).await;
    }

    let path = uri.path();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(cause) = problem.cause() {
            tracing::error!(request.id = id.as_str(), http.method = %method, url.path = path, cause, "a request failed");
        }
        // The router has counted the body that stood there for it.
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = problem.body(id.as_str());
    }
    let took = env.elapsed().saturating_sub(began).as_millis();
    let status = response.status().as_u16();
    tracing::debug!(request.id = id.as_str(), http.method = %method, url.path = path, http.status = status, took_ms = %took, "answered");
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.0);
    // What is one caller's is no cache's to keep.
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    response
}

impl RequestId {
    /// The caller's own, where it is one that can stand in headers and logs; otherwise one of ours.
    fn of(headers: &HeaderMap, env: &dyn Env) -> Self {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = |value: &&HeaderValue| {
            (1..=LONGEST_REQUEST_ID).contains(&value.len()) && value.as_bytes().iter().all(allowed)
        };
        Self(match headers.get(REQUEST_ID).filter(fits) {
            Some(own) => own.clone(),
            None => HeaderValue::try_from(Id::<Requests>::new(env).to_string()).expect("an id is base 32"),
        })
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("only ASCII was let in")
    }
}

/// The frame has written one into every request's headers.
impl<S> FromRequestParts<S> for RequestId
where
    Context: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &*Context::from_ref(state).env))
    }
}

enum Requests {}

impl Kind for Requests {
    const PREFIX: &'static str = "req_";
}

/// What a panic says of itself.
fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use std::future::Ready;

    use axum::body::Body;
    use http_body_util::BodyExt;
    use testkit::clock::TestEnv;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_and_its_words_stay_ours() {
        let env = TestEnv::new();
        let later = frame(&env, Request::new(Body::empty()), |_| async { panic!("the {} is wrong", "inside") }).await;
        let at_once = |_| -> Ready<Response> { panic!("the {} is wrong", "inside") };
        let at_once = frame(&env, Request::new(Body::empty()), at_once).await;

        for answer in [at_once, later] {
            assert_eq!(answer.status(), 500);
            let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&problem["code"], &problem["request_id"]), (&"internal".into(), &id.into()));
            assert!(!problem.to_string().contains("inside"));
        }
    }
}
