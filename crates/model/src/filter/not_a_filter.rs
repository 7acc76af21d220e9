//! Mistakes of an expression and reasons of failures, in bounded text.

use std::fmt;

/// Maximum bytes of an expression.
pub const LONGEST: usize = 4096;

/// Maximum bytes of the reason why a filter failed: it is kept with a delivery.
pub const LONGEST_FAILURE: usize = 300;

/// All mistakes of an expression, each with its position where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct NotAFilter(pub(super) Vec<String>);

impl NotAFilter {
    pub fn mistakes(&self) -> &[String] {
        &self.0
    }
}

/// Writes as much of `words` as may be kept, and no more: the interpreter's own words can quote whole events.
pub(super) fn bounded(words: impl fmt::Display) -> String {
    struct Bounded(String);

    impl fmt::Write for Bounded {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = LONGEST_FAILURE - '…'.len_utf8() - self.0.len();
            if text.len() <= room {
                self.0.push_str(text);
                return Ok(());
            }
            self.0.push_str(&text[..text.floor_char_boundary(room)]);
            self.0.push('…');
            Err(fmt::Error)
        }
    }

    let mut kept = Bounded(String::new());
    // It stops where it is full, which is no failure.
    let _ = fmt::write(&mut kept, format_args!("{words}"));
    kept.0
}
