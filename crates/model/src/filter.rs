//! Filters: which of the events of its types an endpoint wants, as an expression in CEL (<https://cel.dev>) over `event`.
//!
//! An expression is judged when it is saved: syntax, names, patterns, how deep it goes. It is metered when it runs: every
//! step of a loop and every value that is copied or searched is paid for out of a fixed allowance, so that no expression
//! over no event costs more than that. A filter that fails says why and decides nothing.

mod judge;
mod meter;
mod program;
mod scan;
mod subject;

use std::fmt;
use std::sync::{Arc, OnceLock};

use program::Program;
pub use subject::Subject;

/// Bytes of an expression.
pub const LONGEST: usize = 4096;

/// Bytes of the word why a filter failed: it is kept with a delivery.
pub const LONGEST_FAILURE: usize = 300;

/// An expression and what it was made into. Cloning shares both.
#[derive(Clone)]
pub struct Filter(Arc<Inner>);

struct Inner {
    source: String,
    /// Made when it is first needed, so that a start with many endpoints does not wait for all of them.
    program: OnceLock<Result<Program, NotAFilter>>,
}

/// How much work a filter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Where nobody else waits for it: a few milliseconds.
    Calm,
    /// Where everybody waits for it, as inside of a commit: a tenth of that.
    Hurried,
}

/// Everything that is wrong with an expression, each with its place where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct NotAFilter(Vec<String>);

impl NotAFilter {
    pub fn mistakes(&self) -> &[String] {
        &self.0
    }
}

impl Filter {
    pub fn parse(source: &str) -> Result<Self, NotAFilter> {
        let program = Program::compile(source)?;
        Ok(Self(Arc::new(Inner { source: source.to_owned(), program: OnceLock::from(Ok(program)) })))
    }

    /// One that was judged when it was saved. Should it not be right any more, it fails whenever it is asked.
    pub fn stored(source: String) -> Self {
        Self(Arc::new(Inner { source, program: OnceLock::new() }))
    }

    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Whether the endpoint wants the event, or why that cannot be said, in at most [`LONGEST_FAILURE`] bytes.
    pub fn passes(&self, subject: &Subject<'_>, pace: Pace) -> Result<bool, String> {
        match self.0.program.get_or_init(|| Program::compile(&self.0.source)) {
            Ok(program) => program.run(subject, pace),
            Err(wrong) => Err(bounded(wrong)),
        }
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Filter {}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.source()).finish()
    }
}

/// Writes as much of `words` as may be kept, and no more: the interpreter's own words can quote whole events.
fn bounded(words: impl fmt::Display) -> String {
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

#[cfg(test)]
mod tests;
