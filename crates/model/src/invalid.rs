//! What was wrong with an input: every fault, with the field it is in and what would be right.

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

/// Collects the faults of one input, so that a caller is told all of them at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    #[expect(clippy::needless_pass_by_value, reason = "callers pass literals and `format_args!` alike")]
    pub fn add(&mut self, pointer: impl Into<String>, message: impl ToString) {
        self.0.push(Fault::new(pointer, message.to_string()));
    }

    /// Keeps the value, or notes the fault at `pointer` and goes on.
    pub fn check<T, E: ToString>(&mut self, pointer: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(pointer, error.to_string())).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_result(self) -> Result<(), Vec<Fault>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}
