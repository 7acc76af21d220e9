//! Event types and the patterns by which an endpoint chooses among them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};

/// Operational events of Posthaste itself. An endpoint gets them only when it names them.
pub const OPERATIONAL: &str = "posthaste.";

/// Longer names are refused.
const LONGEST: usize = 128;

/// Names that a dialect's event types may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// Words of letters, digits and underscores between full stops: `invoice.paid`.
    #[default]
    Dotted,
    /// Visible ASCII characters except those that patterns and lists are written with: `orders/create`, `invoice-paid`,
    /// `a:b`.
    Any,
}

/// A name that some dialect may have, see [`Names::Any`]. The project's own rule is applied where one is taken in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventType(Arc<str>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEventType {
    #[error(
        "an event type has words of letters, digits and underscores between full stops, at most {LONGEST} characters, for example invoice.paid (a dialect with names = \"any\" in its [catalogue] has others as well)"
    )]
    Dotted,
    #[error(
        "an event type has 1 to {LONGEST} visible ASCII characters, none of them * or a comma, for example orders/create"
    )]
    Any,
}

impl Names {
    /// Parses a name that these rules allow.
    pub fn event_type(self, text: &str) -> Result<EventType, NotAnEventType> {
        if self.allow(text) { Ok(EventType(text.into())) } else { Err(self.refusal()) }
    }

    /// `*`, a prefix with `.*` behind it, or a name that these rules allow.
    pub fn pattern(self, text: &str) -> Result<Pattern, NotAPattern> {
        if text == "*" {
            return Ok(Pattern::All);
        }
        match text.strip_suffix(".*") {
            Some(prefix) if self.allow(prefix) => Ok(Pattern::Below(format!("{prefix}."))),
            Some(_) => Err(NotAPattern(self.refusal())),
            None => self.event_type(text).map(Pattern::One).map_err(NotAPattern),
        }
    }

    fn allow(self, text: &str) -> bool {
        let fits = (1..=LONGEST).contains(&text.len());
        fits && match self {
            Self::Dotted => text.split('.').all(is_word),
            Self::Any => text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*' && byte != b','),
        }
    }

    fn refusal(self) -> NotAnEventType {
        match self {
            Self::Dotted => NotAnEventType::Dotted,
            Self::Any => NotAnEventType::Any,
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl EventType {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_operational(&self) -> bool {
        self.0.starts_with(OPERATIONAL)
    }
}

impl FromStr for EventType {
    type Err = NotAnEventType;

    fn from_str(text: &str) -> Result<Self, NotAnEventType> {
        Names::Any.event_type(text)
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
    /// All that begins with a prefix, which ends in a full stop.
    Below(String),
    One(EventType),
}

#[derive(Debug, thiserror::Error)]
#[error("not an event type or pattern: write a type (invoice.paid), a prefix (invoice.*) or *; {0}")]
pub struct NotAPattern(NotAnEventType);

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
        Names::Any.pattern(text)
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
        let long = "a".repeat(129);
        for text in ["", "a b", "ä", "**", "*.a", "a.*.b", ".*", "a*", "a,b", "a\tb", "a\u{7f}", "a/*", &long] {
            assert!(Names::Any.pattern(text).is_err(), "{text}");
            assert!(Names::Dotted.pattern(text).is_err(), "{text}");
        }
        for text in [".", "a.", ".a", "a..b", "a-b", "orders/create", "a:b", "a-b.*", "\"<&>\""] {
            assert!(Names::Any.pattern(text).is_ok(), "{text}");
            assert!(Names::Dotted.pattern(text).is_err(), "{text}");
        }
        for names in [Names::Any, Names::Dotted] {
            assert!(names.event_type("a.*").is_err() && names.event_type("*").is_err());
            assert!(names.event_type(&"a".repeat(128)).is_ok());
        }
    }

    #[test]
    fn a_prefix_ends_at_a_full_stop_whatever_names_there_are() {
        assert!(wants(&["a-b.*"], "a-b.c/d"));
        assert!(wants(&["orders/create.*"], "orders/create.v2"));
        assert!(!wants(&["orders.*"], "orders/create"));
        assert!(wants(&["*"], "posthaste:x") && !wants(&["*"], "posthaste.x"));
    }
}
