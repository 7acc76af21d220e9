//! A dialect file as a caller sends it, in TOML or JSON, and all that is wrong with it.

use dialect::diagnostic::Diagnostic;
use dialect::toml_json::toml_from_json;
use dialect::{Dialect, LONGEST};
use model::id::ProjectId;
use model::invalid::Fault;
use model::invalid::escaped;
use serde::de::IgnoredAny;
use web::body::{Media, Sent, Text, unsupported};
use web::json;
use web::problem::{Code, Problem};

/// What was sent.
pub(super) struct File {
    text: Text,
    /// Lines of the TOML that is made of it mean nothing to the caller.
    is_json: bool,
}

/// A file without mistakes.
pub(super) struct Judged {
    /// With its name in it.
    pub(super) text: String,
    pub(super) title: String,
}

impl File {
    pub(super) async fn read(body: Sent, project: ProjectId) -> Result<Self, Problem> {
        let is_json = match body.media() {
            Media::Toml => false,
            Media::Json => true,
            other => return Err(unsupported(other, "a dialect as application/toml or application/json")),
        };
        Ok(Self { text: body.text(project, LONGEST).await?, is_json })
    }

    /// The dialect goes by `name`, whether the file says so or leaves it out.
    pub(super) fn judge(self, name: &str) -> Result<Judged, Problem> {
        let toml = if self.is_json {
            serde_json::from_str::<IgnoredAny>(&self.text).map_err(|error| json::broken(&self.text, &error))?;
            toml_from_json(&self.text).map_err(invalid)?
        } else {
            self.text.to_owned()
        };
        let has_lines = !self.is_json;
        let (text, parsed) = match Dialect::parse(&toml) {
            Err(mistakes) if mistakes.iter().any(is_absent_name) => {
                let named = format!("name = \"{name}\"\n{toml}");
                let parsed = Dialect::parse(&named).map_err(|mistakes| mistakes.into_iter().map(a_line_up).collect());
                (named, parsed)
            }
            parsed => (toml, parsed),
        };
        match parsed {
            Ok(dialect) if dialect.name == name => Ok(Judged { text, title: dialect.title }),
            Ok(dialect) => {
                let message =
                    format!("the file says {:?}, and the path {name:?}: leave it out, or say the same", dialect.name);
                Err(Problem::at(Code::DialectInvalid, "/name", message))
            }
            Err(mistakes) if has_lines => Err(invalid(mistakes)),
            Err(mistakes) => {
                Err(invalid(mistakes.into_iter().map(|mistake| Diagnostic { line: None, ..mistake }).collect()))
            }
        }
    }
}

fn is_absent_name(mistake: &Diagnostic) -> bool {
    mistake.key == "name" && mistake.line.is_none()
}

/// As if the line with the name had not been put in front.
fn a_line_up(mistake: Diagnostic) -> Diagnostic {
    Diagnostic { line: mistake.line.map(|line| line.saturating_sub(1).max(1)), ..mistake }
}

fn invalid(mistakes: Vec<Diagnostic>) -> Problem {
    let fault = |Diagnostic { key, line, message }: Diagnostic| {
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Fault::new(pointer(&key), format!("{line}{message}"))
    };
    Problem::of(Code::DialectInvalid, mistakes.into_iter().map(fault).collect())
}

/// `signatures[0].format` as a JSON pointer. Behind `headers.` stands a header's name, which may have full stops itself.
fn pointer(key: &str) -> String {
    if let Some(name) = key.strip_prefix("headers.") {
        return format!("/headers/{}", escaped(name));
    }
    let words = key.split('.').flat_map(|word| word.split('[')).filter(|word| !word.is_empty());
    words.map(|word| format!("/{}", escaped(word.trim_end_matches(']')))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_as_json_pointers() {
        let cases = [
            ("", ""),
            ("name", "/name"),
            ("signatures[0].format", "/signatures/0/format"),
            ("retry.retry_after.on[1]", "/retry/retry_after/on/1"),
            ("headers.X-A.b/c", "/headers/X-A.b~1c"),
        ];
        for (key, expected) in cases {
            assert_eq!(pointer(key), expected, "{key}");
        }
    }
}
