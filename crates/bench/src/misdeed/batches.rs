//! Batches as large as they may be, one after the other without a pause, for many endpoints that answer at once.
//!
//! Each event goes to ten endpoints, and one of a thousand to all: the deliveries of a batch are bounded by what a
//! server can deliver in some seconds, or no measurement beside it would end.

use std::sync::Arc;

use serde_json::json;

use super::means::{FAMILY, HOSTS, Means, post_for_ever};
use crate::background::Background;
use crate::conditions::Conditions;
use crate::event::{Template, type_of};
use crate::gateway::Gateway;
use crate::sink::all_well;
use crate::{BenchError, control};

/// Endpoints that want the same type.
const AUDIENCE: u32 = 10;

/// One event in this many is for all.
const FOR_ALL: u64 = 1_000;

pub(super) fn prepare(gateway: &Gateway, conditions: &Conditions, slug: &str) -> Result<Means, BenchError> {
    let sizes = &conditions.sizes;
    let endpoints = sizes.shares_batch_endpoints;
    let groups = endpoints.div_ceil(AUDIENCE);
    let sink = conditions.sink_beside(HOSTS, all_well)?;
    let wants = |endpoint: u32| {
        let types = [endpoint % groups, groups].map(|kind| type_of(FAMILY, kind));
        json!({ "url": sink.url(endpoint), "events": types })
    };
    control::register(gateway.address(), slug, (0..endpoints).map(wants).collect())?;
    let key = control::make_sending_key(gateway.address(), slug)?;
    let template = Template::posted(FAMILY, sizes.event_bytes);
    let batch = Arc::new([template.list(kinds(sizes.shares_batch, groups)).to_vec()]);
    let begin = move |address| {
        let work = move |_, tally| {
            let (key, batch) = (key.clone(), batch.clone());
            async move { post_for_ever(address, "/v1/events/batch", &key, &*batch, |status| status == 200, &tally).await }
        };
        Background::start("batches", 1, work).map(Some)
    };
    Ok((Some(sink), Box::new(begin)))
}

/// The kinds and numbers of a batch's events. The kind behind those of the groups is for all.
fn kinds(events: u32, groups: u32) -> impl ExactSizeIterator<Item = (u32, u64)> {
    (0..events).map(move |number| {
        let is_for_all = u64::from(number) % FOR_ALL == FOR_ALL - 1;
        (if is_for_all { groups } else { number % groups }, number.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_goes_to_its_group_and_one_of_a_thousand_to_all() {
        let kinds: Vec<u32> = kinds(10_000, 100).map(|(kind, _)| kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == 100).count(), 10);
        assert_eq!(kinds[..101], [(0..100).collect::<Vec<_>>(), vec![0]].concat());
        assert!(kinds.iter().all(|kind| *kind <= 100));
    }
}
