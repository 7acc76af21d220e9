//! *neighbours*: many endpoints, an event a second for each, open loop. The effect on the well when some hang and some
//! fail.

use std::time::Duration;

use super::outcome::Outcome;
use super::pairs::Pairs;
use crate::BenchError;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::load::LoadModel;
use crate::sink::{Manner, Manners, all_well};
use crate::trial::{self, Course};

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let course = |name: &str, manners: Manners| Course {
        endpoints: conditions.sizes.neighbours,
        manners,
        // The same endpoints in all runs.
        timed: |endpoint| some_bad(endpoint) == Manner::Well,
        ..Course::plain(
            name,
            LoadModel::Open { per_second: conditions.sizes.neighbours_rate },
            Duration::from_secs(conditions.sizes.neighbours_seconds.into()),
        )
    };
    let pairs = Pairs::run(
        conditions.pairs(),
        |_| trial::run(conditions, &course("neighbours: all well", all_well)),
        |_| trial::run(conditions, &course("neighbours: 1 % hang, 1 % fail", some_bad)),
    )?;
    let mut figures = Figures::of("neighbours");
    let measure = "p99 of the well (POST → received) ÷ without the bad";
    pairs.aim(measure, |trial| trial.post_to_received.p99_ms, Goal::AtMost(1.2), &mut figures);
    let measure = "p50 of the well (POST → received) ÷ without the bad";
    pairs.tell(measure, |trial| trial.post_to_received.p50_ms, &mut figures);
    let measure = "p99 of the well (accepted → received) ÷ without the bad";
    pairs.tell(measure, |trial| trial.accepted_to_received.p99_ms, &mut figures);
    Ok(Outcome::of_trials(pairs.into_trials(), figures))
}

/// Of a hundred endpoints one hangs and one fails.
fn some_bad(endpoint: u32) -> Manner {
    match endpoint % 100 {
        25 => Manner::Hangs,
        75 => Manner::Fails,
        _ => Manner::Well,
    }
}
