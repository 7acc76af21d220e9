//! An endpoint's failure streak.

use model::health::Health;
use model::time::Timestamp;

/// An endpoint's failure streak, as its row has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FailureStreak {
    pub(crate) health: Health,
    /// A delivery was given up, or the endpoint disabled, since the last success.
    pub(crate) in_trouble: bool,
    /// Admins were notified of this trouble, by mail.
    pub(crate) notified: bool,
    /// Time of the last mail about trouble, this or an earlier one.
    pub(crate) notified_at: Option<Timestamp>,
}

impl FailureStreak {
    /// The streak after a success.
    pub(crate) fn after_success(self) -> Self {
        Self { notified_at: self.notified_at, ..Self::default() }
    }

    /// The streak after admins were notified of trouble.
    pub(crate) fn notified(self, at: Timestamp) -> Self {
        Self { notified: true, notified_at: Some(at), ..self }
    }

    /// Clears failures that are over because somebody resumed the endpoint, but not that there was trouble.
    pub(crate) fn reset(self) -> Self {
        Self { health: Health::default(), ..self }
    }
}
