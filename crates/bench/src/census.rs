//! Counts deliveries: each of many events at each of many endpoints, none missing.

use std::collections::HashMap;
use std::time::Instant;

use crate::id::Id;
use crate::load::Accepted;
use crate::sink::{Arrival, Sink};

pub(crate) struct Census {
    /// The first arrivals.
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    /// Arrivals after the first of the same event at the same endpoint.
    pub(crate) doubled: u64,
    pub(crate) first: Option<Instant>,
    /// The latest of the first arrivals.
    pub(crate) last: Option<Instant>,
}

/// Waits until each event has arrived at each of the endpoints `0..endpoints`, or nothing has arrived for a long time.
pub(crate) fn of(sink: &Sink, events: &[Accepted], endpoints: u32) -> Census {
    let numbers: HashMap<Id, usize> = events.iter().enumerate().map(|(number, event)| (event.id, number)).collect();
    let mut wanted = events.len() * endpoints as usize;
    loop {
        let more_may_come = sink.wait_for(wanted);
        let (census, arrivals) = sink.look(|arrivals| (count(arrivals, &numbers, endpoints), arrivals.len()));
        if census.lost == 0 || !more_may_come {
            return census;
        }
        // Some of those that came were doubles, or of other events.
        wanted = arrivals + census.lost as usize;
    }
}

fn count(arrivals: &[Arrival], numbers: &HashMap<Id, usize>, endpoints: u32) -> Census {
    let width = endpoints as usize;
    let mut seen = vec![false; numbers.len() * width];
    let mut census =
        Census { delivered: 0, lost: 0, doubled: 0, first: arrivals.first().map(|arrival| arrival.at), last: None };
    for arrival in arrivals {
        let Some(number) = numbers.get(&arrival.id).filter(|_| arrival.endpoint < endpoints) else { continue };
        let seen = &mut seen[number * width + arrival.endpoint as usize];
        if std::mem::replace(seen, true) {
            census.doubled += 1;
        } else {
            census.delivered += 1;
            census.last = Some(arrival.at);
        }
    }
    census.lost = seen.len() as u64 - census.delivered;
    census
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn what_is_missing_and_what_came_twice_is_counted() {
        let ids = ["a", "b"].map(|id| Id::new(id.as_bytes()).expect("short enough"));
        let numbers = HashMap::from([(ids[0], 0), (ids[1], 1)]);
        let stranger = Id::new(b"c").expect("short enough");
        let came = [(ids[0], 0), (ids[0], 1), (ids[0], 1), (ids[1], 0), (stranger, 0), (ids[1], 7)];
        let arrivals = came.map(|(id, endpoint)| Arrival { id, endpoint, at: clock::now() });
        let census = count(&arrivals, &numbers, 2);
        assert_eq!((census.delivered, census.lost, census.doubled), (3, 1, 1));
        assert_eq!(census.last, Some(arrivals[3].at));
    }
}
