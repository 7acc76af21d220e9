//! A dialect as a text, wherever it comes from.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use dialect::Dialect;
use dialect::diagnostic::Diagnostic;
use serde_json::json;

use super::super::connection::Output;
use super::super::outcome::{CommandError, Printed};
use crate::output::harmless;

/// Longer files are not read.
const LONGEST: u64 = 16 << 20;

pub(super) struct Text {
    /// The file's, or the dialect's.
    pub(super) name: String,
    pub(super) toml: String,
    /// The file itself, if it is in JSON: lines in the TOML are not its lines.
    pub(super) json: Option<String>,
    /// In which form its mistakes are told.
    pub(super) format: Output,
}

impl Text {
    /// Reads a dialect file. JSON is known by its name or its first character.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        Self::read_for(path, Output::Table)
    }

    /// The same, with mistakes told in this form.
    pub(super) fn read_for(path: &Path, format: Output) -> Result<Self, CommandError> {
        let text = whole(path)?;
        let name = path.display().to_string();
        let is_json =
            path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json")) || text.trim_start().starts_with('{');
        if !is_json {
            return Ok(Self { name, toml: text, json: None, format });
        }
        let told = |mistakes: Vec<Diagnostic>| match format {
            Output::Json => refused_in_json(&name, &mistakes, true),
            Output::Table | Output::Toml => refused(&name, &mistakes, true),
        };
        let toml = dialect::toml_json::toml_from_json(&text).map_err(told)?;
        Ok(Self { name, toml, json: Some(text), format })
    }

    pub(super) fn dialect(&self) -> Result<Dialect, CommandError> {
        Dialect::parse(&self.toml).map_err(|mistakes| self.refused(&mistakes))
    }

    pub(super) fn refused(&self, mistakes: &[Diagnostic]) -> CommandError {
        match self.format {
            Output::Json => refused_in_json(&self.name, mistakes, self.json.is_none()),
            Output::Table | Output::Toml => refused(&self.name, mistakes, self.json.is_none()),
        }
    }
}

/// A text file or standard input.
pub(super) fn whole(path: &Path) -> Result<String, CommandError> {
    if path.as_os_str() == "-" {
        return read(io::stdin().lock(), "standard input");
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| CommandError::Input(format!("{name} cannot be read: {error}")))?;
    read(file, &name)
}

fn read(from: impl Read, name: &str) -> Result<String, CommandError> {
    let mut text = String::new();
    let cannot = |error: io::Error| CommandError::Input(format!("{name} cannot be read: {error}"));
    from.take(LONGEST + 1).read_to_string(&mut text).map_err(cannot)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST) {
        return Err(CommandError::Input(format!("{name} is longer than {} MiB", LONGEST >> 20)));
    }
    Ok(text)
}

/// Every mistake on a line of its own: `FILE:12: retry.jitter: …`.
pub(super) fn refused(name: &str, mistakes: &[Diagnostic], has_lines: bool) -> CommandError {
    let lines: Vec<String> = mistakes.iter().map(|mistake| line(name, mistake, has_lines)).collect();
    CommandError::No(Printed { text: String::new(), note: Some(harmless(&lines.join("\n"))) })
}

/// The same for programs, as the answer.
fn refused_in_json(name: &str, mistakes: &[Diagnostic], has_lines: bool) -> CommandError {
    let told = |mistake: &Diagnostic| json!({ "key": mistake.key, "line": mistake.line.filter(|_| has_lines), "message": mistake.message });
    let mistakes: Vec<serde_json::Value> = mistakes.iter().map(told).collect();
    let text = format!("{:#}\n", json!({ "ok": false, "file": name, "mistakes": mistakes }));
    CommandError::No(Printed { text: harmless(&text), note: None })
}

fn line(name: &str, Diagnostic { key, line, message }: &Diagnostic, has_lines: bool) -> String {
    let at = line.filter(|_| has_lines).map(|line| format!(":{line}")).unwrap_or_default();
    let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
    format!("{name}{at}: {key}{message}")
}
