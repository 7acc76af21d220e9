//! Rests of retention's cursors.

use std::time::Duration;

/// Minimum rest of a cursor that came to its end: what grows too old in the meantime is deleted together.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

pub(super) const DAY: Duration = Duration::from_secs(86_400);
