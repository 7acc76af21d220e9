//! A dialect as a text, wherever it comes from.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use dialect::Dialect;
use dialect::mistake::Mistake;

use super::super::run::{Failure, Printed};
use super::harmless;

/// Longer files are not read.
const LONGEST: u64 = 16 << 20;

pub(super) struct Text {
    /// The file's, or the dialect's.
    pub(super) name: String,
    pub(super) toml: String,
    /// The file itself, if it is in JSON: lines in the TOML are not its lines.
    pub(super) json: Option<String>,
}

impl Text {
    /// Reads a dialect file. JSON is known by its name or its first character.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = whole(path)?;
        let name = path.display().to_string();
        let is_json =
            path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json")) || text.trim_start().starts_with('{');
        if !is_json {
            return Ok(Self { name, toml: text, json: None });
        }
        let toml = dialect::interchange::toml_from_json(&text).map_err(|mistakes| refused(&name, &mistakes, true))?;
        Ok(Self { name, toml, json: Some(text) })
    }

    pub(super) fn dialect(&self) -> Result<Dialect, Failure> {
        Dialect::parse(&self.toml).map_err(|mistakes| self.refused(&mistakes))
    }

    pub(super) fn refused(&self, mistakes: &[Mistake]) -> Failure {
        refused(&self.name, mistakes, self.json.is_none())
    }
}

/// A text file or standard input.
pub(super) fn whole(path: &Path) -> Result<String, Failure> {
    if path.as_os_str() == "-" {
        return read(io::stdin().lock(), "standard input");
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Failure::Input(format!("{name} cannot be read: {error}")))?;
    read(file, &name)
}

fn read(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let cannot = |error: io::Error| Failure::Input(format!("{name} cannot be read: {error}"));
    from.take(LONGEST + 1).read_to_string(&mut text).map_err(cannot)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST) {
        return Err(Failure::Input(format!("{name} is longer than {} MiB", LONGEST >> 20)));
    }
    Ok(text)
}

/// Every mistake on a line of its own: `FILE:12: retry.jitter: …`.
pub(super) fn refused(name: &str, mistakes: &[Mistake], has_lines: bool) -> Failure {
    let lines: Vec<String> = mistakes.iter().map(|mistake| line(name, mistake, has_lines)).collect();
    Failure::No(Printed { text: String::new(), note: Some(harmless(&lines.join("\n"))) })
}

fn line(name: &str, Mistake { key, line, message }: &Mistake, has_lines: bool) -> String {
    let at = line.filter(|_| has_lines).map(|line| format!(":{line}")).unwrap_or_default();
    let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
    format!("{name}{at}: {key}{message}")
}
