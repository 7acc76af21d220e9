//! The scenarios, by name.

mod aftermath;
mod backlog;
mod batch;
mod cluster;
mod fan_out;
mod growth;
mod idle;
mod neighbours;
mod outcome;
mod pairs;
mod pending;
mod restart;
mod search;
mod shares;
mod single;
mod steady;

use clap::ValueEnum;

use self::outcome::Outcome;
use crate::BenchError;
use crate::conditions::Conditions;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Closed loop: every connection sends the next event when the last was accepted
    Single,
    /// Closed loop of batches of events
    Batch,
    /// Open loop: so many events a second, whatever the server does
    Steady,
    /// One event that many endpoints want
    FanOut,
    /// What the well feel of those that hang or fail
    Neighbours,
    /// What one project feels while another misbehaves
    Shares,
    /// Endpoints that are down while deliveries pile up, and then come up
    Backlog,
    /// The same load on an empty database and on a full one
    Growth,
    /// A server that is killed and started again with a backlog
    Restart,
    /// A server with nothing to do
    Idle,
    /// Every filter of the lists with millions of deliveries stored
    Search,
    /// Few events a second, just after a great many
    Aftermath,
    /// One node, two and so on, on PostgreSQL
    Cluster,
}

impl Scenario {
    pub(crate) fn run(self, conditions: &Conditions) -> Result<Outcome, BenchError> {
        match self {
            Self::Single => single::run(conditions),
            Self::Batch => batch::run(conditions),
            Self::Steady => steady::run(conditions),
            Self::FanOut => fan_out::run(conditions),
            Self::Neighbours => neighbours::run(conditions),
            Self::Shares => shares::run(conditions),
            Self::Backlog => backlog::run(conditions),
            Self::Growth => growth::run(conditions),
            Self::Restart => restart::run(conditions),
            Self::Idle => idle::run(conditions),
            Self::Search => search::run(conditions),
            Self::Aftermath => aftermath::run(conditions),
            Self::Cluster => cluster::run(conditions),
        }
    }
}
