//! Recovery of an endpoint: its window of time and the position of a job in it, whatever a database orders its events
//! by.

use std::hash::Hash;
use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use model::job::Only;

use crate::Error;
use crate::directory::Directory;
use crate::filtering;
use crate::jobs::STEP;

/// Maximum events that a step reads, of which it may want few.
pub(crate) const SEEN: usize = 4 * STEP;

/// Maximum events that a filter is evaluated for to count what was missed. Later ones are counted without it: a filter
/// may take milliseconds, and nobody waits for millions of those.
pub(crate) const ASKED: usize = 2_000;

/// The key by which a database orders its events.
pub(crate) trait Key: Copy + Eq + Hash {
    fn to_bytes(self) -> [u8; 16];
    fn from_bytes(bytes: [u8; 16]) -> Self;
}

/// A window of time of one endpoint, in the keys by which the tables are ordered.
pub(crate) struct Window<K> {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) deliveries: (DeliveryId, DeliveryId),
    pub(crate) events: (K, K),
}

impl<K: Key> Window<K> {
    pub(crate) fn start(&self, only: Only) -> Cursor<K> {
        match only {
            Only::Missed => Cursor::Missed(self.events.0),
            Only::Failed | Only::All => Cursor::Failed(self.deliveries.0),
        }
    }

    /// The cursor after a step that sent the first `sent` of these failed deliveries again.
    pub(crate) fn after_failed(&self, only: Only, failed: &[DeliveryId], sent: usize) -> Option<Cursor<K>> {
        match failed.get(..sent).and_then(<[_]>::last) {
            Some(last) if failed.len() == STEP || sent < failed.len() => Some(Cursor::Failed(*last)),
            _ if only == Only::All => Some(Cursor::Missed(self.events.0)),
            _ => None,
        }
    }
}

/// Events of a window that were read.
pub(crate) struct Seen<K> {
    /// Events that the endpoint should have had, each with its key and a note for its delivery.
    pub(crate) missed: Vec<(K, Event, Option<String>)>,
    /// Key of the first event that comes next.
    pub(crate) next: K,
}

/// Items done by a step, and the cursor of the next one; without a cursor there is none.
pub(crate) struct Progress<K> {
    pub(crate) done: u64,
    pub(crate) cursor: Option<Cursor<K>>,
}

/// Position of a job: a recovery first goes through the failed deliveries, then through the events; a replay goes
/// through the endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor<K> {
    Failed(DeliveryId),
    Missed(K),
    Endpoint(EndpointId),
}

impl<K: Key> Cursor<K> {
    pub(crate) fn to_bytes(self) -> [u8; 17] {
        let (phase, place) = match self {
            Self::Failed(id) => (0, *id.as_bytes()),
            Self::Missed(key) => (1, key.to_bytes()),
            Self::Endpoint(id) => (2, *id.as_bytes()),
        };
        let mut bytes = [phase; 17];
        bytes[1..].copy_from_slice(&place);
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first().map(|(phase, place)| (phase, place.try_into())) {
            Some((0, Ok(place))) => Ok(Self::Failed(DeliveryId::from_bytes(place))),
            Some((1, Ok(place))) => Ok(Self::Missed(K::from_bytes(place))),
            Some((2, Ok(place))) => Ok(Self::Endpoint(EndpointId::from_bytes(place))),
            _ => Err(Error::Corrupt("where a job is".to_owned())),
        }
    }
}

/// The endpoints of the next step of a replay.
pub(crate) fn next_endpoints<K>(
    directory: &Directory,
    event: &Event,
    cursor: Option<&Cursor<K>>,
) -> Vec<Arc<Endpoint>> {
    let after = match cursor {
        Some(Cursor::Endpoint(after)) => Some(*after),
        Some(Cursor::Failed(_) | Cursor::Missed(_)) | None => None,
    };
    filtering::stretch(directory, event, after, STEP)
}

/// The cursor of a replay after a step with these endpoints.
pub(crate) fn after_endpoints<K>(endpoints: &[Arc<Endpoint>]) -> Option<Cursor<K>> {
    endpoints.get(STEP - 1).map(|last| Cursor::Endpoint(last.id))
}
