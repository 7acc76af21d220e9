//! Logs: sentences with dotted fields, as text for people or JSON for machines, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use model::env::Env;

use crate::config::{Log, LogFormat};
use crate::output;

/// A line of the process's own, outside of the log, in the form that the log has: so that every line is one that a
/// machine can read where lines are for machines.
pub(crate) fn line(format: LogFormat, env: &dyn Env, level: tracing::Level, text: &str) -> String {
    match format {
        LogFormat::Text => text.to_owned(),
        LogFormat::Json => {
            let line = serde_json::json!({ "timestamp": env.now(), "level": level.as_str(), "message": text, "target": "server" });
            line.to_string()
        }
    }
}

/// Says on standard error why the server does not run.
pub(crate) fn complain(format: LogFormat, env: &dyn Env, text: &str) {
    output::print_error(&line(format, env, tracing::Level::ERROR, text));
}

/// From here on, what is logged is printed. Foreign crates speak only of warnings.
pub(crate) fn start(log: &Log) {
    let ours = ["api", "engine", "store", "server", "dialect", "model"];
    let filter = Targets::new()
        .with_default(log.level.min(tracing::Level::WARN))
        .with_targets(ours.map(|target| (target, log.level)));
    let registry = tracing_subscriber::registry().with(filter);
    let format = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second start in one process (tests do that) keeps the first one's logs.
    let _ = match log.format {
        LogFormat::Text => registry.with(format.with_ansi(std::io::stderr().is_terminal())).try_init(),
        LogFormat::Json => registry.with(format.json().flatten_event(true)).try_init(),
    };
}
