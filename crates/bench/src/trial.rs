//! A load on a gateway, each event for one endpoint: warm up, measure, wait for the last delivery, check that none is
//! missing.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::bare;
use crate::conditions::Conditions;
use crate::event::{MEASURED, type_of};
use crate::gateway::{Gateway, Spent};
use crate::held::Held;
use crate::latency::Quantiles;
use crate::load::{self, Load, LoadModel, Plan, Until};
use crate::misdeed::Prepared;
use crate::misdeed::kind::Misdeed;
use crate::others::Others;
use crate::reckoning::{Arrivals, Reckoning, received};
use crate::sink::{self, Manners, Sink};
use crate::{BenchError, output};

/// The plan of a trial.
pub(crate) struct Course {
    pub(crate) name: String,
    pub(crate) nodes: u32,
    pub(crate) pace: LoadModel,
    pub(crate) batch: Option<u32>,
    /// Beginning of the types of its events.
    pub(crate) family: &'static str,
    /// Endpoints, each on a host of its own, for a kind of events of its own.
    pub(crate) endpoints: u32,
    pub(crate) manners: Manners,
    /// Selects the endpoints that count: events for the others are sent, but neither awaited nor timed.
    pub(crate) timed: fn(u32) -> bool,
    pub(crate) duration: Duration,
    /// The misdeed of another project meanwhile.
    pub(crate) beside: Option<Misdeed>,
    /// True if the other project has a server and a database of its own.
    pub(crate) apart: bool,
}

impl Course {
    /// A trial with one node, one endpoint, one event a request.
    pub(crate) fn plain(name: impl Into<String>, pace: LoadModel, duration: Duration) -> Self {
        Self {
            name: name.into(),
            nodes: 1,
            pace,
            batch: None,
            family: MEASURED,
            endpoints: 1,
            manners: sink::all_well,
            timed: |_| true,
            duration,
            beside: None,
            apart: false,
        }
    }
}

