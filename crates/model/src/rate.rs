//! An endpoint's rate limit: a token bucket that starts full.

use std::time::Duration;

use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// `{"requests":100,"per":"1s"}`: 100 attempts a second, evenly refilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    pub requests: u32,
    pub per: Span,
}

#[derive(Debug, thiserror::Error)]
#[error("a rate limit has 1 to 100000 requests per 1s to 24h")]
pub struct NotARateLimit;

impl RateLimit {
    pub fn check(self) -> Result<Self, NotARateLimit> {
        let fits = (1..=100_000).contains(&self.requests)
            && (Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&self.per.0);
        if fits { Ok(self) } else { Err(NotARateLimit) }
    }

    /// Milliseconds until one token is back.
    fn interval(self) -> f64 {
        self.per.0.as_secs_f64() * 1000.0 / f64::from(self.requests)
    }
}

/// The part of a limit that is left. Takes the time from its caller.
#[derive(Clone, Debug)]
pub struct Bucket {
    limit: RateLimit,
    tokens: f64,
    filled_at: Timestamp,
}

impl Bucket {
    pub fn full(limit: RateLimit, now: Timestamp) -> Self {
        Self { limit, tokens: f64::from(limit.requests), filled_at: now }
    }

    /// A bucket that somebody else may have emptied until just now.
    pub fn empty(limit: RateLimit, now: Timestamp) -> Self {
        Self { limit, tokens: 0.0, filled_at: now }
    }

    pub fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Shifts its time after the clock was set ahead by `by` milliseconds, or back if that is negative: it fills as if
    /// nobody had set it.
    pub fn clock_was_set(&mut self, by: i64) {
        self.filled_at = self.filled_at.shifted(by);
    }

    /// Takes one token, or returns the time at which there will be one.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let passed = now.since(self.filled_at).as_secs_f64() * 1000.0;
        self.tokens = (self.tokens + passed / self.limit.interval()).min(f64::from(self.limit.requests));
        self.filled_at = self.filled_at.max(now);
        // Rounding may leave a token a hair short of whole after exactly its interval.
        if self.tokens > 1.0 - 1e-6 {
            self.tokens = (self.tokens - 1.0).max(0.0);
            return Ok(());
        }
        let wait = ((1.0 - self.tokens) * self.limit.interval()).ceil().max(1.0);
        Err(now + Duration::from_secs_f64(wait / 1000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_starts_full_and_refills_evenly() {
        let limit = RateLimit { requests: 2, per: "1s".parse().unwrap() };
        let start = Timestamp::from_millis(0);
        let mut bucket = Bucket::full(limit, start);
        assert!(bucket.take(start).is_ok());
        assert!(bucket.take(start).is_ok());
        let next = bucket.take(start).unwrap_err();
        assert_eq!(next, Timestamp::from_millis(500));
        assert!(bucket.take(next).is_ok());
        assert!(bucket.take(next).is_err());
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_tokens() {
        let limit = RateLimit { requests: 1, per: "1s".parse().unwrap() };
        let mut bucket = Bucket::full(limit, Timestamp::from_millis(10_000));
        assert!(bucket.take(Timestamp::from_millis(10_000)).is_ok());
        assert!(bucket.take(Timestamp::from_millis(0)).is_err());
        assert!(bucket.take(Timestamp::from_millis(10_500)).is_err());
        assert!(bucket.take(Timestamp::from_millis(11_000)).is_ok());
    }
}
