//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum as _};

use crate::conditions::Conditions;
use crate::database::Choice;
use crate::machine::Machine;
use crate::scenario::Scenario;
use crate::sizes::Sizes;
use crate::{BenchError, postgres};

/// Measures a real `posthaste serve` on this machine. Build with --release; see docs/benchmarks.md.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
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

    /// Measure on a PostgreSQL of our own, a fresh one for each scenario, instead of SQLite
    #[arg(long)]
    postgres: bool,

    /// Where that PostgreSQL's programs are [default: the newest in /usr/lib/postgresql]
    #[arg(long, value_name = "PATH")]
    postgres_bin: Option<PathBuf>,

    /// Measure on this PostgreSQL, whose database should be empty
    #[arg(long, value_name = "URL", conflicts_with = "postgres")]
    database_url: Option<String>,

    #[command(flatten)]
    pub(crate) sizes: Sizes,
}

/// A part that is measured alone, without a server.
#[derive(Subcommand)]
pub(crate) enum Part {
    /// Nanoseconds that the body of a 500-byte event takes in each built-in dialect
    Render,
}

impl Args {
    /// The scenarios named, or all that the database has: *cluster* is PostgreSQL's.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        if !self.scenarios.is_empty() {
            return self.scenarios.clone();
        }
        let sqlite = !self.postgres && self.database_url.is_none();
        let all = Scenario::value_variants().iter().copied();
        all.filter(|scenario| !(sqlite && *scenario == Scenario::Cluster)).collect()
    }

    pub(crate) fn conditions(&self) -> Result<Conditions, BenchError> {
        Ok(Conditions {
            binary: self.server_binary()?,
            work_dir: self.work_dir()?,
            database: self.database()?,
            sizes: self.sizes.clone(),
        })
    }

    fn database(&self) -> Result<Choice, BenchError> {
        let programs = || self.postgres_bin.clone().map_or_else(postgres::installed, Ok);
        Ok(match &self.database_url {
            Some(url) => Choice::Given(url.clone()),
            None if self.postgres => Choice::Own(programs()?),
            None => Choice::Sqlite,
        })
    }

    fn server_binary(&self) -> Result<PathBuf, BenchError> {
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

    /// The directory for databases, made if it is missing. By default beside the directory of this program: on the disk
    /// of the source, and not in /tmp, which is memory on many systems, where an fsync costs nothing.
    fn work_dir(&self) -> Result<PathBuf, BenchError> {
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
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::misdeed::kind::Misdeed;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn everything_is_measured_if_nothing_is_named() {
        let all = Scenario::value_variants().len();
        assert_eq!(Args::parse_from(["bench", "--postgres"]).scenarios().len(), all);
        assert_eq!(Args::parse_from(["bench"]).scenarios().len(), all - 1);
        assert_eq!(Args::parse_from(["bench", "fan-out", "steady"]).scenarios(), [Scenario::FanOut, Scenario::Steady]);
    }

    #[test]
    fn a_misdeed_is_measured_alone_and_all_are_if_none_is_named() {
        let misdeeds = |args: &[&str]| Args::parse_from([&["bench", "shares"], args].concat()).sizes.misdeeds();
        assert_eq!(misdeeds(&[]), Misdeed::value_variants());
        assert_eq!(misdeeds(&["--misdeed", "searches"]), [Misdeed::Searches]);
        let two = ["--misdeed", "slow-bodies", "--misdeed", "batches"];
        assert_eq!(misdeeds(&two), [Misdeed::SlowBodies, Misdeed::Batches]);
    }

    #[test]
    fn a_part_is_measured_alone() {
        assert!(matches!(Args::parse_from(["bench", "render"]).part, Some(Part::Render)));
        assert!(Args::parse_from(["bench", "single"]).part.is_none());
        assert!(Args::try_parse_from(["bench", "--rate", "1", "render"]).is_err());
    }
}
