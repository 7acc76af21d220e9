//! A person asks for one more attempt.

/// Whether a delivery can be tried once more by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Due,
    /// Its endpoint is deleted: there is nowhere to send it.
    NoEndpoint,
}
