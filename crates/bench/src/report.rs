//! All that a run measured, as it stands in the JSON file.

use std::path::Path;

use serde::Serialize;

use crate::Failure;
use crate::bare::Bare;
use crate::machine::Machine;
use crate::trial::Trial;
use crate::words::Words;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) settings: Settings,
    pub(crate) bare: Bare,
    pub(crate) scenarios: Vec<Trial>,
}

#[derive(Serialize)]
pub(crate) struct Settings {
    pub(crate) seconds: u32,
    pub(crate) warm_up_seconds: u32,
    pub(crate) bare_seconds: u32,
    pub(crate) connections: u32,
    pub(crate) event_bytes: u32,
}

impl Settings {
    pub(crate) fn of(words: &Words) -> Self {
        Self {
            seconds: words.seconds,
            warm_up_seconds: words.warm_up_seconds,
            bare_seconds: words.bare_seconds,
            connections: words.connections,
            event_bytes: words.event_bytes,
        }
    }
}

impl Report {
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}
