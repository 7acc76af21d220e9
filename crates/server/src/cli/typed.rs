//! Values that people type at commands: times, limits, headers, JSON.

use model::json::{Json, why_broken};
use model::rate::RateLimit;
use model::time::{Span, Timestamp};

/// A time, or how far it is from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(Timestamp),
    Away(Span),
}

impl When {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let away = || text.parse().map(Self::Away);
        text.parse().map(Self::At).or_else(|_| away()).map_err(|_| {
            "write a time as in RFC 3339 (2026-01-31T09:30:00Z), or how far it is from now (30m, 24h, 5d)".to_owned()
        })
    }

    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Away(span) => now - span.0,
        }
    }

    pub(super) fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Away(span) => now + span.0,
        }
    }
}

/// `100/1s`
pub(super) fn rate_limit(text: &str) -> Result<RateLimit, String> {
    let wrong = || "write requests/duration, for example 100/1s".to_owned();
    let (requests, per) = text.split_once('/').ok_or_else(wrong)?;
    let limit = RateLimit { requests: requests.parse().map_err(|_| wrong())?, per: per.parse().map_err(|_| wrong())? };
    limit.check().map_err(|error| error.to_string())
}

/// `Name: value`
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write NAME: VALUE".to_owned()),
    }
}

/// `KEY=VALUE`
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// `user:password`
pub(super) fn user(text: &str) -> Result<(String, String), String> {
    let (name, password) = text.split_once(':').ok_or("write USER:PASSWORD")?;
    Ok((name.to_owned(), password.to_owned()))
}

pub(super) fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| why_broken(text, &error))
}

/// Names that a thing is sent under, in a command and in JSON alike: an id, a slug. A dot or a slash cannot leave the path.
pub(super) fn id(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("write the id".to_owned()) } else { Ok(text.trim().to_owned()) }
}
