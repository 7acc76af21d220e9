//! Syntax errors: parts of a dialect file that are not TOML. The lines at fault are blanked and reading goes on, so
//! that one error does not hide those behind it.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics, KeyLocation};

/// Maximum syntax errors searched for: the author has enough to do.
const MOST_SLIPS: usize = 50;

/// Maximum characters of a line that are quoted.
const LONGEST_TOLD: usize = 40;

/// Maximum bytes read in search of errors: the text is read anew for each.
const MOST_READ: usize = 2 * 1024 * 1024;

/// The part of the text that is TOML, every byte where it was, and the errors in the rest.
pub(crate) struct Readable<'t> {
    pub(crate) text: Cow<'t, str>,
    diagnostics: Vec<Diagnostic>,
    /// Byte ranges in which other errors only follow from these.
    doubtful: Vec<std::ops::Range<usize>>,
}

impl<'t> Readable<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let mut readable = Self { text: Cow::Borrowed(text), diagnostics: Vec::new(), doubtful: Vec::new() };
        for _ in 0..MOST_SLIPS.min(1 + MOST_READ / text.len().max(1)) {
            let Some((slip, at)) = first_slip(&readable.text) else { break };
            let follows = readable.doubtful.last().is_some_and(|doubtful| doubtful.contains(&at));
            if !follows {
                readable.diagnostics.push(slip);
            }
            let line = line_around(&readable.text, at);
            if readable.text[line.clone()].trim().is_empty() {
                break;
            }
            readable.doubtful.push(reach(&readable.text, line.clone()));
            readable.text.to_mut().replace_range(line.clone(), &" ".repeat(line.len()));
        }
        readable
    }

    /// Adds these diagnostics to those found in the readable part.
    pub(crate) fn add_to(self, mut others: Diagnostics) -> Diagnostics {
        if !self.diagnostics.is_empty() {
            // A key that seems to be missing may stand in a line that was not read.
            others.retain(|place| place.is_some_and(|at| !self.doubtful.iter().any(|range| range.contains(&at))));
        }
        others.extend(self.diagnostics);
        others
    }
}

/// The first syntax error, and its byte.
fn first_slip(text: &str) -> Option<(Diagnostic, usize)> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let error = errors.first()?;
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let tree = DeValue::Table(table.into_inner());
    let whole = KeyLocation::whole(text, &tree);
    let place = whole.around(at).unwrap_or_else(|| whole.clone());
    Some((place.starting(at).diagnostic(why_not_toml(text, at)), at))
}

/// The probable error in a line that is no TOML, by its looks.
pub(crate) fn why_not_toml(text: &str, at: usize) -> String {
    let line = &text[line_around(text, text.floor_char_boundary(at))];
    let written = line.trim();
    let hint = match written.split_once('=') {
        _ if written.starts_with('[') => {
            "a heading is [name], or [[name]] for one entry of a list, alone on its line and once in the file"
        }
        Some((key, _)) if key.trim().is_empty() => "a name is missing before =",
        Some((_, value)) if value.trim().is_empty() => "a value is missing behind =",
        Some(_) => {
            "a line is name = value, each name once in its table; a text stands in quotes, a list between [ and ] with commas"
        }
        None => "a line is name = value, [heading] or # comment",
    };
    let shown: String = written.chars().take(LONGEST_TOLD).collect();
    if shown.is_empty() {
        format!("not TOML: {hint}")
    } else {
        format!("not TOML at `{}`: {hint}", shown.escape_debug())
    }
}

/// The line of a byte, without its end.
fn line_around(text: &str, at: usize) -> std::ops::Range<usize> {
    let bytes = text.as_bytes();
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end);
    start..end
}

/// The range affected by a blanked line: keys below a heading lose their table, and values that span lines their
/// opening.
fn reach(text: &str, line: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let written = text[line.clone()].trim();
    let is_heading = written.starts_with('[');
    let opens = ["'''", "\"\"\""].iter().any(|quotes| written.matches(quotes).count() == 1);
    if !(is_heading || opens || written.ends_with(['[', '{', ','])) {
        return line;
    }
    let next_heading = text[line.end..].find("\n[").map_or(text.len(), |at| line.end + at);
    line.start..next_heading
}
