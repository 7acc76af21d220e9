//! `dialects check`: what is wrong with a file, and what a captured request says.

use std::path::Path;

use dialect::Dialect;
use dialect::detect::{Finding, Sample};
use dialect::settings;
use serde_json::json;

use super::super::connection::Output;
use super::super::outcome::{CommandError, Printed};
use super::Check;
use super::file::{self, Text};
use crate::output::harmless;

impl Check {
    pub(super) fn perform(&self, format: Output) -> Result<Printed, CommandError> {
        match (&self.file, &self.sample) {
            (Some(file), Some(sample)) if file == sample => {
                Err(CommandError::Input("the dialect file and the sample are the same file".to_owned()))
            }
            (Some(file), Some(sample)) => compare(file, sample, format),
            (Some(file), None) => check(file, format),
            (None, Some(path)) => explain(path, format),
            (None, None) => {
                Err(CommandError::Input("name a dialect file, or a captured request with --sample".to_owned()))
            }
        }
    }
}

fn check(path: &Path, format: Output) -> Result<Printed, CommandError> {
    let text = Text::read_for(path, format)?;
    let dialect = text.dialect()?;
    let settings = settings::of(&text.toml).map_err(|mistakes| text.refused(&mistakes))?;
    let told = match format {
        Output::Json => {
            let (name, summary) = (&dialect.name, summary(&dialect, &settings));
            format!(
                "{:#}\n",
                json!({ "ok": true, "file": text.name, "name": name, "summary": summary, "mistakes": [] })
            )
        }
        Output::Table | Output::Toml => format!("{}: ok: {}\n", text.name, summary(&dialect, &settings)),
    };
    Ok(Printed { text: harmless(&told), note: None })
}

/// `acme: 2 headers, 1 signature, 9 retries, 3 event types`
fn summary(dialect: &Dialect, settings: &settings::Settings) -> String {
    let headers = settings.keys().filter(|key| key.starts_with("headers.")).count();
    let signatures = settings.keys().filter(|key| key.starts_with("signatures[") && key.ends_with("].header")).count();
    let types = dialect.catalogue.types().len();
    let open = if dialect.catalogue.open { " and any other" } else { "" };
    format!(
        "{}: {}, {}, {}, {}{open}",
        dialect.name,
        count(headers, "header", "headers"),
        count(signatures, "signature", "signatures"),
        count(dialect.retry.schedule.len(), "retry", "retries"),
        count(types, "event type", "event types"),
    )
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn explain(path: &Path, format: Output) -> Result<Printed, CommandError> {
    let explanation = sample(path)?.explain();
    let (text, note) = match format {
        Output::Json => {
            let dialect = dialect::toml_json::json_from_toml(&explanation.dialect)
                .map_err(|mistakes| file::refused("the dialect that was found", &mistakes, true))?;
            (dialect + "\n", lines(&explanation.findings))
        }
        Output::Table | Output::Toml => (explanation.dialect, lines(&explanation.findings)),
    };
    let printed = Printed { text: harmless(&text), note: Some(note) };
    if explanation.signed { Ok(printed) } else { Err(CommandError::No(printed)) }
}

fn compare(file: &Path, path: &Path, format: Output) -> Result<Printed, CommandError> {
    let text = Text::read(file)?;
    let likeness = sample(path)?.compare(&text.dialect()?);
    let verdict = if likeness.same { "makes" } else { "does not make" };
    let told = match format {
        Output::Json => {
            let findings: Vec<String> = likeness.findings.iter().map(ToString::to_string).collect();
            format!("{:#}\n", json!({ "same": likeness.same, "findings": findings }))
        }
        Output::Table | Output::Toml => {
            format!("{}\n{} {verdict} the request in {}\n", lines(&likeness.findings), text.name, path.display())
        }
    };
    let printed = Printed { text: harmless(&told), note: None };
    if likeness.same { Ok(printed) } else { Err(CommandError::No(printed)) }
}

fn sample(path: &Path) -> Result<Sample, CommandError> {
    let text = file::whole(path)?;
    Sample::parse(&text).map_err(|mistakes| file::refused(&path.display().to_string(), &mistakes, true))
}

fn lines(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    harmless(&lines.join("\n"))
}
