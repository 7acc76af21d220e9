//! Excerpts of the JSON that somebody sent, as they are told back.

/// Characters of what somebody sent that are told back.
const LONGEST_TOLD: usize = 80;

/// A key as it stands in a pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The beginning of a text that somebody sent, short enough to be told back.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TOLD) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
