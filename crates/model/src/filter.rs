//! Filters: the events of its types that an endpoint wants, as an expression in CEL (<https://cel.dev>) over `event`.
//!
//! An expression is judged when it is saved: syntax, names, patterns, depth. It is metered when it runs: every step of
//! a loop and every value that is copied or searched is paid for out of a fixed allowance, so that no expression over
//! no event costs more than that. A filter that fails says why and decides nothing.

mod effort;
mod judge;
mod meter;
mod not_a_filter;
mod pattern;
mod position;
mod program;
mod scan;
mod subject;

use std::fmt;
use std::sync::{Arc, OnceLock};

use self::not_a_filter::bounded;
use self::program::Program;

pub use self::effort::Effort;
pub use self::not_a_filter::{LONGEST, LONGEST_FAILURE, NotAFilter};
pub use self::subject::Subject;

/// An expression and its compiled form. Cloning shares both.
#[derive(Clone)]
pub struct Filter(Arc<Inner>);

struct Inner {
    source: String,
    /// Made when it is first needed, so that a start with many endpoints does not wait for all of them.
    program: OnceLock<Result<Program, NotAFilter>>,
}

impl Filter {
    pub fn parse(source: &str) -> Result<Self, NotAFilter> {
        let program = Program::compile(source)?;
        Ok(Self(Arc::new(Inner { source: source.to_owned(), program: OnceLock::from(Ok(program)) })))
    }

    /// A filter that was judged when it was saved. Should it not be right any more, it fails whenever it is evaluated.
    pub fn stored(source: String) -> Self {
        Self(Arc::new(Inner { source, program: OnceLock::new() }))
    }

    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// True if the endpoint wants the event; an error says why that cannot be decided, in at most [`LONGEST_FAILURE`]
    /// bytes.
    pub fn passes(&self, subject: &Subject<'_>, pace: Effort) -> Result<bool, String> {
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

#[cfg(test)]
mod tests;