/// The result of a trial. Rates, latencies and processor times are of the time after the warm-up.
#[derive(Serialize)]
pub(crate) struct Trial {
    pub(crate) name: String,
    /// The rate of an open loop.
    pub(crate) offered_per_second: Option<u32>,
    pub(crate) accepted_per_second: f64,
    pub(crate) delivered_per_second: f64,
    /// Of the servers' processes, from the first POST until they were at rest again.
    pub(crate) processor_us_per_event: f64,
    /// Of a bare signed POST, just before and just after. The machine changes within a run.
    pub(crate) bare_processor_us: f64,
    /// The servers' time as a multiple of that.
    pub(crate) times_bare: f64,
    /// Of PostgreSQL's processes.
    pub(crate) database_processor_us_per_event: Option<f64>,
    pub(crate) load_processor_us_per_event: f64,
    pub(crate) receiver_processor_us_per_event: f64,
    /// Share of all cores' time that others took.
    pub(crate) others_percent: f64,
    pub(crate) post_to_202: Quantiles,
    pub(crate) accepted_to_received: Quantiles,
    pub(crate) post_to_received: Quantiles,
    /// The times for which commits held those that wait for the next one, from the servers' start to their end.
    pub(crate) held: Option<Held>,
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

/// The work of the servers, before anything is divided.
struct Measured {
    warm_up: Load,
    load: Load,
    arrivals: Arrivals,
    doubled: u64,
    spent: Spent,
    receiver_time: Duration,
    others_percent: f64,
    held: Option<Held>,
    peak_rss_bytes: u64,
    disk_bytes: u64,
}

/// Runs a trial on fresh servers and an empty database.
pub(crate) fn run(conditions: &Conditions, course: &Course) -> Result<Trial, BenchError> {
    run_on(&mut Gateway::open(conditions, course.nodes)?, conditions, course)
}

/// Runs a trial on servers that are running already. They are stopped at the end.
pub(crate) fn run_on(gateway: &mut Gateway, conditions: &Conditions, course: &Course) -> Result<Trial, BenchError> {
    let before = bare::run(conditions)?;
    output::tell(&format!("{}: {} s", course.name, course.duration.as_secs()));
    let sink = conditions.sink(course.endpoints, course.manners)?;
    let measured = measure(gateway, conditions, course, &sink)?;
    let after = bare::run(conditions)?;
    let bare_processor_us = f64::midpoint(before.processor_us_per_request, after.processor_us_per_request);
    Ok(Trial::of(measured, bare_processor_us, course))
}

fn measure(
    gateway: &mut Gateway,
    conditions: &Conditions,
    course: &Course,
    sink: &Sink,
) -> Result<Measured, BenchError> {
    let mut other = course.apart.then(|| Gateway::open(conditions, 1)).transpose()?;
    let prepared = prepared(other.as_mut().unwrap_or(gateway), conditions, course)?;
    let endpoint = |kind| json!({ "url": sink.url(kind), "events": [type_of(course.family, kind)] });
    gateway.register((0..course.endpoints).map(endpoint).collect())?;
    let plan = Plan {
        kinds: course.endpoints,
        pace: course.pace,
        batch: course.batch,
        ..gateway.plan(&conditions.sizes, course.family, Until::After(conditions.warm_up()))
    };
    let timed = |accepted: &&load::Accepted| (course.timed)(accepted.kind);
    let under_load = |plan| load::run(plan).map_err(|error| gateway.complaint(&format!("failed under load: {error}")));
    let disk_before = gateway.bytes_on_disk()?;
    let warm_up = under_load(plan.clone())?;
    received(sink, &warm_up.accepted.iter().filter(timed));

    let mut beside =
        prepared.map(|prepared| prepared.begin(other.as_ref().unwrap_or(gateway).address())).transpose()?;
    let (before, receiver_before) = (gateway.at_rest()?, sink.processor_time()?);
    let others = Others::watch()?;
    let load = under_load(Plan { until: Until::After(course.duration), ..plan })?;
    if load.accepted.is_empty() {
        let refusal = load.first_refusal.as_deref().unwrap_or("there was no time");
        return Err(gateway.complaint(&format!("accepted nothing: {refusal}")));
    }
    let arrivals = received(sink, &warm_up.accepted.iter().chain(&load.accepted).filter(timed));
    if let Some(beside) = &mut beside {
        beside.end().map_err(|error| gateway.complaint(&format!("was not misused as planned: {error}")))?;
    }
    let spent = gateway.at_rest()?.since(before);
    let receiver_time = sink.processor_time()?.saturating_sub(receiver_before);

    let others_percent = others.percent(spent.all())?;
    let peak_rss_bytes = gateway.peak_rss_bytes()?;
    gateway.stop()?;
    Ok(Measured {
        doubled: (sink.count() - arrivals.first.len()) as u64,
        disk_bytes: gateway.bytes_on_disk()?.saturating_sub(disk_before),
        held: gateway.held()?,
        spent,
        receiver_time,
        others_percent,
        warm_up,
        load,
        arrivals,
        peak_rss_bytes,
    })
}

/// Prepares another project's misdeed. The server is started again afterwards: its figures about commits are of the
/// time of the misdeed, and not of the preparation.
fn prepared(gateway: &mut Gateway, conditions: &Conditions, course: &Course) -> Result<Option<Prepared>, BenchError> {
    let Some(misdeed) = course.beside else { return Ok(None) };
    let prepared = misdeed.prepare(gateway, conditions);
    let prepared = prepared.map_err(|error| gateway.complaint(&format!("did not take a misdeed: {error}")))?;
    gateway.restart()?;
    Ok(Some(prepared))
}

impl Trial {
    fn of(measured: Measured, bare_processor_us: f64, course: &Course) -> Self {
        let Measured { warm_up, load, arrivals, spent, .. } = measured;
        let reckoning = Reckoning::of(&load, &arrivals.first);
        let per_event = |time: Duration| time.as_secs_f64() * 1e6 / load.accepted.len() as f64;
        let accepted = warm_up.accepted.len() + load.accepted.len();
        let processor_us_per_event = per_event(spent.servers);
        Self {
            name: course.name.clone(),
            offered_per_second: course.pace.per_second(),
            accepted_per_second: reckoning.accepted_per_second,
            delivered_per_second: reckoning.delivered_per_second,
            processor_us_per_event,
            bare_processor_us,
            times_bare: processor_us_per_event / bare_processor_us,
            database_processor_us_per_event: spent.database.map(per_event),
            load_processor_us_per_event: per_event(load.processor_time),
            receiver_processor_us_per_event: per_event(measured.receiver_time),
            others_percent: measured.others_percent,
            post_to_202: reckoning.post_to_202,
            accepted_to_received: reckoning.accepted_to_received,
            post_to_received: reckoning.post_to_received,
            held: measured.held,
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

    /// Processor time with the database's, where it has processes of its own.
    pub(crate) fn all_processor_us_per_event(&self) -> f64 {
        self.processor_us_per_event + self.database_processor_us_per_event.unwrap_or_default()
    }
}
