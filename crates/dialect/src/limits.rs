//! How much of a dialect is read.

/// Longer files are refused.
pub const LONGEST: usize = 256 * 1024;
