//! *neighbours*: many endpoints, an event a second for each, open loop. What the well feel when some hang and some fail.

use std::time::Duration;

use super::Outcome;
use crate::Failure;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::load::Pace;
use crate::sink::{Manner, Manners, all_well};
use crate::trial::{self, Course, Trial};

/// The machine is quick at times and slow at others. Most pairs fall into one of them whole, and the median is one of those.
/// An odd number.
const PAIRS: usize = 5;

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
    let pair = |number: usize| {
        let well = || trial::run(conditions, &course(&format!("neighbours {number}: all well"), all_well));
        let bad = || trial::run(conditions, &course(&format!("neighbours {number}: 1 % hang, 1 % fail"), some_bad));
        // By turns one is first and the other.
        if number.is_multiple_of(2) {
            let bad = bad()?;
            Ok(Pair { well: well()?, bad })
        } else {
            Ok(Pair { well: well()?, bad: bad()? })
        }
    };
    let pairs = (1..=PAIRS).map(pair).collect::<Result<Vec<_>, Failure>>()?;

    let mut figures = Figures::of("neighbours");
    let p99 = ratios(&pairs, |trial| trial.post_to_received.p99_ms);
    let [least, most] = [p99[0], p99[PAIRS - 1]];
    figures.aim("p99 of the well (POST → received) ÷ without the bad", median(&p99), "", Goal::AtMost(1.2));
    figures.tell("least of the pairs", least, "");
    figures.tell("most of the pairs", most, "");
    let p50 = ratios(&pairs, |trial| trial.post_to_received.p50_ms);
    figures.tell("p50 of the well (POST → received) ÷ without the bad", median(&p50), "");
    let p99 = ratios(&pairs, |trial| trial.accepted_to_received.p99_ms);
    figures.tell("p99 of the well (accepted → received) ÷ without the bad", median(&p99), "");
    let trials = pairs.into_iter().flat_map(|Pair { well, bad }| [well, bad]).collect();
    Ok(Outcome::of_trials(trials, figures))
}

/// Two runs next to each other.
struct Pair {
    well: Trial,
    bad: Trial,
}

/// The bad ÷ the well of each pair, the least first.
fn ratios(pairs: &[Pair], of: fn(&Trial) -> f64) -> Vec<f64> {
    let mut ratios: Vec<f64> = pairs.iter().map(|pair| of(&pair.bad) / of(&pair.well)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Of a hundred endpoints one hangs and one fails.
fn some_bad(endpoint: u32) -> Manner {
    match endpoint % 100 {
        25 => Manner::Hangs,
        75 => Manner::Fails,
        _ => Manner::Well,
    }
}
