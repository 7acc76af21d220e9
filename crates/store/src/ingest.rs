//! Taking events in: matching endpoints, one commit for the event and its deliveries, then the feed.

use std::sync::Arc;

use model::event::Event;
use model::id::EventId;
use model::subscription::EventType;

use crate::filtering::FilterResults;

/// An event to take in, and what identifies a repeat of the request.
#[derive(Clone, Debug)]
pub struct Intake {
    pub event: Event,
    /// True if the caller chose the event's id, and may choose it again. An id of our own making is new.
    pub chose_id: bool,
    pub idempotency_key: Option<String>,
    /// SHA-256 over the request. Stored, and compared when the same id or key comes again. Needed if either is the
    /// caller's own.
    pub fingerprint: Option<[u8; 32]>,
}

/// Result of taking an event in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The event is on disk, with this many deliveries.
    New { id: EventId, deliveries: u32 },
    /// The same request came before; these are the values it was answered with.
    Again { id: EventId, event_type: EventType, deliveries: u32 },
    /// The same `id` or `Idempotency-Key` came before with another body. Nothing was stored.
    Conflict(Clash),
}

/// The name by which a conflicting request was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    Id,
    IdempotencyKey,
}

/// Events of a batch, each with its filter results.
pub(crate) type FilteredIntakes = Arc<Vec<(Intake, FilterResults)>>;
