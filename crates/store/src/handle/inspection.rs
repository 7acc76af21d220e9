//! Inspection of what is stored for damage, by reading all of it.

use std::path::Path;

use crate::inspection::Inspection;
use crate::{Error, Store, sqlite};

impl Store {
    /// Reads everything that the embedded database in `data_dir` has, whether a server runs on it or not, and changes
    /// nothing.
    pub fn inspect(data_dir: &Path) -> Result<Inspection, Error> {
        sqlite::inspect::inspect(data_dir)
    }
}
