//! Durations, counts and sizes. The defaults are those of docs/benchmarks.md; smaller ones make a quick look.

use std::path::PathBuf;

use clap::{Args, ValueEnum as _, value_parser};
use serde::Serialize;

use crate::misdeed::kind::Misdeed;

/// Maximum pairs of runs.
pub(crate) const MOST_PAIRS: u8 = 5;

#[derive(Args, Clone, Debug, Serialize)]
#[command(next_help_heading = "Sizes")]
pub(crate) struct Sizes {
    /// How long a load is measured, in seconds
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,

    /// How long it runs before that, in seconds
    #[arg(long, default_value_t = 2)]
    pub(crate) warm_up_seconds: u32,

    /// How long the bare signed POSTs are measured each time, in seconds
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..))]
    pub(crate) bare_seconds: u32,

    /// Connections that POST
    #[arg(long, default_value_t = 32, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,

    /// Size of an event's `data`, in bytes
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(64..=1_000_000))]
    pub(crate) event_bytes: u32,

    /// Events in one request of `batch`, and of what is made before `backlog`, `growth` and `restart`
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=500))]
    pub(crate) batch: u32,

    /// Events a second of `steady`
    #[arg(long, default_value_t = 2_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: u32,

    /// Endpoints of `fan-out`
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) fan_out: u32,

    /// Events of `fan-out`, one after the other
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Endpoints of `neighbours`: of a hundred one hangs and one fails
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(100..=10_000))]
    pub(crate) neighbours: u32,

    /// Events a second of `neighbours`
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) neighbours_rate: u32,

    /// How long each run of `neighbours` is measured: longer than it takes to give up on one that hangs
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub(crate) neighbours_seconds: u32,

    /// Pairs of runs of `neighbours`, `shares` and `growth`: an odd number, so that the median is a pair's
    #[arg(long, default_value_t = MOST_PAIRS, value_parser = value_parser!(u8).range(1..=i64::from(MOST_PAIRS)))]
    pub(crate) pairs: u8,

    /// What the other project of `shares` does; everything, one after the other, if nothing is named
    #[arg(long = "misdeed", value_name = "MISDEED")]
    misdeeds: Vec<Misdeed>,

    /// The other project of `shares` gets a server and a database of its own: the figures then show the cost of sharing
    /// the machine alone
    #[arg(long = "apart", conflicts_with = "database_url")]
    pub(crate) shares_apart: bool,

    /// Events a second of the project that `shares` watches
    #[arg(long, default_value_t = 200, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) shares_rate: u32,

    /// Endpoints of the other project that hang, of *hanging-endpoints*
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) shares_endpoints: u32,

    /// Events in each of its *batches*
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) shares_batch: u32,

    /// Endpoints that these are for
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) shares_batch_endpoints: u32,

    /// Size of `data` of each of its *large-events*, in bytes
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u32).range(1_000..=1_048_576))]
    pub(crate) shares_event_bytes: u32,

    /// Deliveries that its *searches* go over
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1_000..=100_000_000))]
    pub(crate) shares_stored: u64,

    /// How long each run of `shares` is measured: longer than it takes to give up on one that hangs
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub(crate) shares_seconds: u32,

    /// Deliveries that pile up in `backlog` and `restart`
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..=20_000_000))]
    pub(crate) pending: u64,

    /// Endpoints that they are for
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) pending_endpoints: u32,

    /// Deliveries that are stored before the second half of `growth`
    #[arg(long, default_value_t = 5_000_000, value_parser = value_parser!(u64).range(1..))]
    pub(crate) stored: u64,

    /// Endpoints that they went to
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) stored_endpoints: u32,

    /// Where they are kept for the next run, which is then spared making them (SQLite)
    #[arg(long, value_name = "PATH")]
    #[serde(skip)]
    pub(crate) stored_dir: Option<PathBuf>,

    /// Endpoints of `idle`
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) idle_endpoints: u32,

    /// How long `idle` is watched, in seconds
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u32).range(1..))]
    pub(crate) idle_seconds: u32,

    /// Deliveries that are stored before `search`
    #[arg(long, default_value_t = 10_000_000, value_parser = value_parser!(u64).range(1_000..=100_000_000))]
    pub(crate) searched: u64,

    /// Events before `aftermath`
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..))]
    pub(crate) before: u64,

    /// Events a second of `aftermath`
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) aftermath_rate: u32,

    /// How long these are sent, in seconds
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u32).range(1..))]
    pub(crate) aftermath_seconds: u32,

    /// Nodes of `cluster`, at most
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=16))]
    pub(crate) nodes: u32,
}

impl Sizes {
    /// The misdeeds named, or all.
    pub(crate) fn misdeeds(&self) -> Vec<Misdeed> {
        if self.misdeeds.is_empty() { Misdeed::value_variants().to_vec() } else { self.misdeeds.clone() }
    }
}
