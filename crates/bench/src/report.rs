//! All that a run measured, as it stands in the JSON file.

use std::path::Path;

use serde::Serialize;

use crate::BenchError;
use crate::bare::Bare;
use crate::figure::Figure;
use crate::machine::Machine;
use crate::sizes::Sizes;
use crate::trial::Trial;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) database: &'static str,
    pub(crate) settings: Sizes,
    pub(crate) bare: Bare,
    pub(crate) trials: Vec<Trial>,
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    pub(crate) fn write(&self, path: &Path) -> Result<(), BenchError> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}
