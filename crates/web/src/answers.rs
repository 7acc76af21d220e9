//! Answers that are made in memory: bounded in bytes over all requests, and shared by project.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use model::id::ProjectId;
use serde::Serialize;
use store::shares::{Share, Shares};

use crate::problem::Problem;

/// Bytes of answers, and of what they are made from, that are in memory at a time.
const TOTAL: usize = 64 * 1024 * 1024;

/// How many of them are one project's. An answer that needs more waits until it is the project's only one.
const OF_PROJECT: usize = TOTAL / 2;

/// About what an item of a list needs: its row, its view and its JSON.
const ITEM: usize = 2 * 1024;

/// A body is in memory as it is kept, as text and as JSON, at most at the same time.
const COPIES: usize = 3;

pub struct Answers(Shares);

impl Default for Answers {
    fn default() -> Self {
        Self(Shares::new(TOTAL, OF_PROJECT))
    }
}

impl Answers {
    /// Room for a page of a list.
    pub async fn page(&self, project: ProjectId, items: usize) -> Result<Share, Problem> {
        Ok(self.0.take(project, items * ITEM).await?)
    }

    /// Room for an answer whose bodies have `bytes` bytes together.
    pub async fn bodies(&self, project: ProjectId, bytes: usize) -> Result<Share, Problem> {
        Ok(self.0.take(project, ITEM + bytes.saturating_mul(COPIES)).await?)
    }
}

/// An answer with its room, which it holds until it is sent.
pub struct Answer<T> {
    value: T,
    share: Share,
}

impl<T> Answer<T> {
    pub fn of(value: T, share: Share) -> Self {
        Self { value, share }
    }

    pub fn value(&self) -> &T {
        &self.value
    }

    /// Lets go of the room: what is left is small.
    pub fn into_value(self) -> T {
        self.value
    }

    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: make(self.value), share: self.share }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let Self { value, mut share } = self;
        let json = match serde_json::to_vec(&value) {
            Ok(json) => json,
            Err(error) => return Problem::broken(error.to_string()).into_response(),
        };
        drop(value);
        share.shrink_to(json.len());
        let mut response = Response::new(Body::from(Bytes::from_owner(Sending { json, _share: share })));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// Dropped when the last of it is on its way.
struct Sending {
    json: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Sending {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}
