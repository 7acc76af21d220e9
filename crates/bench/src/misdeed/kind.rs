//! The ways in which a project misbehaves.

use clap::ValueEnum;
use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Misdeed {
    /// Very many endpoints of which nothing is known, and none of which answers, are all sent an event
    HangingEndpoints,
    /// The largest batches, one after the other, for many endpoints
    Batches,
    /// Bodies that come a byte a second
    SlowBodies,
    /// Events as large as they may be, held against the worst schema that is taken
    LargeEvents,
    /// Lists and searches over very many deliveries
    Searches,
}

impl Misdeed {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HangingEndpoints => "hanging endpoints",
            Self::Batches => "batches",
            Self::SlowBodies => "slow bodies",
            Self::LargeEvents => "large events",
            Self::Searches => "searches",
        }
    }
}
