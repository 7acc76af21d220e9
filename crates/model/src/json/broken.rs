//! Messages for a person about text that is no JSON: where reading stopped, what stands there, and what is probably
//! meant.

use serde::de::IgnoredAny;

/// Maximum characters of a word that are quoted.
const LONGEST_TOLD: usize = 80;

/// A message that goes on after the name of what was read: "not JSON at line 2 column 12: near `nope`: …".
pub fn why_broken(text: &str, error: &serde_json::Error) -> String {
    if text.trim_ascii().is_empty() {
        return "not JSON: it is empty".to_owned();
    }
    let at = format!("not JSON at line {} column {}", error.line(), error.column());
    if error.is_eof() {
        return format!("{at}: it ends before it is complete; a quotation mark, bracket or brace is not closed");
    }
    let (before, behind) = text.split_at(offset(text, error.line(), error.column()));
    if serde_json::from_str::<IgnoredAny>(before).is_ok() {
        return format!("{at}: the value has ended before, and only one is taken");
    }
    format!("{at}: near `{}`: {}", excerpt(before, behind), hint(before, behind))
}

fn hint(before: &str, behind: &str) -> &'static str {
    let previous = before.trim_end().chars().next_back().unwrap_or_default();
    match behind.chars().next().unwrap_or_default() {
        _ if before.ends_with('\\') => "this is no escape; a backslash itself is written \\\\",
        c if c < ' ' => "a line break or tab in a text is written \\n or \\t",
        '}' | ']' if previous == ',' => "nothing comes after the last comma: leave it out",
        '}' | ']' => "what is closed here was not opened, or is not complete",
        '\'' => "names and texts stand in double quotes",
        '/' | '#' => "JSON has no comments",
        c if c.is_alphabetic() => "names and texts stand in double quotes",
        '"' => "a comma or a colon is missing before it",
        _ => "this has no place here",
    }
}

/// The byte at a line and column as the library counts them.
pub(crate) fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    text.floor_char_boundary((start + column.saturating_sub(1)).min(text.len()))
}

/// The word that a byte is in, or the character that it begins.
pub(crate) fn excerpt(before: &str, behind: &str) -> String {
    let in_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let start: String = before.chars().rev().take_while(in_word).take(LONGEST_TOLD).collect();
    let end: String = behind.chars().take_while(in_word).take(LONGEST_TOLD).collect();
    let word = start.chars().rev().chain(end.chars()).collect::<String>();
    let word = if word.is_empty() { behind.chars().take(1).collect() } else { word };
    word.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
