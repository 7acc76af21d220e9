//! An endpoint's run of failures.

use model::health::Health;
use model::time::Timestamp;

/// An endpoint's run of failures, as its row has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FailureStreak {
    pub(crate) health: Health,
    /// A delivery was given up, or the endpoint disabled, since the last success.
    pub(crate) in_trouble: bool,
    /// Admins were told of this trouble, by mail.
    pub(crate) notified: bool,
    /// When they were last told of trouble, this or an earlier one.
    pub(crate) notified_at: Option<Timestamp>,
}

impl FailureStreak {
    /// After a success.
    pub(crate) fn after_success(self) -> Self {
        Self { notified_at: self.notified_at, ..Self::default() }
    }

    /// After admins were told of trouble.
    pub(crate) fn notified(self, at: Timestamp) -> Self {
        Self { notified: true, notified_at: Some(at), ..self }
    }

    /// Forgets failures that are over because somebody resumed the endpoint, but not that there was trouble.
    pub(crate) fn reset(self) -> Self {
        Self { health: Health::default(), ..self }
    }
}
