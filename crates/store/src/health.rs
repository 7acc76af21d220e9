//! An endpoint's run of failures.

use model::health::Health;
use model::time::Timestamp;

/// An endpoint's run of failures, as its row has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) health: Health,
    /// A delivery was given up, or the endpoint disabled, since the last success.
    pub(crate) troubled: bool,
    /// Admins were told of this trouble, by mail.
    pub(crate) told: bool,
    /// When they were last told of trouble, this or an earlier one.
    pub(crate) told_at: Option<Timestamp>,
}

impl Run {
    /// After a success.
    pub(crate) fn well(self) -> Self {
        Self { told_at: self.told_at, ..Self::default() }
    }

    /// After admins were told of trouble.
    pub(crate) fn told(self, at: Timestamp) -> Self {
        Self { told: true, told_at: Some(at), ..self }
    }

    /// Forgets failures that are over because somebody resumed the endpoint, but not that there was trouble.
    pub(crate) fn forgiven(self) -> Self {
        Self { health: Health::default(), ..self }
    }
}
