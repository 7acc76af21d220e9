//! An endpoint's failure streak, and the rule by which a dialect disables it for that.

use std::time::Duration;

use crate::time::Timestamp;

/// Consecutive failed attempts. A success sets it back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub failure_count: u32,
    /// Time of the first of them.
    pub failing_since: Option<Timestamp>,
}

impl Health {
    #[must_use]
    pub fn after_failure(self, now: Timestamp) -> Self {
        Self { failure_count: self.failure_count.saturating_add(1), failing_since: self.failing_since.or(Some(now)) }
    }
}

/// The rule by which a dialect disables an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisableRule {
    /// Statuses that say "never again".
    pub on_status: Vec<u16>,
    /// Consecutive failures at which it is disabled; 0 is never.
    pub consecutive_failures: u32,
    /// Minimum time of failing before that.
    pub failing_for: Duration,
}

/// The status that says by itself what others say in words.
const GONE: u16 = 410;

impl DisableRule {
    /// Reason to disable an endpoint whose receiver said in `words` that it is gone: where `410 Gone` disables, so does
    /// that.
    pub fn reason_if_gone(&self, words: &str) -> Option<String> {
        self.on_status.contains(&GONE).then(|| format!("the receiver {words}"))
    }

    /// Reason to disable an endpoint in this state after an attempt that failed with `status`; `None` if it is not
    /// disabled.
    pub fn reason(&self, health: Health, status: Option<u16>, now: Timestamp) -> Option<String> {
        if let Some(status) = status.filter(|status| self.on_status.contains(status)) {
            return Some(format!("the receiver answered {status}"));
        }
        let failing_for = health.failing_since.map_or(Duration::ZERO, |since| now.since(since));
        let enough = self.consecutive_failures > 0 && health.failure_count >= self.consecutive_failures;
        if !enough || failing_for < self.failing_for {
            return None;
        }
        let count = health.failure_count;
        if self.failing_for.is_zero() {
            Some(format!("{count} failures in a row"))
        } else {
            Some(format!(
                "failing for {} without a success, {count} times in a row",
                crate::time::Span(self.failing_for)
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn health(failure_count: u32) -> Health {
        Health { failure_count, failing_since: Some(Timestamp::from_millis(0)) }
    }

    #[test]
    fn saying_gone_in_words_disables_where_the_status_does() {
        let rule = |on_status: &[u16]| DisableRule { on_status: on_status.to_vec(), ..DisableRule::default() };
        let words = "answered 404 no_service: the webhook was removed";
        let reason = rule(&[404, 410]).reason_if_gone(words);
        assert_eq!(reason.as_deref(), Some("the receiver answered 404 no_service: the webhook was removed"));
        assert_eq!(rule(&[404]).reason_if_gone(words), None);
    }

    #[test]
    fn a_rule_disables_on_a_status_on_a_count_and_after_a_time() {
        let standard = DisableRule {
            on_status: vec![410],
            consecutive_failures: 10,
            failing_for: Duration::from_secs(5 * 86_400),
        };
        let helpdesk = DisableRule { consecutive_failures: 10, ..DisableRule::default() };
        let never = DisableRule::default();
        let cases = [
            (&standard, 1, Some(410), 0, true),
            (&standard, 10, Some(500), 5 * DAY - 1, false),
            (&standard, 10, Some(500), 5 * DAY, true),
            (&standard, 9, None, 6 * DAY, false),
            (&helpdesk, 9, None, 0, false),
            (&helpdesk, 10, None, 0, true),
            (&helpdesk, 1, Some(410), 0, false),
            (&never, 1000, Some(410), 100 * DAY, false),
        ];
        for (rule, count, status, now, disabled) in cases {
            let reason = rule.reason(health(count), status, Timestamp::from_millis(now));
            assert_eq!(reason.is_some(), disabled, "{rule:?} {count} {status:?} {now}");
        }
    }
}
