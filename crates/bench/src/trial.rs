//! One scenario against one fresh server: warm up, measure, wait for the last delivery, check that none is missing.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::bare::Bare;
use crate::latency::Quantiles;
use crate::load::{self, Load, Pace, Plan};
use crate::others::Others;
use crate::reckoning::{Arrivals, Reckoning, received};
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
    /// That, set against a bare signed POST of the same run.
    pub(crate) times_bare: f64,
    pub(crate) load_processor_us_per_event: f64,
    pub(crate) receiver_processor_us_per_event: f64,
    /// Of all cores' time.
    pub(crate) others_percent: f64,
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

/// What one server did, before anything is divided.
struct Measured {
    warm_up: Load,
    load: Load,
    arrivals: Arrivals,
    doubled: u64,
    server_time: Duration,
    receiver_time: Duration,
    others_percent: f64,
    peak_rss_bytes: u64,
    disk_bytes: u64,
}

pub(crate) fn run(name: &'static str, conditions: &Conditions<'_>, bare: &Bare, pace: Pace) -> Result<Trial, Failure> {
    let mut server = Server::start(conditions.binary, conditions.work_dir)?;
    output::tell(&format!("{name}: server {} at {}", server.pid(), server.address()));
    let measured = measure(&mut server, conditions, pace)?;
    if measured.load.accepted.is_empty() {
        let refusal = measured.load.first_refusal.unwrap_or_else(|| "there was no time".to_owned());
        return Err(server.complaint(&format!("accepted nothing: {refusal}")));
    }
    Ok(Trial::of(name, measured, bare, pace))
}

fn measure(server: &mut Server, conditions: &Conditions<'_>, pace: Pace) -> Result<Measured, Failure> {
    let sink = conditions.sink;
    sink.clear();
    server.register(&sink.url())?;
    let plan = Plan {
        address: server.address(),
        key: server.sending_key()?,
        pace,
        connections: conditions.connections,
        event_bytes: conditions.event_bytes,
        duration: conditions.warm_up,
    };
    let under_load = |plan| load::run(plan).map_err(|error| server.complaint(&format!("failed under load: {error}")));
    let disk_before = server.bytes_on_disk()?;
    let warm_up = under_load(plan.clone())?;
    sink.wait_for(warm_up.accepted.len());

    let (server_before, receiver_before) = (server.at_rest()?, sink.processor_time()?);
    let others = Others::watch()?;
    let load = under_load(Plan { duration: conditions.duration, ..plan })?;
    let arrivals = received(sink, &warm_up.accepted.iter().chain(&load.accepted));
    let (server_after, receiver_after) = (server.at_rest()?, sink.processor_time()?);

    let server_time = server_after.saturating_sub(server_before);
    let others_percent = others.percent(server_time)?;
    let peak_rss_bytes = server.peak_rss_bytes()?;
    server.stop()?;
    Ok(Measured {
        doubled: (sink.count() - arrivals.first.len()) as u64,
        disk_bytes: server.bytes_on_disk()?.saturating_sub(disk_before),
        server_time,
        receiver_time: receiver_after.saturating_sub(receiver_before),
        others_percent,
        warm_up,
        load,
        arrivals,
        peak_rss_bytes,
    })
}

impl Trial {
    fn of(name: &'static str, measured: Measured, bare: &Bare, pace: Pace) -> Self {
        let Measured { warm_up, load, arrivals, .. } = measured;
        let reckoning = Reckoning::of(&load, &arrivals.first);
        let per_event = |time: Duration| time.as_secs_f64() * 1e6 / load.accepted.len() as f64;
        let accepted = warm_up.accepted.len() + load.accepted.len();
        let processor_us_per_event = per_event(measured.server_time);
        Self {
            name,
            offered_per_second: pace.per_second(),
            accepted_per_second: reckoning.accepted_per_second,
            delivered_per_second: reckoning.delivered_per_second,
            processor_us_per_event,
            times_bare: processor_us_per_event / bare.processor_us_per_request,
            load_processor_us_per_event: per_event(load.processor_time),
            receiver_processor_us_per_event: per_event(measured.receiver_time),
            others_percent: measured.others_percent,
            post_to_202: reckoning.post_to_202,
            accepted_to_received: reckoning.accepted_to_received,
            post_to_received: reckoning.post_to_received,
            peak_rss_bytes: measured.peak_rss_bytes,
            disk_bytes_per_event: measured.disk_bytes as f64 / accepted as f64,
            events: Events {
                accepted: accepted as u64,
                refused: warm_up.refused + load.refused,
                first_refusal: warm_up.first_refusal.or(load.first_refusal),
                lost: arrivals.lost,
                doubled: measured.doubled,
            },
        }
    }
}
