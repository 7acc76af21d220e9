//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::Failure;
use crate::machine::Machine;

/// Measures a real `posthaste serve` on this machine. Build with --release; see docs/benchmarks.md.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Words {
    #[command(subcommand)]
    pub(crate) part: Option<Part>,

    /// What to measure; everything, if nothing is named
    scenarios: Vec<Scenario>,

    /// The posthaste binary [default: beside this one]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,

    /// Where the figures go as JSON [default: a dated file in the work directory]
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,

    /// Where databases are made, for the time of a scenario: on the disk to be measured [default: target/bench]
    #[arg(long, value_name = "PATH")]
    work_dir: Option<PathBuf>,

    /// How long each scenario is measured, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,

    /// How long each scenario runs before that, in seconds
    #[arg(long, default_value_t = 2)]
    pub(crate) warm_up_seconds: u32,

    /// How long the bare signed POSTs are measured, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) bare_seconds: u32,

    /// Connections that POST
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,

    /// Size of an event's `data`, in bytes
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(64..=1_000_000))]
    pub(crate) event_bytes: u32,

    /// Events a second of `steady`
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: u32,
}

/// A part that is measured alone, without a server.
#[derive(Subcommand)]
pub(crate) enum Part {
    /// Nanoseconds that the body of a 500-byte event takes in each built-in dialect
    Render,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Scenario {
    /// Closed loop: every connection sends the next event when the last was accepted
    Single,
    /// Open loop: so many events a second, whatever the server does
    Steady,
}

impl Words {
    pub(crate) fn scenarios(&self) -> &[Scenario] {
        if self.scenarios.is_empty() { Scenario::value_variants() } else { &self.scenarios }
    }

    pub(crate) fn server_binary(&self) -> Result<PathBuf, Failure> {
        let binary = match &self.server {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("posthaste"),
        };
        if binary.is_file() {
            return Ok(binary);
        }
        Err(format!(
            "there is no {}: run `cargo build --release --bin posthaste` or name one with --server",
            binary.display()
        )
        .into())
    }

    /// Made if it is missing. By default beside the directory of this program: on the disk of the source, and not in
    /// /tmp, which is memory on many systems, where an fsync costs nothing.
    pub(crate) fn work_dir(&self) -> Result<PathBuf, Failure> {
        let directory = match &self.work_dir {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("../bench"),
        };
        std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        Ok(directory.canonicalize()?)
    }

    pub(crate) fn json_path(&self, work_dir: &Path, machine: &Machine) -> PathBuf {
        self.json.clone().unwrap_or_else(|| work_dir.join(format!("{}.json", machine.date.replace(':', "-"))))
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_seconds.into())
    }

    pub(crate) fn bare_duration(&self) -> Duration {
        Duration::from_secs(self.bare_seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Words::command().debug_assert();
    }

    #[test]
    fn everything_is_measured_if_nothing_is_named() {
        assert_eq!(Words::parse_from(["bench"]).scenarios().len(), 2);
        assert_eq!(Words::parse_from(["bench", "steady"]).scenarios().len(), 1);
    }

    #[test]
    fn a_part_is_measured_alone() {
        assert!(matches!(Words::parse_from(["bench", "render"]).part, Some(Part::Render)));
        assert!(Words::parse_from(["bench", "single"]).part.is_none());
        assert!(Words::try_parse_from(["bench", "--rate", "1", "render"]).is_err());
    }
}
