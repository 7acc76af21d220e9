//! `bench`: how fast a real `posthaste serve` is on this machine, beside what the machine itself can do.

mod bare;
mod clock;
mod connection;
mod event;
mod id;
mod latency;
mod load;
mod machine;
mod others;
mod output;
mod processor;
mod reckoning;
mod render;
mod report;
mod server;
mod single;
mod sink;
mod steady;
mod table;
mod thread;
mod trial;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use machine::Machine;
use report::{Report, Settings};
use sink::Sink;
use trial::Conditions;
use words::{Part, Scenario, Words};

/// What went wrong, told to a person: nothing in here is recovered from.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Words::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            output::tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures everything that was asked for. False if an accepted event did not arrive.
fn run(words: &Words) -> Result<bool, Failure> {
    if let Some(Part::Render) = words.part {
        output::print(&render::table()?)?;
        return Ok(true);
    }
    let binary = words.server_binary()?;
    let work_dir = words.work_dir()?;
    let machine = Machine::look(&work_dir)?;
    let sink = Sink::start()?;
    let conditions = Conditions {
        binary: &binary,
        work_dir: &work_dir,
        sink: &sink,
        connections: words.connections,
        event_bytes: words.event_bytes,
        warm_up: words.warm_up(),
        duration: words.duration(),
    };
    let bare = bare::run(&conditions, words.bare_duration())?;
    let mut scenarios = Vec::new();
    for scenario in words.scenarios() {
        scenarios.push(match scenario {
            Scenario::Single => single::run(&conditions, &bare)?,
            Scenario::Steady => steady::run(&conditions, &bare, words.rate)?,
        });
    }
    let report = Report { machine, settings: Settings::of(words), bare, scenarios };
    output::print(&table::markdown(&report))?;
    let path = words.json_path(&work_dir, &report.machine);
    report.write(&path)?;
    output::tell(&format!("written to {}", path.display()));
    Ok(report.scenarios.iter().all(|scenario| scenario.events.lost == 0))
}
