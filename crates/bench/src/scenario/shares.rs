//! *shares*: the effect on one project while another misbehaves, one way after the other, everything at its defaults.

use std::time::Duration;

use super::outcome::Outcome;
use super::pairs::Pairs;
use crate::conditions::Conditions;
use crate::figure::{Figures, Goal};
use crate::load::LoadModel;
use crate::misdeed::kind::Misdeed;
use crate::trial::{self, Course, Trial};
use crate::{BenchError, output};

/// Maximum p99 of one project beside another that misbehaves at the same server, divided by its p99 undisturbed.
const MOST: f64 = 1.2;

/// Maximum time that commits may hold others at p99, in milliseconds.
const LONGEST_HELD: f64 = 20.0;

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let mut figures = Figures::of("shares");
    let mut trials = Vec::new();
    for misdeed in conditions.sizes.misdeeds() {
        let pairs = Pairs::run(
            conditions.pairs(),
            |_| trial::run(conditions, &course(conditions, None)),
            |_| trial::run(conditions, &course(conditions, Some(misdeed))),
        )?;
        tell(misdeed, &pairs, conditions.sizes.shares_apart, &mut figures);
        trials.extend(pairs.into_trials());
    }
    Ok(Outcome::of_trials(trials, figures))
}

fn course(conditions: &Conditions, beside: Option<Misdeed>) -> Course {
    Course {
        apart: beside.is_some() && conditions.sizes.shares_apart,
        beside,
        ..Course::plain(
            format!("shares: {}", beside.map_or("undisturbed", Misdeed::name)),
            LoadModel::Open { per_second: conditions.sizes.shares_rate },
            Duration::from_secs(conditions.sizes.shares_seconds.into()),
        )
    }
}

fn tell(misdeed: Misdeed, pairs: &Pairs, apart: bool, figures: &mut Figures) {
    let name = if apart { format!("{}, apart", misdeed.name()) } else { misdeed.name().to_owned() };
    let p50 = |trial: &Trial| trial.post_to_received.p50_ms;
    let p99 = |trial: &Trial| trial.post_to_received.p99_ms;
    let ratio = |quantile: &str| format!("{name}: {quantile} of another project (POST → received) ÷ without");
    if apart {
        pairs.tell(&ratio("p99"), p99, figures);
    } else {
        pairs.aim(&ratio("p99"), p99, Goal::AtMost(MOST), figures);
    }
    pairs.tell(&ratio("p50"), p50, figures);
    let both = |quantile: &str| ["undisturbed", "beside it"].map(|when| format!("{name}: {quantile} {when}"));
    pairs.tell_both(both("p99"), p99, "ms", figures);
    pairs.tell_both(both("p50"), p50, "ms", figures);
    // A refused event is not late, so the figures above would not show it.
    if let Some(refused) = pairs.most(|trial| Some(trial.events.refused as f64)) {
        figures.aim(format!("{name}: events of another project that were refused"), refused, "", Goal::AtMost(0.0));
    }
    let held = [pairs.most(|trial| Some(trial.held?.p99_ms)), pairs.most(|trial| Some(trial.held?.longest_ms))];
    if let [Some(p99), Some(longest)] = held {
        figures.aim(format!("{name}: commits hold others, p99"), p99, "ms", Goal::AtMost(LONGEST_HELD));
        figures.tell(format!("{name}: commits hold others, longest"), longest, "ms");
    } else {
        output::tell("the server does not say how long its commits held others: no figure of that");
    }
}
