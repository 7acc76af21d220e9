//! The step after an attempt: done, again at a time, or given up. Decided here and nowhere else.

mod after;

use std::time::Duration;

use crate::attempt::{FailureKind, Outcome};
use crate::time::Timestamp;

pub use after::RetryAfter;

/// Longer schedules are refused.
pub const MOST_RETRIES: usize = 100;

/// Retry policy of a delivery: its dialect's, with the endpoint's own schedule where it has one.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Waits before the second attempt, the third, …
    pub schedule: Vec<Duration>,
    /// Failures that are retried at all.
    pub on: RetryOn,
    /// Share of each wait by which it may be shorter or longer; 0 is exact.
    pub jitter: f64,
    pub retry_after: RetryAfter,
}

/// Classes of failures and single statuses that are retried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryOn {
    pub timeout: bool,
    /// No connection, no name, no TLS, a reset, an answer that is not HTTP.
    pub connection: bool,
    /// By the status' hundreds: 1xx to 5xx at 1 to 5.
    pub classes: [bool; 6],
    pub statuses: Vec<u16>,
    /// Never retried, though their class is.
    pub except: Vec<u16>,
}

/// Hint about the next attempt in a receiver's answer, where it is understood beyond its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryHint {
    #[default]
    ByPolicy,
    /// Again, and not before this wait, whatever the policy retries: it was only too early.
    After(Duration),
    /// The same request will be refused again.
    Never,
    /// Nothing that is sent there will ever be taken.
    Gone,
}

/// The fate of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Again(Timestamp),
    /// No further attempt by itself. `exhausted` when the schedule ran out, otherwise the failure is final.
    GiveUp {
        exhausted: bool,
    },
}

impl Policy {
    /// The step after `outcome`, when `retries_used` waits of the schedule are used up. `dice` is in `0.0..1.0`.
    pub fn next(&self, retries_used: u32, outcome: &Outcome, now: Timestamp, dice: f64) -> Next {
        if outcome.is_success() {
            return Next::Delivered;
        }
        if !self.on.covers(outcome) {
            return Next::GiveUp { exhausted: false };
        }
        let asked = outcome.answer().and_then(|answer| self.retry_after.wait(answer, now));
        self.again(retries_used, asked, now, dice)
    }

    /// As [`Self::next`], unless the answer says otherwise.
    pub fn advised(&self, advice: RetryHint, retries_used: u32, outcome: &Outcome, now: Timestamp, dice: f64) -> Next {
        match advice {
            _ if outcome.is_success() => Next::Delivered,
            RetryHint::ByPolicy => self.next(retries_used, outcome, now, dice),
            RetryHint::After(wait) => self.again(retries_used, Some(wait.min(self.retry_after.max)), now, dice),
            RetryHint::Never | RetryHint::Gone => Next::GiveUp { exhausted: false },
        }
    }

    /// Another attempt after the schedule's wait, as long as that has one. The wait that was asked for is a minimum: a
    /// receiver can put the next attempt off, and never bring it forward, so it cannot use up the schedule.
    fn again(&self, retries_used: u32, asked: Option<Duration>, now: Timestamp, dice: f64) -> Next {
        match self.schedule.get(retries_used as usize) {
            Some(wait) => Next::Again(now + jittered(*wait, self.jitter, dice).max(asked.unwrap_or_default())),
            None => Next::GiveUp { exhausted: true },
        }
    }
}

fn jittered(wait: Duration, jitter: f64, dice: f64) -> Duration {
    wait.mul_f64(1.0 + jitter * (2.0 * dice - 1.0))
}

impl RetryOn {
    /// True if the policy retries this outcome: by the status wherever one came, by the kind of failure where none did.
    fn covers(&self, outcome: &Outcome) -> bool {
        let (failure, answer) = match outcome {
            Outcome::Answered(answer) => return self.covers_status(answer.status),
            Outcome::Failed { failure, answer } => (failure, answer),
        };
        match (answer, failure.kind) {
            (Some(answer), _) if !answer.is_success() => self.covers_status(answer.status),
            // An error inside a 2xx: what stands behind the receiver did not answer.
            (Some(_), _) => self.connection,
            (None, FailureKind::Timeout) => self.timeout,
            // A request that cannot be built today cannot be built tomorrow: it waits for a person.
            (None, FailureKind::Render) => false,
            (
                None,
                FailureKind::Dns
                | FailureKind::Connect
                | FailureKind::Tls
                | FailureKind::Reset
                | FailureKind::Blocked
                | FailureKind::Protocol
                | FailureKind::Body
                | FailureKind::Status,
            ) => self.connection,
        }
    }

