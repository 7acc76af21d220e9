//! *aftermath*: few events a second, in the half minute just after a great many: the work that the database still does
//! behind them.

use std::time::Duration;

use serde_json::json;

use super::outcome::Outcome;
use crate::conditions::Conditions;
use crate::event::{MEASURED, type_of};
use crate::figure::{Figures, Goal};
use crate::gateway::Gateway;
use crate::load::{self, LoadModel, Plan, Until};
use crate::reckoning::{Reckoning, received};
use crate::sink::all_well;
use crate::{BenchError, output};

/// Beginning of the types of the events before, which are delivered before it begins.
const FAMILY: &str = "before";

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let sizes = &conditions.sizes;
    let gateway = Gateway::open(conditions, 1)?;
    let sink = conditions.sink(1, all_well)?;
    gateway.register(vec![json!({ "url": sink.url(0), "events": [type_of(MEASURED, 0), type_of(FAMILY, 0)] })])?;
    output::tell(&format!("aftermath: {} events, and then {} a second", sizes.before, sizes.aftermath_rate));
    let before = gateway.pour(sizes, FAMILY, sizes.before)?;
    let arrived = received(&sink, &before.accepted.iter());
    let plan = Plan {
        pace: LoadModel::Open { per_second: sizes.aftermath_rate },
        ..gateway.plan(sizes, MEASURED, Until::After(Duration::from_secs(sizes.aftermath_seconds.into())))
    };
    let load = load::run(plan).map_err(|error| gateway.complaint(&format!("failed under load: {error}")))?;
    if let Some(refusal) = &load.first_refusal {
        return Err(gateway.complaint(&format!("refused events: {refusal}")));
    }
    let arrivals = received(&sink, &load.accepted.iter());
    let reckoning = Reckoning::of(&load, &arrivals.first);
    let mut figures = Figures::of("aftermath");
    figures.tell("events before", sizes.before as f64, "");
    figures.tell("POST → 202, p50", reckoning.post_to_202.p50_ms, "ms");
    figures.aim("POST → 202, p99", reckoning.post_to_202.p99_ms, "ms", Goal::AtMost(20.0));
    figures.tell("POST → 202, longest", reckoning.post_to_202.max_ms, "ms");
    figures.tell("POST → received, p99", reckoning.post_to_received.p99_ms, "ms");
    let lost = arrived.lost + arrivals.lost;
    figures.deliveries(lost, (sink.count() - arrivals.first.len()) as u64);
    Ok(Outcome::of_figures(figures, lost))
}
