//! A mistake in the configuration: where it stands, in which key, and what would be right.

use std::fmt;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigDiagnostic {
    pub location: ConfigLocation,
    /// The key as the file would have it; empty when the whole file is at fault.
    pub key: String,
    pub message: String,
}

/// Where something was said. Sorts the file's lines first, then variables, then flags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigLocation {
    /// Lines count from 1; 0 is the file as a whole.
    File {
        path: PathBuf,
        line: usize,
    },
    Variable(String),
    Flag(String),
}

impl ConfigDiagnostic {
    pub(super) fn new(location: ConfigLocation, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { location, key: key.into(), message: message.into() }
    }

    pub(super) fn of_file(path: &Path, message: String) -> Self {
        Self::new(ConfigLocation::File { path: path.to_owned(), line: 0 }, "", message)
    }
}

impl fmt::Display for ConfigDiagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.location)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for ConfigLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}
