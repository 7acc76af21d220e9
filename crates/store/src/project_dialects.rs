//! What projects say about their own ways of speaking: dialect files and event types, put and removed.

/// The project speaks this dialect: it cannot be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse;
