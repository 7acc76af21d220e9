//! Two ways of the same load in runs next to each other, several times.
//!
//! A shared machine is quick at times and slow at others, for a minute or so. Most pairs of runs fall into one of them
//! whole, and the median of the pairs' ratios is one of those.

use crate::BenchError;
use crate::figure::{Figures, Goal};
use crate::trial::Trial;

pub(super) struct Pairs(Vec<Pair>);

struct Pair {
    plain: Trial,
    other: Trial,
}

impl Pairs {
    /// Runs both `count` times, each with the number of its pair. They take turns in going first.
    pub(super) fn run(
        count: usize,
        mut plain: impl FnMut(usize) -> Result<Trial, BenchError>,
        mut other: impl FnMut(usize) -> Result<Trial, BenchError>,
    ) -> Result<Self, BenchError> {
        let pair = |index: usize| {
            if index.is_multiple_of(2) {
                Ok(Pair { plain: plain(index)?, other: other(index)? })
            } else {
                let other = other(index)?;
                Ok(Pair { plain: plain(index)?, other })
            }
        };
        (0..count).map(pair).collect::<Result<_, BenchError>>().map(Self)
    }

    /// Adds the median of the pairs' ratios, the other's ÷ the plain's, to the figures.
    pub(super) fn tell(&self, measure: &str, of: impl Fn(&Trial) -> f64, figures: &mut Figures) {
        figures.tell(measure, median(&self.ratios(of)), "");
    }

    /// The same with a goal, and the least and the most beside it.
    pub(super) fn aim(&self, measure: &str, of: impl Fn(&Trial) -> f64, goal: Goal, figures: &mut Figures) {
        let ratios = self.ratios(of);
        figures.aim(measure, median(&ratios), "", goal);
        figures.tell(format!("{measure}: least of the pairs"), ratios[0], "");
        figures.tell(format!("{measure}: most of the pairs"), ratios[ratios.len() - 1], "");
    }

    /// Adds the medians of both themselves.
    pub(super) fn tell_both(
        &self,
        measures: [String; 2],
        of: impl Fn(&Trial) -> f64,
        unit: &'static str,
        figures: &mut Figures,
    ) {
        let [plain, other] = measures;
        let all = |trial: fn(&Pair) -> &Trial| ascending(self.0.iter().map(|pair| of(trial(pair))).collect());
        figures.tell(plain, median(&all(|pair| &pair.plain)), unit);
        figures.tell(other, median(&all(|pair| &pair.other)), unit);
    }

    /// The maximum of all the other's, if all of them have it.
    pub(super) fn most(&self, of: impl Fn(&Trial) -> Option<f64>) -> Option<f64> {
        let all: Option<Vec<f64>> = self.0.iter().map(|pair| of(&pair.other)).collect();
        all?.into_iter().reduce(f64::max)
    }

    /// The pairs' ratios in ascending order.
    fn ratios(&self, of: impl Fn(&Trial) -> f64) -> Vec<f64> {
        ascending(self.0.iter().map(|pair| of(&pair.other) / of(&pair.plain)).collect())
    }

    pub(super) fn into_trials(self) -> Vec<Trial> {
        self.0.into_iter().flat_map(|Pair { plain, other }| [plain, other]).collect()
    }
}

fn ascending(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
