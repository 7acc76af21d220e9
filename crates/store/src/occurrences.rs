//! Occurrences: the types, tenants and outcomes in a slot of time, so that a search for something rare reads those
//! slots and no others.
//!
//! An occurrence says that its slot may have something; the rows themselves decide. It is written once for a slot,
//! however many rows of the slot it is about, so busy hours cost no more than quiet ones. Measured: 10 M rows with an
//! index of their own for each type cost 1 µs an event, this 0.05.

use std::hash::{BuildHasher, Hash};

use model::id::DeliveryId;
use model::map::Set;
use model::time::Timestamp;

/// Slots have 2^4 ms: at 20,000 deliveries a second some hundred rows, which are read in less than a millisecond.
const BITS: u32 = 4;

/// Kinds of occurrences. The numbers are stored in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Events of a type.
    EventType = 0,
    /// Events of a tenant.
    EventTenant = 1,
    /// Deliveries of events of a type.
    DeliveryType = 2,
    /// Deliveries with an outcome. Only on PostgreSQL, where no index of deliveries has it.
    Outcome = 3,
    /// Deliveries of a tenant's events with an outcome. Only on PostgreSQL.
    TenantOutcome = 4,
    /// Deliveries of a tenant's events. Only on PostgreSQL.
    DeliveryTenant = 5,
}

impl Kind {
    pub(crate) fn number(self) -> i16 {
        i16::from(self as u8)
    }
}

/// The name of a delivery's outcome: its status, and the status code of its last attempt.
pub(crate) fn outcome(status: i16, status_code: Option<u16>) -> String {
    format!("{status}:{:03}", status_code.unwrap_or(0))
}

/// The name of an outcome of a tenant's deliveries: the tenant stands before it.
pub(crate) fn of_tenant(tenant: &str, outcome: &str) -> String {
    format!("{tenant}\u{1}{outcome}")
}

/// The slot of time of a delivery, or of a key like a delivery's id.
pub(crate) fn slot_of(id: DeliveryId) -> i64 {
    id.created_at().as_millis() >> BITS
}

/// The first id of a slot, and the first after it.
pub(crate) fn ids_of(slot: i64) -> (DeliveryId, DeliveryId) {
    let first = |slot: i64| DeliveryId::first_at(Timestamp::from_millis(slot << BITS));
    (first(slot), first(slot + 1))
}

/// Bounded memory of the occurrences that are written.
#[derive(Default)]
pub(crate) struct Noted(Set<u64>);

impl Noted {
    /// Maximum occurrences remembered. One that is forgotten is written once more, which does no harm.
    const MOST: usize = 16_384;

    /// True if the occurrence is new. Compared by hash: with this few, one in 10^15 is taken for another.
    pub(crate) fn is_new(&mut self, occurrence: impl Hash) -> bool {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        let hash = self.0.hasher().hash_one(occurrence);
        self.0.insert(hash)
    }

    /// Forgets all: what was noted last was not written, or what was written is gone.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_the_ids_of_its_time_and_no_others() {
        let id = DeliveryId::first_at(Timestamp::from_millis(1_700_000_000_123));
        let (first, next) = ids_of(slot_of(id));
        assert!(first <= id && id < next);
        assert_eq!(first.created_at() + std::time::Duration::from_millis(16), next.created_at());
        assert_eq!(slot_of(next), slot_of(id) + 1);
    }

    #[test]
    fn what_is_noted_is_news_once() {
        let mut noted = Noted::default();
        assert!(noted.is_new((Kind::EventType, "a", 1)));
        assert!(!noted.is_new((Kind::EventType, "a", 1)));
        assert!(noted.is_new((Kind::DeliveryType, "a", 1)) && noted.is_new((Kind::EventType, "a", 2)));
        noted.clear();
        assert!(noted.is_new((Kind::EventType, "a", 1)));
    }
}
