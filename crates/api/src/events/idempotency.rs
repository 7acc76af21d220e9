//! The `Idempotency-Key` header: by it a repeat of a request is recognised.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use web::problem::{Code, Problem};

use crate::Api;

pub(super) const NAME: HeaderName = HeaderName::from_static("idempotency-key");

const LONGEST: usize = 255;

/// Stands in no key that a caller can send: those are ASCII.
const ALONE: char = '·';

/// The caller's key for this request, if it gave one.
pub(crate) struct IdempotencyKey(pub(super) Option<String>);

impl IdempotencyKey {
    /// The key of a request's only event. One that reads as that of an item of a batch is marked, so that it is none.
    pub(super) fn alone(self) -> Option<String> {
        let reads_as_item = |key: &str| {
            let position = key.rsplit_once('/').map_or("", |(_, position)| position);
            !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit())
        };
        self.0.map(|key| if reads_as_item(&key) { format!("{key}{ALONE}") } else { key })
    }

    /// The key of one item of a batch: the batch's, and where the item stands in it.
    pub(super) fn of_item(&self, position: usize) -> Option<String> {
        self.0.as_ref().map(|key| format!("{key}/{position}"))
    }
}

impl FromRequestParts<Api> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(NAME) else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len()) && !key.trim().is_empty());
        match key {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => {
                let message = format!(
                    "an Idempotency-Key has 1 to {LONGEST} ASCII characters that can be seen, or spaces between them"
                );
                Err(Problem::at(Code::InvalidRequest, NAME.as_str(), message))
            }
        }
    }
}
