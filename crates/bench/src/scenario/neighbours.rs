//! *neighbours*: many endpoints, an event a second for each, open loop. What the well feel when some hang and some fail.

use std::time::Duration;

use super::Outcome;
use crate::Failure;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::load::Pace;
use crate::sink::{Manner, Manners, all_well};
use crate::trial::{self, Course, Trial};

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, Failure> {
    let course = |name: &str, manners: Manners| Course {
        endpoints: conditions.sizes.neighbours,
        manners,
        // The same ones in all runs.
        timed: |endpoint| some_bad(endpoint) == Manner::Well,
        ..Course::plain(
            name,
            Pace::Open { per_second: conditions.sizes.neighbours_rate },
            Duration::from_secs(conditions.sizes.neighbours_seconds.into()),
        )
    };
    let well = |name| trial::run(conditions, &course(name, all_well));
    let bad = |name| trial::run(conditions, &course(name, some_bad));
    // A machine that gets faster or slower meanwhile does so for both.
    let trials = [
        well("neighbours: all well")?,
        bad("neighbours: 1 % hang, 1 % fail")?,
        bad("neighbours: 1 % hang, 1 % fail, again")?,
        well("neighbours: all well, again")?,
    ];
    let ratio = |of: fn(&Trial) -> f64| {
        let [well, bad, bad_again, well_again] = trials.each_ref().map(of);
        (bad + bad_again) / (well + well_again)
    };
    let mut figures = Figures::of("neighbours");
    let p99 = ratio(|trial| trial.post_to_received.p99_ms);
    figures.aim("p99 of the well (POST → received) ÷ without the bad", p99, "", Goal::AtMost(1.2));
    let p50 = ratio(|trial| trial.post_to_received.p50_ms);
    figures.tell("p50 of the well (POST → received) ÷ without the bad", p50, "");
    let p99 = ratio(|trial| trial.accepted_to_received.p99_ms);
    figures.tell("p99 of the well (accepted → received) ÷ without the bad", p99, "");
    Ok(Outcome::of_trials(trials.into(), figures))
}

/// Of a hundred endpoints one hangs and one fails.
fn some_bad(endpoint: u32) -> Manner {
    match endpoint % 100 {
        25 => Manner::Hangs,
        75 => Manner::Fails,
        _ => Manner::Well,
    }
}
