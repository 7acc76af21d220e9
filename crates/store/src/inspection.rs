//! Looking for damage in what is stored, by reading all of it.

use std::path::Path;

use crate::{Error, sqlite};

/// What was read, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    pub rows: u64,
    /// Nothing, if all can be read and fits together.
    pub damage: Vec<String>,
}

/// Reads all that the embedded database in `data_dir` has, whether a server runs on it or not, and changes nothing.
pub fn inspect(data_dir: &Path) -> Result<Inspection, Error> {
    sqlite::inspect::inspect(data_dir)
}
