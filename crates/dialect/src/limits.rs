//! Size limit of dialect files.

/// Maximum bytes of a dialect file.
pub const LONGEST: usize = 256 * 1024;
