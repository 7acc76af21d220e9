//! *idle*: a server with many endpoints and nothing to do.

use std::time::Duration;

use serde_json::json;

use super::outcome::Outcome;
use crate::conditions::Conditions;
use crate::event::{MEASURED, type_of};
use crate::figure::{Figures, Goal};
use crate::gateway::Gateway;
use crate::others::Others;
use crate::sink::all_well;
use crate::{BenchError, census, clock, output};

/// Wait after the last delivery, until connections that are not used are closed, all is written, and retention has
/// looked for the first time, a minute after the start: the first reader after a write leaves a mark, a page of the
/// log's index.
const SETTLES: Duration = Duration::from_secs(75);

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let sizes = &conditions.sizes;
    output::tell(&format!("idle: {} endpoints, {} s", sizes.idle_endpoints, sizes.idle_seconds));
    let gateway = Gateway::open(conditions, 1)?;
    let sink = conditions.sink(1, all_well)?;
    let endpoint = |index| json!({ "url": sink.url(index), "events": [type_of(MEASURED, 0)] });
    gateway.register((0..sizes.idle_endpoints).map(endpoint).collect())?;
    // Each endpoint has had something to do, once.
    let accepted = gateway.send_one(sizes)?;
    let census = census::of(&sink, &[accepted], sizes.idle_endpoints);
    clock::wait(SETTLES);
    gateway.at_rest()?;

    let (others, before, written_before) = (Others::watch()?, gateway.spent()?, gateway.written_bytes()?);
    let began = clock::now();
    clock::wait(Duration::from_secs(sizes.idle_seconds.into()));
    let (spent, written, took) = (gateway.spent()?.since(before), gateway.written_bytes()?, began.elapsed());

    let share = |time: Duration| 100.0 * time.as_secs_f64() / took.as_secs_f64();
    let mut figures = Figures::of("idle");
    figures.aim("share of a core", share(spent.servers), "%", Goal::AtMost(0.2));
    figures.aim("written to the disk", (written.0 - written_before.0) as f64, "bytes", Goal::AtMost(0.0));
    if let Some(database) = spent.database {
        figures.tell("database's share of a core", share(database), "%");
    }
    if let (Some(after), Some(before)) = (written.1, written_before.1) {
        figures.tell("written to the disk by the database", after.saturating_sub(before) as f64, "bytes");
    }
    figures.others(others.percent(spent.all())?);
    figures.tell("peak memory (RSS)", gateway.peak_rss_bytes()? as f64 / 1e6, "MB");
    figures.deliveries(census.lost, census.doubled);
    Ok(Outcome::of_figures(figures, census.lost))
}
