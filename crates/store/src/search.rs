//! Lookups of events, deliveries and attempts: newest first, a page at a time.

use std::sync::Arc;

use model::attempt::{Failure, FailureKind};
use model::delivery::{Cancelled, Status};
use model::event::Event;
use model::headers::Headers;
use model::id::{DeliveryId, EndpointId, EventId};
use model::subscription::EventType;
use model::time::Timestamp;

/// Position at which the page before ended. Opaque to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) [u8; 16]);

impl Cursor {
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

/// A page of a list, as a caller asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Paging {
    pub limit: usize,
    pub after: Option<Cursor>,
}

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The next page's cursor, if there is one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of `limit` rows at most. One row more was asked for, which shows that there is a next page.
    pub(crate) fn of(mut rows: Vec<(T, Cursor)>, limit: usize) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|(_, cursor)| *cursor);
        Self { items: rows.into_iter().map(|(item, _)| item).collect(), next }
    }
}

#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub event_type: Option<EventType>,
    pub tenant: Option<String>,
    /// Accepted at or after.
    pub since: Option<Timestamp>,
    /// Accepted before.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct StoredEvent {
    pub event: Event,
    /// Deliveries made when the event was accepted.
    pub deliveries: u32,
}

/// An event as lists show it: without its data, which lists do not read.
#[derive(Clone, Debug)]
pub struct ListedEvent {
    pub id: EventId,
    pub event_type: EventType,
    pub tenant: Option<String>,
    pub summary: Option<String>,
    pub occurred_at: Timestamp,
    pub created_at: Timestamp,
    pub deliver_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub test: bool,
    /// Deliveries made when the event was accepted.
    pub deliveries: u32,
}

#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub endpoint: Option<EndpointId>,
    pub event: Option<EventId>,
    pub status: Option<Status>,
    pub event_type: Option<EventType>,
    pub tenant: Option<String>,
    /// Of the last attempt.
    pub status_code: Option<u16>,
    /// Made at or after.
    pub since: Option<Timestamp>,
    /// Made before.
    pub until: Option<Timestamp>,
}

/// The columns that a [`Delivery`] is read from, on both databases: of `deliveries AS d` and `events AS e`. The last
/// attempt is looked up by its key, for rows that are shown and where there may have been an error.
pub(crate) const DELIVERY: &str = "d.id, d.endpoint, e.id, e.type, e.tenant, d.status, d.attempts, d.manual, \
     d.status_code, d.reason, d.next_attempt_at, \
     CASE WHEN d.status <> 1 AND d.attempts > 0 \
          THEN (SELECT a.error_kind FROM attempts AS a WHERE a.delivery = d.id AND a.number = d.attempts) END";
pub(crate) const DELIVERY_WIDTH: usize = 12;

/// A delivery as lists show it.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub event: EventId,
    pub event_type: EventType,
    pub tenant: Option<String>,
    pub status: Status,
    /// Attempts made until now.
    pub attempts: u32,
    pub manual: bool,
    /// Of the last attempt, if it got a response.
    pub status_code: Option<u16>,
    /// Of the last attempt, if it failed.
    pub error_kind: Option<FailureKind>,
    /// Set if it is cancelled.
    pub reason: Option<Cancelled>,
    /// Set while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// An attempt as it was stored.
#[derive(Clone, Debug)]
pub struct StoredAttempt {
    pub number: u32,
    pub started_at: Timestamp,
    pub duration_ms: u64,
    pub status_code: Option<u16>,
    pub failure: Option<Failure>,
    pub request_headers: Headers,
    pub response_headers: Headers,
    pub response_body: Vec<u8>,
    pub response_truncated: bool,
    /// There was a body, and it was dropped because of its age.
    pub response_dropped: bool,
    pub next_attempt_at: Option<Timestamp>,
    pub body: SentBody,
    pub notes: Vec<String>,
}

/// The body that an attempt sent, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentBody {
    /// No body was made.
    None,
    /// The body was dropped because of its age.
    Dropped,
    /// The body is stored: [`crate::Store::sent_body`] has it.
    Kept,
    /// This built-in dialect makes the body of the event.
    Of(Arc<str>),
}

/// Selects whether the responses' bodies are read with the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    With,
    Without,
}

impl Bodies {
    /// Maximum bytes read of each body.
    pub(crate) fn longest(self) -> usize {
        match self {
            Self::With => i32::MAX as usize,
            Self::Without => 0,
        }
    }
}

/// An attempt, with its delivery and event.
#[derive(Clone, Debug)]
pub struct Attempted {
    pub delivery: DeliveryId,
    pub event: EventId,
    pub event_type: EventType,
    pub attempt: StoredAttempt,
}

/// A delivery with its event and all its attempts.
#[derive(Clone, Debug)]
pub struct FullDelivery {
    pub delivery: Delivery,
    pub event: Event,
    /// Reason for the delivery if its endpoint's filter could not be evaluated.
    pub note: Option<String>,
    pub attempts: Vec<StoredAttempt>,
}

impl FullDelivery {
    /// The newest attempt that made a body. One that could not be rendered sent nothing, and does not hide what was
    /// sent before.
    pub fn newest_with_body(&self) -> Option<&StoredAttempt> {
        self.attempts.iter().rev().find(|attempt| attempt.body != SentBody::None)
    }

    /// The number of that attempt, if [`crate::Store::sent_body`] has its body.
    pub fn attempt_with_body(&self) -> Option<u32> {
        self.newest_with_body().filter(|attempt| attempt.body == SentBody::Kept).map(|attempt| attempt.number)
    }
}