    /// True if an answer with this status is retried.
    pub fn covers_status(&self, status: u16) -> bool {
        if self.except.contains(&status) {
            return false;
        }
        let class = self.classes.get(usize::from(status / 100)).copied().unwrap_or(false);
        class || self.statuses.contains(&status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Answer, Failure};

    const NOW: Timestamp = Timestamp::from_millis(1_769_851_800_000);

    fn policy() -> Policy {
        Policy {
            schedule: vec![Duration::from_secs(1), Duration::from_secs(10)],
            on: RetryOn {
                timeout: true,
                connection: true,
                classes: [false, true, false, true, true, true],
                statuses: vec![],
                except: vec![410],
            },
            jitter: 0.0,
            retry_after: RetryAfter { on: vec![429, 503], max: Duration::from_secs(3600) },
        }
    }

    fn answered(status: u16, headers: &[(&str, &str)]) -> Outcome {
        let headers = headers.iter().copied().collect();
        Outcome::Answered(Answer { status, headers, ..Answer::default() })
    }

    fn again(seconds: u64) -> Next {
        Next::Again(NOW + Duration::from_secs(seconds))
    }

    #[test]
    fn every_outcome_has_its_fate() {
        let cases = [
            (0, answered(200, &[]), Next::Delivered),
            (0, answered(204, &[]), Next::Delivered),
            (0, answered(301, &[]), again(1)),
            (0, answered(404, &[]), again(1)),
            (0, answered(410, &[]), Next::GiveUp { exhausted: false }),
            (0, answered(500, &[]), again(1)),
            (1, answered(500, &[]), again(10)),
            (2, answered(500, &[]), Next::GiveUp { exhausted: true }),
            (0, answered(999, &[]), Next::GiveUp { exhausted: false }),
            (0, Outcome::failed(FailureKind::Timeout, ""), again(1)),
            (0, Outcome::failed(FailureKind::Blocked, ""), again(1)),
            (0, Outcome::failed(FailureKind::Render, ""), Next::GiveUp { exhausted: false }),
            (2, Outcome::failed(FailureKind::Connect, ""), Next::GiveUp { exhausted: true }),
        ];
        for (used, outcome, expected) in cases {
            assert_eq!(policy().next(used, &outcome, NOW, 0.5), expected, "{used} {outcome:?}");
        }
    }

    #[test]
    fn what_became_of_a_body_changes_nothing_of_what_its_status_says() {
        let mut policy = policy();
        policy.on.timeout = false;
        policy.on.connection = false;
        for kind in FailureKind::ALL {
            for (status, expected) in
                [(200, Next::Delivered), (500, again(1)), (410, Next::GiveUp { exhausted: false })]
            {
                let mut answer = Answer { status, ..Answer::default() };
                answer.break_off(Failure::new(kind, ""));
                let outcome = Outcome::Answered(answer);
                assert_eq!(policy.next(0, &outcome, NOW, 0.5), expected, "{status} {kind:?}");
            }
        }
    }

    #[test]
    fn retry_after_is_the_least_wait_on_429_and_503_up_to_a_cap() {
        let cases = [
            (503, "120", again(120)),
            (429, "0", again(1)),
            (429, "1", again(1)),
            (503, "Sat, 31 Jan 2026 09:32:00 GMT", again(120)),
            (503, "Sat, 31 Jan 2026 09:00:00 GMT", again(1)),
            (503, "Sunday, 06-Nov-94 08:49:37 GMT", again(1)),
            (503, "Sat Jan 31 09:32:00 2026", again(120)),
            (503, "999999", again(3600)),
            (503, "99999999999999999999999", again(3600)),
            (503, "soon", again(1)),
            (503, "-5", again(1)),
            (500, "120", again(1)),
        ];
        for (status, value, expected) in cases {
            let outcome = answered(status, &[("Retry-After", value)]);
            assert_eq!(policy().next(0, &outcome, NOW, 0.5), expected, "{status} {value}");
        }
    }

    #[test]
    fn advice_goes_before_the_policy_but_not_before_the_schedule() {
        let refused = Outcome::failed(FailureKind::Render, "");
        let after = |seconds| RetryHint::After(Duration::from_secs(seconds));
        let given_up = Next::GiveUp { exhausted: false };
        let cases = [
            (0, answered(429, &[("retry-after", "9")]), after(2), again(2)),
            (0, answered(429, &[]), after(99_999), again(3600)),
            (0, refused.clone(), after(2), again(2)),
            (1, refused, after(2), again(10)),
            (2, answered(429, &[]), after(2), Next::GiveUp { exhausted: true }),
            (0, answered(500, &[]), RetryHint::Never, given_up),
            (2, answered(500, &[]), RetryHint::Gone, given_up),
            (0, answered(200, &[]), RetryHint::Never, Next::Delivered),
        ];
        for (used, outcome, advice, expected) in cases {
            assert_eq!(policy().advised(advice, used, &outcome, NOW, 0.5), expected, "{used} {outcome:?} {advice:?}");
        }
    }

    #[test]
    fn an_answer_told_in_other_words_is_retried_as_its_status_is() {
        let cases = [(500, again(1)), (410, Next::GiveUp { exhausted: false }), (200, again(1))];
        for (status, expected) in cases {
            let outcome = answered(status, &[]).but(Failure::new(FailureKind::Status, "in other words"));
            assert_eq!(policy().next(0, &outcome, NOW, 0.5), expected, "{status}");
        }
    }

    #[test]
    fn retry_after_adds_no_attempts() {
        let outcome = answered(503, &[("retry-after", "1")]);
        assert_eq!(policy().next(2, &outcome, NOW, 0.5), Next::GiveUp { exhausted: true });
    }

    #[test]
    fn jitter_moves_a_wait_by_its_share_at_most() {
        let policy = Policy { jitter: 0.1, ..policy() };
        let wait = |dice| match policy.next(1, &answered(500, &[]), NOW, dice) {
            Next::Again(at) => NOW.until(at),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(0.0), Duration::from_secs(9));
        assert_eq!(wait(0.5), Duration::from_secs(10));
        assert!(wait(0.999) < Duration::from_secs(11));
    }
}
