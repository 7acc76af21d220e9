//! What came of a load: compared event by event with what was accepted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use testkit::receiver::Arrival;

use crate::load::LIMIT;

pub(crate) struct Accepted {
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) at: Instant,
}

pub(crate) struct Verdict {
    began: Instant,
    accepted: HashMap<String, Accepted>,
    harms: Vec<Instant>,
    /// When each event came, each time that it came.
    arrivals: HashMap<String, Vec<Instant>>,
}

impl Verdict {
    pub(crate) fn new(
        began: Instant,
        accepted: HashMap<String, Accepted>,
        harms: Vec<Instant>,
        received: &[Arrival],
    ) -> Self {
        let mut arrivals: HashMap<String, Vec<Instant>> = HashMap::new();
        for arrival in received {
            arrivals.entry(arrival.id.to_string()).or_default().push(arrival.at);
        }
        Self { began, accepted, harms, arrivals }
    }

    pub(crate) fn nothing_is_lost(&self) {
        let mut lost: Vec<&String> = self.accepted.keys().filter(|id| !self.arrivals.contains_key(*id)).collect();
        lost.sort();
        assert!(lost.is_empty(), "{} of {} accepted events never came: {lost:?}", lost.len(), self.accepted.len());
        assert!(self.accepted.len() > 100, "only {} events were accepted: that is no load", self.accepted.len());
    }

    pub(crate) fn hardly_anything_came_twice(&self) {
        let came: usize = self.arrivals.values().map(Vec::len).sum();
        let doubled = came - self.arrivals.len();
        println!("{} events came, {doubled} of them again", self.arrivals.len());
        assert!(doubled * 100 <= self.arrivals.len(), "{doubled} of {} came twice", self.arrivals.len());
    }

    pub(crate) fn order_was_kept(&self) {
        let mut strict: HashMap<&str, Vec<(Instant, usize)>> = HashMap::new();
        for (id, accepted) in self.accepted.iter().filter(|(_, accepted)| accepted.name.starts_with("strict")) {
            if let Some(first) = self.arrivals.get(id).and_then(|times| times.iter().min()) {
                strict.entry(&accepted.name).or_default().push((*first, accepted.number));
            }
        }
        for (name, mut came) in strict {
            came.sort_unstable();
            let numbers: Vec<usize> = came.into_iter().map(|(_, number)| number).collect();
            assert!(numbers.is_sorted(), "{name} came in another order: {numbers:?}");
        }
    }

    /// In no stretch of time came more than the bucket had and was given. What the network does between sending and
    /// arriving is forgiven a request.
    pub(crate) fn rate_limits_were_kept(&self) {
        let limited = |id: &String| self.accepted.get(id).is_some_and(|accepted| accepted.name.starts_with("limited"));
        let times = self.arrivals.iter().filter(|(id, _)| limited(id)).flat_map(|(_, times)| times);
        let mut times: Vec<Instant> = times.copied().collect();
        times.sort_unstable();
        for (first, from) in times.iter().enumerate() {
            for (last, to) in times.iter().enumerate().skip(first) {
                let allowed = f64::from(LIMIT) * (1.0 + (*to - *from).as_secs_f64()) + 1.0;
                let came = last - first + 1;
                assert!(came as f64 <= allowed, "{came} came within {:?}", *to - *from);
            }
        }
    }

    /// What was accepted so long after the last harm, and before the next, comes as it came in the `calm` before all harm.
    pub(crate) fn was_soon_as_before(&self, calm: Duration, after: Duration) {
        let before = self.p99(|accepted| accepted.at < self.began + calm);
        let recovered = |accepted: &Accepted| {
            let last = self.harms.iter().rev().find(|harm| **harm <= accepted.at);
            // Every second note is of an end.
            let ended = self.harms.iter().filter(|harm| **harm <= accepted.at).count() % 2 == 0;
            ended && last.is_some_and(|harm| accepted.at >= *harm + after)
        };
        let since = self.p99(recovered);
        println!("p99 before all harm {before:?}, {after:?} after the last {since:?}");
        assert!(since <= before * 3 + Duration::from_millis(50), "p99 {since:?} after, {before:?} before");
    }

    fn p99(&self, chosen: impl Fn(&Accepted) -> bool) -> Duration {
        let chosen =
            self.accepted.iter().filter(|(_, accepted)| accepted.name.starts_with("plain") && chosen(accepted));
        let mut waits: Vec<Duration> = chosen
            .filter_map(|(id, accepted)| {
                Some(self.arrivals.get(id)?.iter().min()?.saturating_duration_since(accepted.at))
            })
            .collect();
        waits.sort_unstable();
        assert!(!waits.is_empty(), "nothing to measure");
        waits[waits.len() * 99 / 100]
    }
}
