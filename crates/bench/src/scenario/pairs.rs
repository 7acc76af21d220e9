//! Two ways of the same load in runs next to each other, several times.
//!
//! A shared machine is quick at times and slow at others, for a minute or so. Most pairs of runs fall into one of them
//! whole, and the median of the pairs' ratios is one of those.

use crate::Failure;
use crate::figure::{Figures, Goal};
use crate::trial::Trial;

/// An odd number, so that the median is a pair's.
pub(super) const PAIRS: usize = 5;

pub(super) struct Pairs(Vec<Pair>);

struct Pair {
    plain: Trial,
    other: Trial,
}

impl Pairs {
    /// Runs both as often, each with the number of its pair. By turns one is first and the other.
    pub(super) fn run(
        mut plain: impl FnMut(usize) -> Result<Trial, Failure>,
        mut other: impl FnMut(usize) -> Result<Trial, Failure>,
    ) -> Result<Self, Failure> {
        let pair = |index: usize| {
            if index.is_multiple_of(2) {
                Ok(Pair { plain: plain(index)?, other: other(index)? })
            } else {
                let other = other(index)?;
                Ok(Pair { plain: plain(index)?, other })
            }
        };
        (0..PAIRS).map(pair).collect::<Result<_, Failure>>().map(Self)
    }

    /// Tells the median of the pairs' ratios, the other's ÷ the plain's.
    pub(super) fn tell(&self, measure: &str, of: impl Fn(&Trial) -> f64, figures: &mut Figures) {
        figures.tell(measure, median(&self.ratios(of)), "");
    }

    /// The same with a goal, and the least and the most beside it.
    pub(super) fn aim(&self, measure: &str, of: impl Fn(&Trial) -> f64, goal: Goal, figures: &mut Figures) {
        let ratios = self.ratios(of);
        figures.aim(measure, median(&ratios), "", goal);
        figures.tell(format!("{measure}: least of the pairs"), ratios[0], "");
        figures.tell(format!("{measure}: most of the pairs"), ratios[PAIRS - 1], "");
    }

    /// In ascending order.
    fn ratios(&self, of: impl Fn(&Trial) -> f64) -> Vec<f64> {
        let mut ratios: Vec<f64> = self.0.iter().map(|pair| of(&pair.other) / of(&pair.plain)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    pub(super) fn into_trials(self) -> Vec<Trial> {
        self.0.into_iter().flat_map(|Pair { plain, other }| [plain, other]).collect()
    }
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
