//! *steady*: one endpoint, open loop. Latencies at a rate that leaves room.

use super::outcome::Outcome;
use crate::BenchError;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::load::LoadModel;
use crate::trial::{self, Course};

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let pace = LoadModel::Open { per_second: conditions.sizes.rate };
    let trial = trial::run(conditions, &Course::plain("steady", pace, conditions.duration()))?;
    let mut figures = Figures::of("steady");
    figures.aim("POST → received, p50", trial.post_to_received.p50_ms, "ms", Goal::AtMost(2.0));
    figures.aim("POST → received, p99", trial.post_to_received.p99_ms, "ms", Goal::AtMost(10.0));
    Ok(Outcome::of_trials(vec![trial], figures))
}
