//! *shares*: what one project feels while another misbehaves, one way after the other, everything at its defaults.

use std::time::Duration;

use super::Outcome;
use super::pairs::Pairs;
use crate::Failure;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::load::Pace;
use crate::misdeed::Misdeed;
use crate::trial::{self, Course, Trial};

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, Failure> {
    let mut figures = Figures::of("shares");
    let mut trials = Vec::new();
    for misdeed in Misdeed::ALL {
        let course = |beside: Option<Misdeed>| Course {
            beside,
            ..Course::plain(
                format!("shares: {}", beside.map_or("undisturbed", Misdeed::name)),
                Pace::Open { per_second: conditions.sizes.shares_rate },
                Duration::from_secs(conditions.sizes.shares_seconds.into()),
            )
        };
        let run = |beside| trial::run(conditions, &course(beside));
        let pairs = Pairs::run(|_| run(None), |_| run(Some(misdeed)))?;
        let measure = |what: &str| format!("{}: {what} of another project (POST → received) ÷ without", misdeed.name());
        let p99 = |trial: &Trial| trial.post_to_received.p99_ms;
        pairs.aim(&measure("p99"), p99, Goal::AtMost(1.2), &mut figures);
        pairs.tell(&measure("p50"), |trial| trial.post_to_received.p50_ms, &mut figures);
        trials.extend(pairs.into_trials());
    }
    Ok(Outcome::of_trials(trials, figures))
}
