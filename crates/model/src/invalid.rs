//! Faults of an input: each with the field it is in and what would be right.

use serde::Serialize;

/// One fault, at a JSON pointer (RFC 6901) into what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub pointer: String,
    pub message: String,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// A member's name as it stands in a pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Maximum faults of one input that are reported.
const MOST: usize = 99;

/// Collects the faults of one input, so that a caller gets all of them at once. The first [`MOST`] are kept, and the
/// number of the others.
#[derive(Debug, Default)]
pub struct Faults {
    kept: Vec<Fault>,
    more: usize,
}

impl Faults {
    #[expect(clippy::needless_pass_by_value, reason = "callers pass literals and `format_args!` alike")]
    pub fn add(&mut self, pointer: impl Into<String>, message: impl ToString) {
        if self.kept.len() < MOST {
            self.kept.push(Fault::new(pointer, message.to_string()));
        } else {
            self.more += 1;
        }
    }

    /// Keeps the value, or notes the fault at `pointer` and goes on.
    pub fn check<T, E: ToString>(&mut self, pointer: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(pointer, error.to_string())).ok()
    }

    /// True if a fault at `pointer` is noted already.
    pub fn has(&self, pointer: &str) -> bool {
        self.kept.iter().any(|fault| fault.pointer == pointer)
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn into_result(self) -> Result<(), Vec<Fault>> {
        if self.kept.is_empty() { Ok(()) } else { Err(self.into_vec()) }
    }

    pub fn into_vec(self) -> Vec<Fault> {
        let Self { mut kept, more } = self;
        if more > 0 {
            kept.push(Fault::new("", format!("and {more} more")));
        }
        kept
    }
}
