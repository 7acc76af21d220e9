//! Excerpts of the JSON that somebody sent, as they are told back.

/// Characters of what somebody sent that are told back.
const LONGEST_TOLD: usize = 80;

/// The beginning of a text that somebody sent, short enough to be told back.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TOLD) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
