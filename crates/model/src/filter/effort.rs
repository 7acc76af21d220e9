//! The work that a filter may take.

/// Limit on the work that a filter may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For runs that nobody else waits for: a few milliseconds.
    Calm,
    /// For runs that everybody waits for, as inside of a commit: a tenth of that.
    Hurried,
}
