//! Limit on attempts in flight to one endpoint: starts small, grows with every success, falls when it does not answer.

use model::attempt::{FailureKind, Outcome};

/// Initial limit. Until its first success an endpoint is unproven and has only one attempt in flight.
const START: usize = 4;

#[derive(Clone, Debug)]
pub(crate) struct ConcurrencyLimit {
    limit: usize,
    ceiling: usize,
    unresponsive: bool,
}

/// The outcome of an attempt, as far as it bears on the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Success,
    /// The endpoint answered without success, or could not be reached.
    Failure,
    /// The endpoint held the request until the timeout, whatever it had answered by then.
    Silence,
}

impl Signal {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let broke_off = outcome.answer().and_then(|answer| answer.incomplete.as_ref());
        let failure = match outcome {
            Outcome::Answered(_) => broke_off,
            Outcome::Failed { failure, .. } => broke_off.or(Some(failure)),
        };
        match failure {
            Some(failure) if failure.kind == FailureKind::Timeout => Self::Silence,
            _ if outcome.is_success() => Self::Success,
            _ => Self::Failure,
        }
    }
}

impl ConcurrencyLimit {
    pub(crate) fn new(ceiling: usize) -> Self {
        Self { limit: START.min(ceiling).max(1), ceiling: ceiling.max(1), unresponsive: false }
    }

    /// A fresh limit with the same ceiling, for a receiver of which nothing is known.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.ceiling)
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// True if the last attempt ran into its timeout.
    pub(crate) fn is_unresponsive(&self) -> bool {
        self.unresponsive
    }

    pub(crate) fn note(&mut self, signal: Signal) {
        self.unresponsive = signal == Signal::Silence;
        self.limit = match signal {
            Signal::Success => (self.limit + 1).min(self.ceiling),
            Signal::Failure => (self.limit / 2).max(1),
            Signal::Silence => 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_grows_on_success_and_falls_to_one_on_silence() {
        let mut limit = ConcurrencyLimit::new(16);
        assert_eq!(limit.limit(), START);
        (0..100).for_each(|_| limit.note(Signal::Success));
        assert_eq!(limit.limit(), 16);
        limit.note(Signal::Failure);
        assert_eq!((limit.limit(), limit.is_unresponsive()), (8, false));
        limit.note(Signal::Silence);
        assert_eq!((limit.limit(), limit.is_unresponsive()), (1, true));
        limit.note(Signal::Success);
        assert_eq!((limit.limit(), limit.is_unresponsive()), (2, false));
    }

    #[test]
    fn who_holds_us_until_the_time_is_up_is_silent_whatever_was_answered() {
        use model::attempt::{Answer, Failure};

        let answered = |status, broke_off: Option<FailureKind>| {
            let mut answer = Answer { status, ..Answer::default() };
            if let Some(kind) = broke_off {
                answer.break_off(Failure::new(kind, ""));
            }
            Outcome::Answered(answer)
        };
        let cases = [
            (answered(200, None), Signal::Success),
            (answered(200, Some(FailureKind::Reset)), Signal::Success),
            (answered(200, Some(FailureKind::Timeout)), Signal::Silence),
            (answered(503, None), Signal::Failure),
            (answered(503, Some(FailureKind::Timeout)), Signal::Silence),
            (Outcome::failed(FailureKind::Timeout, ""), Signal::Silence),
            (Outcome::failed(FailureKind::Connect, ""), Signal::Failure),
            (answered(200, Some(FailureKind::Timeout)).but(Failure::new(FailureKind::Status, "")), Signal::Silence),
        ];
        for (outcome, signal) in cases {
            assert_eq!(Signal::of(&outcome), signal, "{outcome:?}");
        }
    }
}
