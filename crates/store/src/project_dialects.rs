//! Projects' dialects: dialect files and event types, put and removed.

/// The project uses this dialect: it cannot be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse;
