//! The body of a request: read when a handler asks for it, bounded in bytes, pace and memory while it is read.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use model::env::Env;
use model::id::ProjectId;

use crate::context::Context;
use crate::problem::{Code, Problem};
use crate::room::{Hold, Room};

/// What a body of settings may have at most.
pub const SETTINGS: usize = 512 * 1024;

/// Bodies up to this size are read at once; larger ones take room.
pub const SMALL: usize = 64 * 1024;

/// A body of which less than [`SLOWEST`] has come within this time is given up.
const WINDOW: Duration = Duration::from_secs(10);

/// 16 KiB a second.
const SLOWEST: usize = 10 * 16 * 1024;

/// The byte order mark, which some editors put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A body that has not been read yet: who asks for it has seen first whether the caller may send it.
pub struct Sent {
    body: Body,
    media: Media,
    length: Option<usize>,
    env: Arc<dyn Env>,
    room: Room,
}

/// What a body says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`, `application/*+json`, or nothing said.
    Json,
    /// `application/x-ndjson`, `application/ndjson` or `application/jsonl`: a JSON value a line.
    Lines,
    /// `application/toml`.
    Toml,
    Other(String),
    /// Compressed, or the like.
    Coded(String),
}

/// A body that was read: UTF-8.
pub struct Text {
    bytes: Bytes,
    room: Option<Hold>,
}

impl Sent {
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// Reads JSON of at most `limit` bytes, on behalf of `project`.
    pub async fn json(self, project: ProjectId, limit: usize) -> Result<Text, Problem> {
        match self.media {
            Media::Json => self.text(project, limit).await,
            other => Err(unsupported(&other, "application/json")),
        }
    }

    /// Reads at most `limit` bytes, whatever they are said to be.
    pub async fn text(self, project: ProjectId, limit: usize) -> Result<Text, Problem> {
        if self.length.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let most = self.length.unwrap_or(limit);
        let mut reading = Reading { project, limit, most, env: &*self.env, room: &self.room, window: None, hold: None };
        let mut bytes = reading.whole(self.body).await?;
        let hold = reading.hold.map(|mut hold| {
            hold.settle(bytes.len());
            hold
        });
        if bytes.starts_with(BYTE_ORDER_MARK) {
            bytes = bytes.slice(BYTE_ORDER_MARK.len()..);
        }
        match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(Text { bytes, room: hold }),
            Err(error) => Err(not_utf8(&bytes[..error.valid_up_to()])),
        }
    }
}

/// A body that is being read.
struct Reading<'a> {
    project: ProjectId,
    limit: usize,
    /// How long it may get by what is known.
    most: usize,
    env: &'a dyn Env,
    room: &'a Room,
    /// Since when its pace is measured, and what had come by then. Nothing as long as nothing had to be waited for.
    window: Option<(Duration, usize)>,
    hold: Option<Hold>,
}

impl Reading<'_> {
    async fn whole(&mut self, mut body: Body) -> Result<Bytes, Problem> {
        let mut first = Bytes::new();
        let mut whole = BytesMut::new();
        loop {
            let come = first.len() + whole.len();
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                // Most bodies are there already, and nothing waits.
                problem = self.slow(come) => return Err(problem),
            };
            let Some(frame) = frame else { break };
            let Ok(data) = frame.map_err(|_| broken_off())?.into_data() else { continue };
            self.make_room(come + data.len()).await?;
            if first.is_empty() && whole.is_empty() {
                first = data;
                continue;
            }
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
        Ok(if first.is_empty() { whole.freeze() } else { first })
    }

    /// Resolves when too little has come for too long.
    async fn slow(&mut self, come: usize) -> Problem {
        loop {
            let now = self.env.elapsed();
            let (since, before) = *self.window.get_or_insert((now, come));
            let left = (since + WINDOW).saturating_sub(now);
            if left.is_zero() {
                if come - before < SLOWEST {
                    return too_slow();
                }
                self.window = Some((now, come));
                continue;
            }
            self.env.sleep(left).await;
        }
    }

    async fn make_room(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes > self.limit {
            return Err(too_large(self.limit));
        }
        if bytes <= SMALL {
            return Ok(());
        }
        let began = self.env.elapsed();
        match &mut self.hold {
            Some(hold) => hold.grow(bytes).await?,
            none => *none = Some(self.room.take(self.project, bytes, self.most).await?),
        }
        // The wait was not the sender's doing.
        let waited = self.env.elapsed().saturating_sub(began);
        self.window = self.window.map(|(since, before)| (since + waited, before));
        Ok(())
    }
}

impl<S> FromRequest<S> for Sent
where
    Context: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let context = Context::from_ref(state);
        let (parts, body) = request.into_parts();
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Self {
            body,
            media: Media::of(&parts.headers),
            length,
            env: context.env.clone(),
            room: context.room.clone(),
        })
    }
}

impl Media {
    fn of(headers: &HeaderMap) -> Self {
        // Any of several: what is named second is applied as well.
        if let Some(coding) = headers.get_all(CONTENT_ENCODING).iter().find(|coding| *coding != "identity") {
            return Self::Coded(shown(&String::from_utf8_lossy(coding.as_bytes())));
        }
        let Some(value) = headers.get(CONTENT_TYPE).filter(|value| *value != "application/json") else {
            return Self::Json;
        };
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let essence = value.split(';').next().unwrap_or_default().trim();
        match essence {
            "application/json" => Self::Json,
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
                Self::Lines
            }
            "application/toml" => Self::Toml,
            other if other.starts_with("application/") && other.ends_with("+json") => Self::Json,
            other => Self::Other(shown(other)),
        }
    }

    /// As people call it.
    fn named(&self) -> String {
        match self {
            Self::Json => "application/json".to_owned(),
            Self::Lines => "a JSON value a line (application/x-ndjson)".to_owned(),
            Self::Toml => "application/toml".to_owned(),
            Self::Other(media) if media.is_empty() => "of no type (Content-Type is empty)".to_owned(),
            Self::Other(media) => media.clone(),
            Self::Coded(coding) => format!("compressed (Content-Encoding: {coding})"),
        }
    }
}

fn shown(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(80).collect()
}

impl Text {
    /// Lets go of the text and keeps its room, for as long as something made of the body is in memory.
    pub fn into_room(self) -> Option<Hold> {
        self.room
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("was looked through when it was read")
    }
}

pub fn too_large(limit: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("The body has more than the {limit} bytes that are taken here."))
}

/// What was sent, where `taken` is.
pub fn unsupported(media: &Media, taken: &str) -> Problem {
    let uncoded = if matches!(media, Media::Coded(_)) { ", not compressed" } else { "" };
    Problem::new(Code::UnsupportedMediaType, format!("The body is {}; send {taken}{uncoded}.", media.named()))
}

fn too_slow() -> Problem {
    Problem::new(Code::InvalidRequest, too_slow_detail()).answered(StatusCode::REQUEST_TIMEOUT)
}

/// The detail of the 408 that answers a body which comes too slowly.
pub fn too_slow_detail() -> String {
    let (least, within) = (SLOWEST / 1024, WINDOW.as_secs());
    format!("Less than {least} KiB of the body came within {within} seconds: send it faster, or in smaller pieces.")
}

fn broken_off() -> Problem {
    Problem::new(Code::InvalidJson, "The body broke off before its end.")
}

fn not_utf8(valid: &[u8]) -> Problem {
    let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = valid.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Problem::new(Code::InvalidJson, format!("The body is not UTF-8 at line {line} column {column}."))
}
