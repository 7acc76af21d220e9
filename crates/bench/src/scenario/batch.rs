//! *batch*: one endpoint, closed loop, many events a request. Rates at which events are taken in and delivered.

use super::outcome::Outcome;
use crate::BenchError;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::load::LoadModel;
use crate::trial::{self, Course};

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let plain = Course::plain("batch", LoadModel::Closed, conditions.duration());
    let trial = trial::run(conditions, &Course { batch: Some(conditions.sizes.batch), ..plain })?;
    let mut figures = Figures::of("batch");
    figures.aim("accepted events", trial.accepted_per_second, "/s", Goal::AtLeast(40_000.0));
    figures.tell("delivered events, all the while and after", trial.delivered_per_second, "/s");
    Ok(Outcome::of_trials(vec![trial], figures))
}
