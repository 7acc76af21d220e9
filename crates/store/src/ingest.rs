//! Taking events in: which endpoints want them, event and deliveries in one commit, then the feed.

use std::sync::Arc;

use model::event::Event;
use model::id::EventId;
use model::subscription::EventType;

use crate::filtering::FilterResults;

/// An event that was asked for, and by what a repeat of the request is recognised.
#[derive(Clone, Debug)]
pub struct Intake {
    pub event: Event,
    /// The caller chose the event's id, and may choose it again. One of our own making is new.
    pub chose_id: bool,
    pub idempotency_key: Option<String>,
    /// SHA-256 over what was asked. Kept, and compared when the same id or key comes again. Needed if either is the
    /// caller's own.
    pub fingerprint: Option<[u8; 32]>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk, with so many deliveries.
    New { id: EventId, deliveries: u32 },
    /// The same request came before; this is what it was answered.
    Again { id: EventId, event_type: EventType, deliveries: u32 },
    /// The same `id` or `Idempotency-Key` came before with another body. Nothing was stored.
    Conflict(Clash),
}

/// By what a conflicting request was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    Id,
    IdempotencyKey,
}

/// Events of a batch, with what filters said of each.
pub(crate) type FilteredIntakes = Arc<Vec<(Intake, FilterResults)>>;
