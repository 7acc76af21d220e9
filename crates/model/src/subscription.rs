//! Event types and the patterns by which an endpoint chooses among them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};

/// Operational events of Posthaste itself. An endpoint gets them only when it names them.
pub const OPERATIONAL: &str = "posthaste.";

/// Longer names are refused.
const LONGEST: usize = 128;

/// `invoice.paid`: words of letters, digits and underscores between full stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventType(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error(
    "an event type has words of letters, digits and underscores between full stops, at most 128 characters, for example invoice.paid"
)]
pub struct NotAnEventType;

impl EventType {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_operational(&self) -> bool {
        self.0.starts_with(OPERATIONAL)
    }
}

fn is_name(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text.len() <= LONGEST && text.split('.').all(word)
}

impl FromStr for EventType {
    type Err = NotAnEventType;

    fn from_str(text: &str) -> Result<Self, NotAnEventType> {
        if is_name(text) { Ok(Self(text.into())) } else { Err(NotAnEventType) }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// `*`, `order.*` or one type by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    All,
    /// Everything below a prefix, which ends in a full stop.
    Below(String),
    One(EventType),
}

#[derive(Debug, thiserror::Error)]
#[error("not an event type or pattern: write a type (invoice.paid), a prefix (invoice.*) or *")]
pub struct NotAPattern;

impl Pattern {
    fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::All => !event_type.is_operational(),
            Self::Below(prefix) => event_type.as_str().starts_with(prefix),
            Self::One(named) => named == event_type,
        }
    }
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        if text == "*" {
            return Ok(Self::All);
        }
        match text.strip_suffix(".*") {
            Some(prefix) if is_name(prefix) => Ok(Self::Below(format!("{prefix}."))),
            Some(_) => Err(NotAPattern),
            None => text.parse().map(Self::One).map_err(|_| NotAPattern),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Below(prefix) => write!(f, "{prefix}*"),
            Self::One(event_type) => fmt::Display::fmt(event_type, f),
        }
    }
}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The event types that an endpoint wants. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription(Vec<Pattern>);

impl Subscription {
    /// More patterns than this are refused.
    pub const MOST: usize = 256;

    pub fn all() -> Self {
        Self(vec![Pattern::All])
    }

    /// `None` when there is no pattern in it, or there are too many.
    pub fn new(patterns: Vec<Pattern>) -> Option<Self> {
        (1..=Self::MOST).contains(&patterns.len()).then_some(Self(patterns))
    }

    pub fn wants(&self, event_type: &EventType) -> bool {
        self.0.iter().any(|pattern| pattern.matches(event_type))
    }

    pub fn patterns(&self) -> &[Pattern] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(patterns: &[&str], event_type: &str) -> bool {
        let patterns = patterns.iter().map(|text| text.parse().unwrap()).collect();
        Subscription::new(patterns).unwrap().wants(&event_type.parse().unwrap())
    }

    #[test]
    fn patterns_choose_types() {
        assert!(wants(&["*"], "order.created"));
        assert!(wants(&["order.*"], "order.created"));
        assert!(wants(&["order.*"], "order.line.added"));
        assert!(!wants(&["order.*"], "order"));
        assert!(!wants(&["order.*"], "orders.created"));
        assert!(wants(&["a", "order.created"], "order.created"));
        assert!(!wants(&["order.created"], "order.created.late"));
    }

    #[test]
    fn operational_events_go_only_to_endpoints_that_name_them() {
        assert!(!wants(&["*"], "posthaste.endpoint.disabled"));
        assert!(wants(&["posthaste.*"], "posthaste.endpoint.disabled"));
        assert!(wants(&["posthaste.endpoint.disabled"], "posthaste.endpoint.disabled"));
    }

    #[test]
    fn what_is_no_type_or_pattern_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a b", "a-b", "ä", "**", "*.a", "a.*.b", ".*", "a*"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
        assert!("a.*".parse::<EventType>().is_err());
    }
}
