//! One heap of the times at which endpoints' work is to be looked at again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::id::EndpointId;
use model::map::Map;
use model::time::Timestamp;

/// At most one time per endpoint, the earliest; later ones are found when its work is fetched.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, EndpointId)>>,
    set: Map<EndpointId, Timestamp>,
}

impl Timers {
    pub(crate) fn set(&mut self, endpoint: EndpointId, at: Timestamp) {
        let earliest = self.set.entry(endpoint).or_insert(Timestamp::from_millis(i64::MAX));
        if at < *earliest {
            *earliest = at;
            self.heap.push(Reverse((at, endpoint)));
        }
    }

    pub(crate) fn clear(&mut self, endpoint: EndpointId) {
        self.set.remove(&endpoint);
    }

    /// The time of the next one.
    pub(crate) fn next(&mut self) -> Option<Timestamp> {
        self.drop_stale();
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes out an endpoint whose time has come.
    pub(crate) fn fire(&mut self, now: Timestamp) -> Option<EndpointId> {
        self.drop_stale();
        let Reverse((at, endpoint)) = *self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop();
        self.set.remove(&endpoint);
        Some(endpoint)
    }

    /// Drops entries that an earlier time, or a deletion, has overtaken.
    fn drop_stale(&mut self) {
        while let Some(Reverse((at, endpoint))) = self.heap.peek() {
            if self.set.get(endpoint) == Some(at) {
                return;
            }
            self.heap.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_time_of_each_endpoint_rings_once() {
        let (one, two) = (EndpointId::from_bytes([1; 16]), EndpointId::from_bytes([2; 16]));
        let at = Timestamp::from_millis;
        let mut timers = Timers::default();
        timers.set(one, at(30));
        timers.set(one, at(10));
        timers.set(one, at(20));
        timers.set(two, at(15));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.fire(at(9)), None);
        assert_eq!(timers.fire(at(20)), Some(one));
        assert_eq!(timers.fire(at(20)), Some(two));
        assert_eq!(timers.fire(at(100)), None);
        timers.set(one, at(40));
        timers.clear(one);
        assert_eq!(timers.next(), None);
    }
}
