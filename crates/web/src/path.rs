//! What a path names: an id that does not read as one names nothing.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use model::id::{DeliveryId, EndpointId, EventId, JobId, KeyId};
use model::subscription::EventType;

use crate::problem::{Code, Problem};

/// The one parameter of a path.
pub struct Named<T>(pub T);

/// What a path can name.
pub trait Noun: FromStr {
    const NOUN: &'static str;
}

impl Noun for EndpointId {
    const NOUN: &'static str = "endpoint";
}

impl Noun for EventId {
    const NOUN: &'static str = "event";
}

impl Noun for DeliveryId {
    const NOUN: &'static str = "delivery";
}

impl Noun for JobId {
    const NOUN: &'static str = "job";
}

impl Noun for KeyId {
    const NOUN: &'static str = "key";
}

impl Noun for EventType {
    const NOUN: &'static str = "event type";
}

/// A project's id or slug, looked up by who asks, or a name that is to be judged.
impl Noun for String {
    const NOUN: &'static str = "project";
}

impl<T: Noun, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unreadable())?;
        text.parse().map(Self).map_err(|_| Problem::not_found(T::NOUN, &text))
    }
}

/// Percent-encoded bytes that are no UTF-8.
fn unreadable() -> Problem {
    Problem::new(Code::NotFound, "The path is not UTF-8.")
}
