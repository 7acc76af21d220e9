//! `bench` measures the speed of a real `posthaste serve` on this machine, beside the machine's own limit.

mod args;
mod asker;
mod background;
mod bare;
mod census;
mod clock;
mod conditions;
mod connection;
mod control;
mod database;
mod event;
mod figure;
mod gateway;
mod held;
mod id;
mod latency;
mod load;
mod machine;
mod misdeed;
mod others;
mod output;
mod poster;
mod postgres;
mod proc;
mod processor;
mod reckoning;
mod render;
mod report;
mod reserved_addresses;
mod scenario;
mod server;
mod sink;
mod sizes;
mod stored;
mod table;
mod thread;
mod trial;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::args::{Args, Part};
use self::machine::Machine;
use self::report::Report;

/// An error for a person: nothing in here is recovered from.
type BenchError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            output::tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures everything that was asked for. False if an accepted event did not arrive.
fn run(args: &Args) -> Result<bool, BenchError> {
    if let Some(Part::Render) = args.part {
        output::print(&render::table()?)?;
        return Ok(true);
    }
    raise_file_limit();
    let conditions = args.conditions()?;
    let machine = Machine::look(&conditions.work_dir)?;
    let bare = bare::run(&conditions)?;
    let path = args.json_path(&conditions.work_dir, &machine);
    let database = conditions.database.name();
    let settings = conditions.sizes.clone();
    let mut report = Report { machine, database, settings, bare, trials: Vec::new(), figures: Vec::new() };
    let mut lost = 0;
    for scenario in args.scenarios() {
        let outcome = scenario.run(&conditions)?;
        report.trials.extend(outcome.trials);
        report.figures.extend(outcome.figures);
        lost += outcome.lost;
        // The figures so far are kept, whatever becomes of the rest.
        report.write(&path)?;
    }
    output::print(&table::markdown(&report))?;
    output::tell(&format!("written to {}", path.display()));
    Ok(lost == 0)
}

/// Raises the limit on open files as far as allowed, for us and the servers: there are thousands of connections at both
/// ends.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // If it fails, a scenario says what it could not open.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
