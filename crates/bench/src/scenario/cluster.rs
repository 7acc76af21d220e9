//! *cluster*: the same closed loop on one node, two and so on, on one PostgreSQL.

use super::outcome::Outcome;
use crate::conditions::Conditions;
use crate::database::Choice;
use crate::figure::Figures;
use crate::load::LoadModel;
use crate::trial::{self, Course};
use crate::{BenchError, postgres};

/// Enough of them that every node owns some.
const ENDPOINTS: u32 = 100;

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let database = match &conditions.database {
        Choice::Sqlite => Choice::Own(postgres::installed()?),
        other => other.clone(),
    };
    let conditions = Conditions { database, ..conditions.clone() };
    let mut figures = Figures::of("cluster");
    let mut trials = Vec::new();
    for nodes in 1..=conditions.sizes.nodes {
        let name = if nodes == 1 { "cluster: 1 node".to_owned() } else { format!("cluster: {nodes} nodes") };
        let plain = Course::plain(name, LoadModel::Closed, conditions.duration());
        let trial = trial::run(&conditions, &Course { nodes, endpoints: ENDPOINTS, ..plain })?;
        figures.tell(format!("delivered events, {nodes} nodes"), trial.delivered_per_second, "/s");
        trials.push(trial);
    }
    Ok(Outcome::of_trials(trials, figures))
}
