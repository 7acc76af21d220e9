//! What looking for damage in all that is stored came to.

/// What was read, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    pub rows: u64,
    /// Nothing, if all can be read and fits together.
    pub damage: Vec<String>,
}
