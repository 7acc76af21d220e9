//! One figure of a scenario, beside its goal where it has one.

use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) scenario: &'static str,
    pub(crate) measure: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) goal: Option<Goal>,
    pub(crate) met: Option<bool>,
}

/// The goal for two cores that load, receiver, server and database share.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// The figures of one scenario, in the order in which they are printed.
pub(crate) struct Figures {
    scenario: &'static str,
    all: Vec<Figure>,
}

impl Figures {
    pub(crate) fn of(scenario: &'static str) -> Self {
        Self { scenario, all: Vec::new() }
    }

    pub(crate) fn tell(&mut self, measure: impl Into<String>, value: f64, unit: &'static str) {
        self.add(measure.into(), value, unit, None);
    }

    pub(crate) fn aim(&mut self, measure: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        self.add(measure.into(), value, unit, Some(goal));
    }

    /// Adds losses and repeats. No accepted delivery may be missing; repeats are allowed.
    pub(crate) fn deliveries(&mut self, lost: u64, doubled: u64) {
        self.aim("lost", lost as f64, "", Goal::AtMost(0.0));
        self.tell("doubled", doubled as f64, "");
    }

    /// Adds the share of other processes. Above a few percent, rates and latencies beside it say little.
    pub(crate) fn others(&mut self, percent: f64) {
        self.tell("others' share of the cores", percent, "%");
    }

    fn add(&mut self, measure: String, value: f64, unit: &'static str, goal: Option<Goal>) {
        let met = goal.map(|goal| goal.is_met(value));
        self.all.push(Figure { scenario: self.scenario, measure, value, unit, goal, met });
    }

    pub(crate) fn all(self) -> Vec<Figure> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_at_its_edge_and_missed_beyond_it() {
        let mut figures = Figures::of("single");
        figures.aim("rate", 20_000.0, "/s", Goal::AtLeast(20_000.0));
        figures.aim("rate", 19_999.0, "/s", Goal::AtLeast(20_000.0));
        figures.aim("cost", 5.1, "", Goal::AtMost(5.0));
        figures.tell("memory", 1.0, "MB");
        let met: Vec<_> = figures.all().into_iter().map(|figure| figure.met).collect();
        assert_eq!(met, [Some(true), Some(false), Some(false), None]);
    }
}
