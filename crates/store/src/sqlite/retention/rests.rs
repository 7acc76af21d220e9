//! How long walks rest.

use std::time::Duration;

/// A walk that came to its end looks no oftener: what grows too old in the meantime goes together.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

pub(super) const DAY: Duration = Duration::from_secs(86_400);
