//! Result of an inspection of all that is stored for damage.

/// Rows that were read, and their damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    pub rows: u64,
    /// Empty if everything can be read and fits together.
    pub damage: Vec<String>,
}
