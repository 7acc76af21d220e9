//! *single*: one endpoint, closed loop. Events a second that go through, and the cost of one.

use super::outcome::Outcome;
use crate::BenchError;
use crate::conditions::Conditions;
use crate::database::Choice;
use crate::figure::{Figures, Goal};
use crate::load::LoadModel;
use crate::trial::{self, Course};

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let trial = trial::run(conditions, &Course::plain("single", LoadModel::Closed, conditions.duration()))?;
    let mut figures = Figures::of("single");
    if conditions.database == Choice::Sqlite {
        figures.aim("delivered events", trial.delivered_per_second, "/s", Goal::AtLeast(20_000.0));
        figures.aim("processor time ÷ bare signed POST", trial.times_bare, "", Goal::AtMost(5.0));
    } else {
        let spent = trial.all_processor_us_per_event();
        figures.aim("delivered events", trial.delivered_per_second, "/s", Goal::AtLeast(6_000.0));
        figures.aim("processor time an event, with the database's", spent, "µs", Goal::AtMost(250.0));
    }
    Ok(Outcome::of_trials(vec![trial], figures))
}
