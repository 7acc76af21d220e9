//! The roots: what slots in headers and bodies can name, and what that is on one occasion.

use std::borrow::Cow;
use std::fmt::{self, Write};

use model::delivery::Due;
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use model::json::Json;
use model::time::Timestamp;

use crate::raw;

/// One attempt, as far as templates can see it.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    pub event: &'a Event,
    pub delivery: DeliveryId,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// When the attempt is made.
    pub at: Timestamp,
}

impl<'a> Occasion<'a> {
    pub fn of(due: &'a Due, at: Timestamp) -> Self {
        Self { event: &due.event, delivery: due.id, attempt: due.attempt(), at }
    }
}

/// The endpoint, as far as templates can see it.
#[derive(Clone, Debug)]
pub struct Addressee {
    pub id: EndpointId,
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    EventId,
    EventType,
    EventTimestamp,
    EventData,
    DeliveryId,
    DeliveryAttempt,
    EndpointId,
    EndpointName,
    Tenant,
    Brand,
    Workflow,
    Summary,
    Timestamp,
    /// The attempt's time as headers have it: in whole seconds since 1970.
    UnixTimestamp,
    Project,
}

const ROOTS: [(&str, Root); 15] = [
    ("event.id", Root::EventId),
    ("event.type", Root::EventType),
    ("event.timestamp", Root::EventTimestamp),
    ("event.data", Root::EventData),
    ("delivery.id", Root::DeliveryId),
    ("delivery.attempt", Root::DeliveryAttempt),
    ("endpoint.id", Root::EndpointId),
    ("endpoint.name", Root::EndpointName),
    ("tenant", Root::Tenant),
    ("brand", Root::Brand),
    ("workflow", Root::Workflow),
    ("summary", Root::Summary),
    ("timestamp", Root::Timestamp),
    ("timestamp", Root::UnixTimestamp),
    ("project", Root::Project),
];

impl Root {
    /// The root that a path begins with, and the words that lead on into its value.
    pub(crate) fn named(path: &str) -> Result<(Self, Vec<&str>), String> {
        let rest = |name: &str| path.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'));
        match ROOTS.iter().find_map(|(name, root)| Some((*root, rest(name)?))) {
            Some((root, "")) => Ok((root, Vec::new())),
            Some((root, rest)) if root.has_members() => Ok((root, rest.split('.').skip(1).collect())),
            Some((root, _)) => Err(format!("`{path}` does not exist: {} has nothing inside", root.path())),
            None => Err(unknown(path)),
        }
    }

    /// As it is written in a slot.
    pub(crate) fn path(self) -> &'static str {
        ROOTS.iter().find(|(_, root)| *root == self).map_or("", |(path, _)| path)
    }

    /// What a header means by it.
    pub(crate) fn in_header(self) -> Self {
        if self == Self::Timestamp { Self::UnixTimestamp } else { self }
    }

    /// Whether a time may stand in it.
    pub(crate) fn may_be_time(self) -> bool {
        matches!(self, Self::EventTimestamp | Self::Timestamp) || self.has_members()
    }

    /// Whether it holds JSON, with paths into it.
    pub(crate) fn has_members(self) -> bool {
        matches!(self, Self::EventData | Self::Brand | Self::Workflow)
    }

    /// The JSON it holds.
    pub(crate) fn json<'a>(self, occasion: &Occasion<'a>) -> Option<&'a str> {
        match self {
            Self::EventData => Some(occasion.event.data.as_str()),
            Self::Brand => occasion.event.brand.as_ref().map(Json::as_str),
            Self::Workflow => occasion.event.workflow.as_ref().map(Json::as_str),
            _ => None,
        }
    }

    pub(crate) fn value<'a>(self, occasion: &'a Occasion<'_>, addressee: &'a Addressee) -> Value<'a> {
        let event = occasion.event;
        match self {
            Self::EventId => Value::Text(event.id.as_str().into()),
            Self::EventType => Value::Text(event.event_type.as_str().into()),
            Self::EventTimestamp => Value::Time(event.occurred_at),
            Self::DeliveryId => Value::Shown(&occasion.delivery),
            Self::DeliveryAttempt => Value::Number(i64::from(occasion.attempt)),
            Self::EndpointId => Value::Shown(&addressee.id),
            Self::EndpointName => Value::text_if_any(addressee.name.as_deref()),
            Self::Tenant => Value::text_if_any(event.tenant.as_deref()),
            Self::EventData | Self::Brand | Self::Workflow => self.json(occasion).map_or(Value::Missing, Value::Json),
            Self::Summary => Value::text_if_any(event.summary.as_deref()),
            Self::Timestamp => Value::Time(occasion.at),
            Self::UnixTimestamp => Value::Number(occasion.at.as_seconds()),
            Self::Project => Value::Shown(&event.project),
        }
    }
}

fn unknown(path: &str) -> String {
    let first = path.split('.').next().unwrap_or_default();
    let below: Vec<&str> =
        ROOTS.iter().map(|(name, _)| *name).filter(|name| name.split('.').next() == Some(first)).collect();
    if !below.is_empty() {
        return format!("`{path}` does not exist: there are {}", below.join(", "));
    }
    format!(
        "`{path}` begins with none of the roots: event, delivery, endpoint, tenant, brand, workflow, summary, timestamp, project"
    )
}

/// What a slot is on one occasion.
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    /// An id: prints without anything that JSON would escape.
    Shown(&'a dyn fmt::Display),
    Number(i64),
    /// Prints as RFC 3339.
    Time(Timestamp),
    /// JSON as it came.
    Json(&'a str),
    /// The path leads nowhere, or the event or endpoint has no such thing.
    Missing,
    /// There is something, and it is no time where one is written.
    NoTime,
}

impl<'a> Value<'a> {
    fn text_if_any(text: Option<&'a str>) -> Self {
        text.map_or(Self::Missing, |text| Self::Text(text.into()))
    }

    /// Writes it as plain text. What is missing or null is empty; objects and lists are compact JSON.
    pub(crate) fn write_text(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Json(json) => match json.as_bytes().first() {
                Some(b'"') => raw::write_text(json, out),
                _ => write_unquoted(json, out),
            },
            Self::Shown(shown) => write!(out, "{shown}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Time(at) => write!(out, "{at}"),
            Self::Missing | Self::NoTime => Ok(()),
        }
    }

    /// Writes the same text as it stands inside a JSON string.
    pub(crate) fn write_inside_string(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Text(text) => raw::write_escaped(text, out),
            Self::Json(json) => match json.as_bytes().first() {
                // Escaped already.
                Some(b'"') => out.write_str(raw::inside(json)),
                _ => write_unquoted(json, &mut raw::Escaped(out)),
            },
            Self::Shown(_) | Self::Number(_) | Self::Time(_) | Self::Missing | Self::NoTime => self.write_text(out),
        }
    }

    /// Writes it as a JSON value, JSON as it came.
    pub(crate) fn write_json(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Json(json) => out.write_str(json),
            Self::Number(number) => write!(out, "{number}"),
            Self::Missing | Self::NoTime => out.write_str("null"),
            Self::Text(_) | Self::Shown(_) | Self::Time(_) => {
                out.write_char('"')?;
                self.write_inside_string(out)?;
                out.write_char('"')
            }
        }
    }
}

/// The text of a value that is no string.
fn write_unquoted(json: &str, out: &mut dyn Write) -> fmt::Result {
    if json == "null" { Ok(()) } else { raw::write_compact(json, out) }
}
