//! One attempt: what was sent when, what came back, and what that meant.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::headers::Headers;
use crate::time::Timestamp;

/// Class of an attempt's failure, coarse enough to filter and count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The name did not resolve.
    Dns,
    /// No connection: refused, unreachable, or the proxy said no.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The whole request took longer than the endpoint's timeout.
    Timeout,
    /// The connection broke before an answer came.
    Reset,
    /// The address is one that webhooks are not sent to.
    Blocked,
    /// The answer is not HTTP.
    Protocol,
    /// The answer's body could not be read. Attempts have not failed of that since the status alone decides; earlier
    /// ones did.
    Body,
    /// Answered, but not with 2xx, or with an error inside it.
    Status,
    /// The request could not be built.
    Render,
}

impl FailureKind {
    pub const ALL: [Self; 10] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Blocked,
        Self::Protocol,
        Self::Body,
        Self::Status,
        Self::Render,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Blocked => "blocked",
            Self::Protocol => "protocol",
            Self::Body => "body",
            Self::Status => "status",
            Self::Render => "render",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A failure in words for a person: what went wrong, with whom, and where that helps, what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// A receiver's answer, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    /// The first bytes of the body, at most as many as the endpoint's dialect captures.
    pub body: Vec<u8>,
    /// There was more to the body than was read, or it broke off.
    pub truncated: bool,
    /// The failure that broke off the body, if one did. It changes nothing of what the status says.
    pub incomplete: Option<Failure>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Marks the body as broken off: what came of it is all there will be.
    pub fn break_off(&mut self, failure: Failure) {
        self.truncated = true;
        self.incomplete = Some(failure);
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A status came, with 2xx or without, whatever became of the headers and the body behind it.
    Answered(Answer),
    /// No status came, or an answer that means a failure whatever its status says.
    Failed { failure: Failure, answer: Option<Answer> },
}

impl Outcome {
    pub fn failed(kind: FailureKind, message: impl Into<String>) -> Self {
        Self::Failed { failure: Failure::new(kind, message), answer: None }
    }

    /// The same answer, with another meaning than its status has.
    #[must_use]
    pub fn but(self, failure: Failure) -> Self {
        match self {
            Self::Answered(answer) => Self::Failed { failure, answer: Some(answer) },
            Self::Failed { answer, .. } => Self::Failed { failure, answer },
        }
    }

    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered(answer) if answer.is_success())
    }

    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Failed { answer, .. } => answer.as_ref(),
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    /// The failure; `None` for a success.
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Self::Answered(answer) if answer.is_success() => None,
            Self::Answered(answer) => Some(not_2xx(answer)),
            Self::Failed { failure, .. } => Some(failure.clone()),
        }
    }
}

fn not_2xx(answer: &Answer) -> Failure {
    let message = match answer.status {
        300..400 => match answer.header("location") {
            Some(location) => {
                let shown: String = location.chars().take(200).collect();
                format!(
                    "answered {}: redirects are not followed, change the endpoint's URL (it points to {shown})",
                    answer.status
                )
            }
            None => format!("answered {}: redirects are not followed, change the endpoint's URL", answer.status),
        },
        410 => "answered 410 Gone: the receiver wants no more webhooks at this URL".to_owned(),
        429 => "answered 429: the receiver is being sent more than it takes".to_owned(),
        status => format!("answered {status}, not a 2xx"),
    };
    Failure::new(FailureKind::Status, message)
}

/// The body that was sent, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// None was made.
    None,
    /// Not kept: the built-in dialect of that name always makes the same of the event.
    Of(Arc<str>),
    Kept(Bytes),
    /// Kept once, and dropped because of its age.
    Dropped,
}

/// An attempt as it is kept.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Counts from 1 over the life of a delivery, manual retries included.
    pub number: u32,
    pub started_at: Timestamp,
    pub duration: Duration,
    /// As sent, secrets masked.
    pub request_headers: Headers,
    pub body: Body,
    /// Notes for a person besides the outcome: slots of a template that found nothing, what was wrong with an answer
    /// behind its status, a request that was sent again within the attempt.
    pub notes: Vec<String>,
    pub outcome: Outcome,
    /// Due time of the next one, if there will be one.
    pub next_attempt_at: Option<Timestamp>,
}
