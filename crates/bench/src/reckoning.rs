//! Compares the events accepted with those that arrived: rates, latencies, losses, doubles.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::id::Id;
use crate::latency::{Latencies, Quantiles};
use crate::load::{Accepted, Load};
use crate::sink::{Arrival, Sink};

/// The first arrival of each event.
type First = HashMap<Id, Instant>;

pub(crate) struct Arrivals {
    pub(crate) first: First,
    /// Accepted, but not received.
    pub(crate) lost: u64,
}

/// Waits until all accepted events have arrived, or nothing has arrived for a long time.
pub(crate) fn received<'a>(sink: &Sink, accepted: &(impl Iterator<Item = &'a Accepted> + Clone)) -> Arrivals {
    let mut wanted = accepted.clone().count();
    loop {
        let more_may_come = sink.wait_for(wanted);
        let (first, count) = sink.look(|all| (first_of_each(all), all.len()));
        let lost = accepted.clone().filter(|accepted| !first.contains_key(&accepted.id)).count();
        if lost == 0 || !more_may_come {
            return Arrivals { first, lost: lost as u64 };
        }
        // Some of the arrivals were doubles.
        wanted = count + lost;
    }
}

fn first_of_each(arrivals: &[Arrival]) -> First {
    let mut first = First::with_capacity(arrivals.len());
    for arrival in arrivals {
        first.entry(arrival.id).or_insert(arrival.at);
    }
    first
}

pub(crate) struct Reckoning {
    pub(crate) accepted_per_second: f64,
    pub(crate) delivered_per_second: f64,
    pub(crate) post_to_202: Quantiles,
    pub(crate) accepted_to_received: Quantiles,
    pub(crate) post_to_received: Quantiles,
}

impl Reckoning {
    /// Rates are over the time from the first POST to the last answer, and to the last arrival.
    pub(crate) fn of(load: &Load, first: &First) -> Self {
        let (mut answered, mut after_answer, mut received) = (Latencies::new(), Latencies::new(), Latencies::new());
        let mut last_arrival = load.began;
        let mut delivered: u32 = 0;
        for event in &load.accepted {
            answered.record(event.answered.saturating_duration_since(event.sent));
            if let Some(&arrival) = first.get(&event.id) {
                after_answer.record(arrival.saturating_duration_since(event.answered));
                received.record(arrival.saturating_duration_since(event.sent));
                last_arrival = last_arrival.max(arrival);
                delivered += 1;
            }
        }
        Self {
            accepted_per_second: rate(load.accepted.len() as f64, load.ended - load.began),
            delivered_per_second: rate(delivered.into(), last_arrival - load.began),
            post_to_202: answered.quantiles(),
            accepted_to_received: after_answer.quantiles(),
            post_to_received: received.quantiles(),
        }
    }
}

fn rate(count: f64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count / time.as_secs_f64() }
}
