//! Why a mail was not taken.

use std::time::Duration;

use lettre::transport::smtp;

/// What a mail server may take to accept one mail, from the lookup of its name to its last word.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendMailError {
    #[error("no mail can be written to this address: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("no mail can be made of this: {0}")]
    Unwritable(#[from] lettre::error::Error),
    #[error("the mail server did not take it: {0}")]
    Refused(#[from] smtp::Error),
    #[error("the mail server did not take it within {} s", PATIENCE.as_secs())]
    Timeout,
    #[error("sending it broke off, which is a bug")]
    Panicked,
}

impl SendMailError {
    /// Another try would fail as well. What a mail server refuses today it may take tomorrow, when somebody has set it
    /// right.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Unwritable(_))
    }
}
