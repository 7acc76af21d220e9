//! Text from a stranger, fit for a terminal.

/// Text from a stranger, fit for a terminal: control characters, which could move the cursor or worse, become visible.
/// Lines and tabs stay.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

pub(super) fn one_line(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}
