//! A pile of deliveries for endpoints that are down, with which *backlog* and *restart* begin.

use std::time::Duration;

use serde_json::json;

use crate::conditions::Conditions;
use crate::event::{MEASURED, type_of};
use crate::gateway::Gateway;
use crate::load::Accepted;
use crate::reserved_addresses::{MOST_HOSTS, ReservedAddresses};
use crate::{BenchError, output};

/// Endpoints are tried again soon and often, so that their deliveries are due whenever they come up.
const RETRY_AFTER: &str = "5s";
const RETRIES: usize = 100;

/// A gateway with a pile, and the addresses where nothing listens yet.
pub(super) struct Pile {
    pub(super) gateway: Gateway,
    pub(super) place: ReservedAddresses,
    /// Each wanted by all endpoints.
    pub(super) events: Vec<Accepted>,
    pub(super) endpoints: u32,
    pub(super) took: Duration,
    pub(super) disk_bytes: u64,
}

impl Pile {
    /// Makes at least as many deliveries as are wanted, by batches of events.
    pub(super) fn make(conditions: &Conditions) -> Result<Self, BenchError> {
        let sizes = &conditions.sizes;
        let endpoints = sizes.pending_endpoints;
        let place = ReservedAddresses::reserve(endpoints.min(MOST_HOSTS))?;
        let gateway = Gateway::open(conditions, 1)?;
        let endpoint = |index| {
            json!({
                "url": place.urls().of(index),
                "events": [type_of(MEASURED, 0)],
                "retry": { "schedule": vec![RETRY_AFTER; RETRIES] },
            })
        };
        gateway.register((0..endpoints).map(endpoint).collect())?;
        let events = sizes.pending.div_ceil(endpoints.into());
        output::tell(&format!("{events} events for {endpoints} endpoints that are down"));
        let disk_before = gateway.bytes_on_disk()?;
        let load = gateway.pour(sizes, MEASURED, events)?;
        let disk_bytes = gateway.bytes_on_disk()?.saturating_sub(disk_before);
        Ok(Self { gateway, place, events: load.accepted, endpoints, took: load.ended - load.began, disk_bytes })
    }

    pub(super) fn deliveries(&self) -> f64 {
        self.events.len() as f64 * f64::from(self.endpoints)
    }
}
