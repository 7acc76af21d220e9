//! The work that a filter may take.

/// Limit on the work that a filter may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Where nobody else waits for it: a few milliseconds.
    Calm,
    /// Where everybody waits for it, as inside of a commit: a tenth of that.
    Hurried,
}
