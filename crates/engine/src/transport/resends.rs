//! Requests without an answer: which may go out once more within their attempt, and over what connection.
//!
//! A request that was not begun, or was refused unprocessed, may. One that was begun may once, if the connection was a
//! reused one: those are closed by receivers at any time, also while a request is on its way. The receiver may get it
//! twice then, with the same ids. A request that went out over a fresh connection is never sent again by itself.

use model::attempt::Failure;

/// Maximum reused connections found stale in one attempt before a fresh one is made.
const MOST_STALE: usize = 3;

/// Maximum times a request is sent again after the receiver refused it unprocessed.
const MOST_REFUSED: usize = 3;

/// Reason why there is no answer.
#[derive(Debug)]
pub(super) struct SendError {
    pub(super) kind: SendErrorKind,
    /// Recorded if the request is not sent again.
    pub(super) failure: Failure,
}

/// The way an exchange ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendErrorKind {
    /// Nothing of the request was written.
    NotSent,
    /// The receiver guarantees that it did nothing with it (RFC 9113, section 8.7).
    Unprocessed,
    /// As [`Self::Unprocessed`], because the receiver ends the connection.
    GoingAway,
    /// The receiver wants it over HTTP/1.1 (`HTTP_1_1_REQUIRED`).
    WantsHttp1,
    /// The connection ended before any byte of the answer came.
    Silent,
    /// Any other end.
    Failed,
}

/// The tries of one attempt.
#[derive(Debug, Default)]
pub(super) struct Resends {
    stale: usize,
    refused: usize,
    was_silent: bool,
}

impl Resends {
    /// True if a connection from the pool may be used.
    pub(super) fn may_reuse(&self) -> bool {
        self.stale < MOST_STALE && !self.was_silent
    }

    /// A connection from the pool had ended before anything was written to it.
    pub(super) fn was_stale(&mut self) {
        self.stale += 1;
    }

    /// True if the request may be sent again after this end, over a connection that was reused or fresh.
    pub(super) fn allows(&mut self, end: SendErrorKind, reused: bool) -> bool {
        match end {
            SendErrorKind::NotSent => {
                self.stale += 1;
                reused && self.stale <= MOST_STALE
            }
            SendErrorKind::Unprocessed | SendErrorKind::GoingAway | SendErrorKind::WantsHttp1 => {
                self.refused += 1;
                self.refused <= MOST_REFUSED
            }
            SendErrorKind::Silent => reused && !std::mem::replace(&mut self.was_silent, true),
            SendErrorKind::Failed => false,
        }
    }
}

impl SendErrorKind {
    /// Note for a person about a request that was sent again after this; none if it was not begun.
    pub(super) fn note(self) -> Option<&'static str> {
        match self {
            Self::NotSent | Self::Failed => None,
            Self::Unprocessed | Self::GoingAway => {
                Some("the receiver refused the request without processing it; it was sent again at once")
            }
            Self::WantsHttp1 => Some("the receiver asked for HTTP/1.1; the request was sent again over that"),
            Self::Silent => Some(
                "the connection, which earlier requests had used, ended before an answer came; the request was sent again \
                 over a new one",
            ),
        }
    }
}

impl SendError {
    pub(super) fn failed(failure: Failure) -> Self {
        Self { kind: SendErrorKind::Failed, failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of times that a request is sent if every exchange ends in `end`.
    fn sent(end: SendErrorKind, reused: bool) -> usize {
        let mut resends = Resends::default();
        1 + (0..100).take_while(|_| resends.allows(end, reused)).count()
    }

    #[test]
    fn each_end_allows_so_many_times() {
        let cases = [
            (SendErrorKind::NotSent, true, 1 + MOST_STALE),
            (SendErrorKind::NotSent, false, 1),
            (SendErrorKind::Unprocessed, true, 1 + MOST_REFUSED),
            (SendErrorKind::Unprocessed, false, 1 + MOST_REFUSED),
            (SendErrorKind::GoingAway, false, 1 + MOST_REFUSED),
            (SendErrorKind::WantsHttp1, false, 1 + MOST_REFUSED),
            (SendErrorKind::Silent, true, 2),
            (SendErrorKind::Silent, false, 1),
            (SendErrorKind::Failed, true, 1),
            (SendErrorKind::Failed, false, 1),
        ];
        for (end, reused, times) in cases {
            assert_eq!(sent(end, reused), times, "{end:?} {reused}");
        }
    }

    #[test]
    fn after_silence_the_pool_is_not_asked_again() {
        let mut resends = Resends::default();
        assert!(resends.may_reuse());
        assert!(resends.allows(SendErrorKind::Unprocessed, true) && resends.may_reuse());
        assert!(resends.allows(SendErrorKind::Silent, true) && !resends.may_reuse());
        assert!(!resends.allows(SendErrorKind::Silent, true));
    }
}
