//! One scenario against one fresh server: warm up, measure, wait for the last delivery, check that none is missing.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::latency::Quantiles;
use crate::load::{self, Load, Pace, Plan};
use crate::reckoning::{Reckoning, received};
use crate::server::Server;
use crate::sink::Sink;
use crate::{Failure, output};

/// What all scenarios of a run share.
pub(crate) struct Conditions<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) work_dir: &'a Path,
    pub(crate) sink: &'a Sink,
    pub(crate) connections: u32,
    pub(crate) event_bytes: u32,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

/// What was measured. Rates, latencies and processor times are of the time after the warm-up.
#[derive(Serialize)]
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    /// Of an open loop.
    pub(crate) offered_per_second: Option<u32>,
    pub(crate) accepted_per_second: f64,
    pub(crate) delivered_per_second: f64,
    /// Of the server's process, from the first POST until it was at rest again.
    pub(crate) processor_us_per_event: f64,
    pub(crate) load_processor_us_per_event: f64,
    pub(crate) receiver_processor_us_per_event: f64,
    pub(crate) post_to_202: Quantiles,
    pub(crate) accepted_to_received: Quantiles,
    pub(crate) post_to_received: Quantiles,
    pub(crate) peak_rss_bytes: u64,
    /// After an orderly stop.
    pub(crate) disk_bytes_per_event: f64,
    pub(crate) events: Events,
}

/// All events of a trial, the warm-up's included.
#[derive(Serialize)]
pub(crate) struct Events {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<String>,
    pub(crate) lost: u64,
    /// Arrivals of an event after its first.
    pub(crate) doubled: u64,
}

/// Processor time until now, of all three.
struct Spent {
    server: Duration,
    receiver: Duration,
}

pub(crate) fn run(name: &'static str, conditions: &Conditions<'_>, pace: Pace) -> Result<Trial, Failure> {
    let sink = conditions.sink;
    sink.clear();
    let mut server = Server::start(conditions.binary, conditions.work_dir)?;
    output::tell(&format!("{name}: server {} at {}", server.pid(), server.address()));
    server.register(&sink.url())?;
    let plan = Plan {
        address: server.address(),
        key: server.sending_key()?,
        pace,
        connections: conditions.connections,
        event_bytes: conditions.event_bytes,
        duration: conditions.warm_up,
    };
    let disk_before = server.bytes_on_disk()?;
    let warm_up = load::run(plan.clone())?;
    sink.wait_for(warm_up.accepted.len());

    let before = Spent { server: server.at_rest()?, receiver: sink.processor_time()? };
    let load = load::run(Plan { duration: conditions.duration, ..plan })?;
    let arrivals = received(sink, warm_up.accepted.iter().chain(&load.accepted));
    let after = Spent { server: server.at_rest()?, receiver: sink.processor_time()? };

    let peak_rss_bytes = server.peak_bytes()?;
    server.stop()?;
    let disk = server.bytes_on_disk()?.saturating_sub(disk_before);
    if load.accepted.is_empty() {
        let refusal = load.first_refusal.unwrap_or_else(|| "no answer".to_owned());
        return Err(server.complaint(&format!("accepted nothing ({refusal})")));
    }
    let reckoning = Reckoning::of(&load, &arrivals.first);
    let per_event = |time: Duration| time.as_secs_f64() * 1e6 / load.accepted.len() as f64;
    let accepted = warm_up.accepted.len() + load.accepted.len();
    Ok(Trial {
        name,
        offered_per_second: if let Pace::Open { per_second } = pace { Some(per_second) } else { None },
        accepted_per_second: reckoning.accepted_per_second,
        delivered_per_second: reckoning.delivered_per_second,
        processor_us_per_event: per_event(after.server.saturating_sub(before.server)),
        load_processor_us_per_event: per_event(load.processor_time),
        receiver_processor_us_per_event: per_event(after.receiver.saturating_sub(before.receiver)),
        post_to_202: reckoning.post_to_202,
        accepted_to_received: reckoning.accepted_to_received,
        post_to_received: reckoning.post_to_received,
        peak_rss_bytes,
        disk_bytes_per_event: disk as f64 / accepted as f64,
        events: Events {
            accepted: accepted as u64,
            refused: warm_up.refused + load.refused,
            first_refusal: first_refusal(warm_up, load),
            lost: arrivals.lost,
            doubled: arrivals.doubled,
        },
    })
}

fn first_refusal(warm_up: Load, load: Load) -> Option<String> {
    warm_up.first_refusal.or(load.first_refusal)
}
