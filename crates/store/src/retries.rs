//! Retries by hand: a person asks for one more attempt.

/// Result of a retry by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// The delivery is due now.
    Due,
    /// The endpoint is deleted: there is nowhere to send it.
    NoEndpoint,
}
