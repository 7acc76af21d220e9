//! How the process ends.

pub const DONE: u8 = 0;
/// The server said no, or cannot be reached.
pub const FAILED: u8 = 1;
/// What was typed cannot be understood. clap's choice.
pub const WRONG_WORDS: u8 = 2;
/// Nothing is wrong, but something should be seen to.
pub const WARNINGS: u8 = 3;
pub const BAD_CONFIGURATION: u8 = 64;
