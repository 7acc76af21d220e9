//! A scenario's outcome: trials, figures and losses.

use crate::figure::{Figure, Figures};
use crate::trial::Trial;

/// The result of one run of a scenario.
pub(crate) struct Outcome {
    pub(crate) trials: Vec<Trial>,
    pub(crate) figures: Vec<Figure>,
    /// Deliveries that were accepted and did not arrive.
    pub(crate) lost: u64,
}

impl Outcome {
    pub(super) fn of_trials(trials: Vec<Trial>, figures: Figures) -> Self {
        let lost = trials.iter().map(|trial| trial.events.lost).sum();
        Self { trials, figures: figures.all(), lost }
    }

    pub(super) fn of_figures(figures: Figures, lost: u64) -> Self {
        Self { trials: Vec::new(), figures: figures.all(), lost }
    }
}
