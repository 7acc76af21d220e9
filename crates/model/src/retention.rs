//! Retention: how long events, and what became of them, are kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::{Span, Timestamp};

/// A retention period: `"30d"`, or `"forever"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    For(Span),
    Forever,
}

/// Retention periods of a project's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events, their deliveries and attempts, idempotency keys, jobs that ended.
    pub contents: Period,
    /// Bodies that receivers answered, and those sent to them that cannot be made again. Never longer than the attempts
    /// themselves.
    pub attempt_bodies: Period,
}

/// A project's own periods. The rest is the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    pub contents: Option<Period>,
    pub attempt_bodies: Option<Period>,
}

/// Minimum period for contents: a request that is repeated within a day is recognised.
pub const SHORTEST_CONTENTS: Duration = Duration::from_secs(86_400);

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, thiserror::Error)]
#[error("not a time to keep things for: write a duration of at most 366d, for example \"30d\", or \"forever\"")]
pub struct NotAPeriod;

#[derive(Debug, thiserror::Error)]
#[error("too short: contents are kept for at least 1d, so that repeated requests are recognised")]
pub struct TooShort;

impl Period {
    /// Time before which everything has been kept long enough at `now`; `None` if it is kept for ever.
    pub fn over_before(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::For(span) => Some(now - span.0),
            Self::Forever => None,
        }
    }

    /// Time at which something made at `made_at` has been kept long enough.
    pub fn over_at(self, made_at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::For(span) => Some(made_at + span.0),
            Self::Forever => None,
        }
    }

    /// Checks that the period is long enough for contents.
    pub fn for_contents(self) -> Result<Self, TooShort> {
        if self < Self::For(Span(SHORTEST_CONTENTS)) { Err(TooShort) } else { Ok(self) }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { contents: Period::For(Span(30 * DAY)), attempt_bodies: Period::For(Span(7 * DAY)) }
    }
}

impl Chosen {
    /// These periods, with those of `servers` where none is set.
    pub fn or(self, servers: Retention) -> Retention {
        Retention {
            contents: self.contents.unwrap_or(servers.contents),
            attempt_bodies: self.attempt_bodies.unwrap_or(servers.attempt_bodies),
        }
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        match text {
            "forever" => Ok(Self::Forever),
            _ => text.parse().map(Self::For).map_err(|_| NotAPeriod),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(span) => span.fmt(f),
            Self::Forever => f.write_str("forever"),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_reads_and_prints_as_it_is_written() {
        for text in ["30d", "36h", "0s", "forever"] {
            assert_eq!(period(text).to_string(), text);
        }
        for text in ["", "30", "-1d", "Forever", "never", "null", "367d"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn contents_are_kept_for_a_day_at_least() {
        for (text, fits) in [("0s", false), ("23h", false), ("24h", true), ("30d", true), ("forever", true)] {
            assert_eq!(period(text).for_contents().is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn what_a_project_does_not_say_is_as_the_server_has_it() {
        let servers = Retention::default();
        assert_eq!(Chosen::default().or(servers), servers);
        let chosen = Chosen { contents: Some(Period::Forever), attempt_bodies: None };
        assert_eq!(chosen.or(servers), Retention { contents: Period::Forever, ..servers });
    }

    #[test]
    fn nothing_is_ever_too_old_where_it_is_kept_for_ever() {
        let now = Timestamp::from_millis(100 * 86_400_000);
        assert_eq!(period("30d").over_before(now), Some(Timestamp::from_millis(70 * 86_400_000)));
        assert_eq!(period("30d").over_at(Timestamp::from_millis(70 * 86_400_000)), Some(now));
        assert_eq!((Period::Forever.over_before(now), Period::Forever.over_at(now)), (None, None));
    }
}
