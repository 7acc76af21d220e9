//! *fan-out*: one event that many endpoints want, each on a host of its own. The time until the last of them has it.

use std::time::Duration;

use serde_json::json;

use super::outcome::Outcome;
use crate::conditions::Conditions;
use crate::event::{MEASURED, type_of};
use crate::figure::{Figures, Goal};
use crate::gateway::Gateway;
use crate::latency::Latencies;
use crate::others::Others;
use crate::sink::{Sink, all_well};
use crate::{BenchError, census, output};

/// The result of one event.
struct Round {
    took: Duration,
    lost: u64,
    doubled: u64,
}

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let (endpoints, rounds) = (conditions.sizes.fan_out, conditions.sizes.rounds);
    output::tell(&format!("fan-out: {rounds} events, {endpoints} endpoints each"));
    let gateway = Gateway::open(conditions, 1)?;
    let sink = conditions.sink(endpoints, all_well)?;
    let wants = |endpoint| json!({ "url": sink.url(endpoint), "events": [type_of(MEASURED, 0)] });
    gateway.register((0..endpoints).map(wants).collect())?;

    let first = round(conditions, &gateway, &sink)?;
    let (before, others) = (gateway.at_rest()?, Others::watch()?);
    let mut latencies = Latencies::new();
    let (mut lost, mut doubled) = (first.lost, first.doubled);
    for _ in 0..rounds {
        let round = round(conditions, &gateway, &sink)?;
        latencies.record(round.took);
        lost += round.lost;
        doubled += round.doubled;
        gateway.at_rest()?;
    }
    let spent = gateway.at_rest()?.since(before).all();

    let quantiles = latencies.quantiles();
    let deliveries = f64::from(rounds) * f64::from(endpoints);
    let mut figures = Figures::of("fan-out");
    figures.tell("accepted → received by all, the first time (no connections yet)", millis(first.took), "ms");
    figures.aim("accepted → received by all, median", quantiles.p50_ms, "ms", Goal::AtMost(150.0));
    figures.tell("accepted → received by all, longest", quantiles.max_ms, "ms");
    figures.tell("processor time a delivery", spent.as_secs_f64() * 1e6 / deliveries, "µs");
    figures.others(others.percent(spent)?);
    figures.tell("peak memory (RSS)", gateway.peak_rss_bytes()? as f64 / 1e6, "MB");
    figures.deliveries(lost, doubled);
    Ok(Outcome::of_figures(figures, lost))
}

fn round(conditions: &Conditions, gateway: &Gateway, sink: &Sink) -> Result<Round, BenchError> {
    sink.clear();
    let accepted = gateway.send_one(&conditions.sizes)?;
    let census = census::of(sink, &[accepted], conditions.sizes.fan_out);
    let last = census.last.unwrap_or(accepted.answered);
    Ok(Round { took: last.saturating_duration_since(accepted.answered), lost: census.lost, doubled: census.doubled })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
