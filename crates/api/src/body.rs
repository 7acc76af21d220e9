//! The body of a request: read when a handler asks for it, bounded in bytes, time and memory while it is read.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use model::env::Env;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Api;
use crate::problem::{Code, Problem};

/// What a body of settings may have at most.
pub(crate) const SETTINGS: usize = 512 * 1024;

/// A body must have come whole after this long.
const LONGEST_READ: Duration = Duration::from_secs(60);

/// Bodies up to this size are read at once; larger ones wait for room.
const SMALL: usize = 64 * 1024;

/// A body that has not been read yet: who asks for it has seen first whether the caller may send it.
pub(crate) struct Sent {
    body: Body,
    media: Media,
    length: Option<usize>,
    env: Arc<dyn Env>,
    room: Arc<Semaphore>,
}

/// What a body says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`, `application/*+json`, or nothing said.
    Json,
    /// `application/x-ndjson`: a JSON value a line.
    Lines,
    /// `application/toml`.
    Toml,
    Other(String),
}

/// A body that was read: UTF-8.
pub(crate) struct Text {
    bytes: Bytes,
    room: Room,
}

/// What a body takes up, given back when this is dropped. Kept as long as something made of the body is in memory.
pub(crate) struct Room(#[expect(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>);

impl Sent {
    pub(crate) fn media(&self) -> &Media {
        &self.media
    }

    /// Reads JSON of at most `limit` bytes.
    pub(crate) async fn json(self, limit: usize) -> Result<Text, Problem> {
        match &self.media {
            Media::Json => self.text(limit).await,
            Media::Lines => Err(unsupported("application/x-ndjson")),
            Media::Toml => Err(unsupported("application/toml")),
            Media::Other(other) => Err(unsupported(other)),
        }
    }

    /// Reads at most `limit` bytes, whatever they are said to be.
    pub(crate) async fn text(self, limit: usize) -> Result<Text, Problem> {
        if self.length.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let read = async {
            let room = room_for(&self.room, self.length.unwrap_or(limit)).await;
            collect(self.body, limit).await.map(|bytes| Text { bytes, room })
        };
        let text = tokio::select! {
            biased;
            read = read => read?,
            // Most bodies are there already, and nothing waits.
            () = async { self.env.sleep(LONGEST_READ).await } => return Err(too_slow()),
        };
        match std::str::from_utf8(&text.bytes) {
            Ok(_) => Ok(text),
            Err(error) => Err(not_utf8(&text.bytes[..error.valid_up_to()])),
        }
    }
}

impl FromRequest<Api> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Self { body, media: Media::of(&parts.headers), length, env: api.env.clone(), room: api.room.clone() })
    }
}

impl Media {
    fn of(headers: &HeaderMap) -> Self {
        if let Some(coding) = headers.get(CONTENT_ENCODING).filter(|coding| *coding != "identity") {
            return Self::Other(format!("{} coding", String::from_utf8_lossy(coding.as_bytes())));
        }
        let Some(value) = headers.get(CONTENT_TYPE).filter(|value| *value != "application/json") else {
            return Self::Json;
        };
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let essence = value.split(';').next().unwrap_or_default().trim();
        match essence {
            "application/json" => Self::Json,
            "application/x-ndjson" => Self::Lines,
            "application/toml" => Self::Toml,
            other if other.starts_with("application/") && other.ends_with("+json") => Self::Json,
            other => Self::Other(other.chars().take(80).collect()),
        }
    }
}

impl Text {
    /// Lets go of the text and keeps its room.
    pub(crate) fn into_room(self) -> Room {
        self.room
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("was looked through when it was read")
    }
}

/// Waits until there is room for a body of that size.
async fn room_for(room: &Arc<Semaphore>, bytes: usize) -> Room {
    if bytes <= SMALL {
        return Room(None);
    }
    let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    Room(room.clone().acquire_many_owned(kibibytes).await.ok())
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken_off())?.into_data() else { continue };
        if first.len() + whole.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        whole.extend_from_slice(&std::mem::take(&mut first));
        whole.extend_from_slice(&data);
    }
    Ok(if first.is_empty() { whole.freeze() } else { first })
}

pub(crate) fn too_large(limit: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("The body has more than the {limit} bytes that are taken here."))
}

pub(crate) fn unsupported(media: &str) -> Problem {
    Problem::new(
        Code::UnsupportedMediaType,
        format!("The body is {media}; send application/json, without a content coding."),
    )
}

fn too_slow() -> Problem {
    Problem::new(Code::Unavailable, format!("The body had not come whole after {} seconds.", LONGEST_READ.as_secs()))
}

fn broken_off() -> Problem {
    Problem::new(Code::InvalidJson, "The body broke off before its end.")
}

fn not_utf8(valid: &[u8]) -> Problem {
    let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = valid.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Problem::new(Code::InvalidJson, format!("The body is not UTF-8 at line {line} column {column}."))
}
