//! The variables: the values that slots in headers and bodies can name, looked up in a render context.

use std::borrow::Cow;
use std::fmt::{self, Write};

use model::delivery::Due;
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use model::json::Json;
use model::time::Timestamp;

use crate::raw;

/// The parts of one attempt that templates can see.
#[derive(Clone, Copy, Debug)]
pub struct RenderContext<'a> {
    pub event: &'a Event,
    pub delivery: DeliveryId,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The time at which the attempt is made.
    pub at: Timestamp,
}

impl<'a> RenderContext<'a> {
    pub fn of(due: &'a Due, at: Timestamp) -> Self {
        Self { event: &due.event, delivery: due.id, attempt: due.attempt(), at }
    }
}

/// The parts of the endpoint that templates can see.
#[derive(Clone, Debug)]
pub struct EndpointInfo {
    pub id: EndpointId,
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
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

const VARIABLES: [(&str, Variable); 15] = [
    ("event.id", Variable::EventId),
    ("event.type", Variable::EventType),
    ("event.timestamp", Variable::EventTimestamp),
    ("event.data", Variable::EventData),
    ("delivery.id", Variable::DeliveryId),
    ("delivery.attempt", Variable::DeliveryAttempt),
    ("endpoint.id", Variable::EndpointId),
    ("endpoint.name", Variable::EndpointName),
    ("tenant", Variable::Tenant),
    ("brand", Variable::Brand),
    ("workflow", Variable::Workflow),
    ("summary", Variable::Summary),
    ("timestamp", Variable::Timestamp),
    ("timestamp", Variable::UnixTimestamp),
    ("project", Variable::Project),
];

impl Variable {
    /// The variable that a path begins with, and the words that lead on into its value.
    pub(crate) fn named(path: &str) -> Result<(Self, Vec<&str>), String> {
        let rest = |name: &str| path.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'));
        match VARIABLES.iter().find_map(|(name, variable)| Some((*variable, rest(name)?))) {
            Some((variable, "")) => Ok((variable, Vec::new())),
            Some((variable, rest)) if variable.has_members() => Ok((variable, rest.split('.').skip(1).collect())),
            Some((variable, _)) => Err(format!("`{path}` does not exist: {} has nothing inside", variable.path())),
            None => Err(unknown(path)),
        }
    }

    /// As it is written in a slot.
    pub(crate) fn path(self) -> &'static str {
        VARIABLES.iter().find(|(_, variable)| *variable == self).map_or("", |(path, _)| path)
    }

    /// The variable that a header means by this one.
    pub(crate) fn in_header(self) -> Self {
        if self == Self::Timestamp { Self::UnixTimestamp } else { self }
    }

    /// True if its value may be a time.
    pub(crate) fn may_be_time(self) -> bool {
        matches!(self, Self::EventTimestamp | Self::Timestamp) || self.has_members()
    }

    /// True if it holds JSON, with paths into it.
    pub(crate) fn has_members(self) -> bool {
        matches!(self, Self::EventData | Self::Brand | Self::Workflow)
    }

    /// The JSON it holds.
    pub(crate) fn json<'a>(self, context: &RenderContext<'a>) -> Option<&'a str> {
        match self {
            Self::EventData => Some(context.event.data.as_str()),
            Self::Brand => context.event.brand.as_ref().map(Json::as_str),
            Self::Workflow => context.event.workflow.as_ref().map(Json::as_str),
            _ => None,
        }
    }

    pub(crate) fn value<'a>(self, context: &'a RenderContext<'_>, endpoint: &'a EndpointInfo) -> Value<'a> {
        let event = context.event;
        match self {
            Self::EventId => Value::Text(event.id.as_str().into()),
            Self::EventType => Value::Text(event.event_type.as_str().into()),
            Self::EventTimestamp => Value::Time(event.occurred_at),
            Self::DeliveryId => Value::Shown(&context.delivery),
            Self::DeliveryAttempt => Value::Number(i64::from(context.attempt)),
            Self::EndpointId => Value::Shown(&endpoint.id),
            Self::EndpointName => Value::text_if_any(endpoint.name.as_deref()),
            Self::Tenant => Value::text_if_any(event.tenant.as_deref()),
            Self::EventData | Self::Brand | Self::Workflow => self.json(context).map_or(Value::Missing, Value::Json),
            Self::Summary => Value::text_if_any(event.summary.as_deref()),
            Self::Timestamp => Value::Time(context.at),
            Self::UnixTimestamp => Value::Number(context.at.as_seconds()),
            Self::Project => Value::Shown(&event.project),
        }
    }
}

fn unknown(path: &str) -> String {
    let first = path.split('.').next().unwrap_or_default();
    let below: Vec<&str> =
        VARIABLES.iter().map(|(name, _)| *name).filter(|name| name.split('.').next() == Some(first)).collect();
    if !below.is_empty() {
        return format!("`{path}` does not exist: there are {}", below.join(", "));
    }
    format!(
        "`{path}` begins with none of the roots: event, delivery, endpoint, tenant, brand, workflow, summary, timestamp, project"
    )
}

/// The value of a slot in one render context.
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
    /// There is a value, but it is no time where the slot writes one.
    NoTime,
}

impl<'a> Value<'a> {
    fn text_if_any(text: Option<&'a str>) -> Self {
        text.map_or(Self::Missing, |text| Self::Text(text.into()))
    }

    /// Writes it as plain text. Missing values and null are empty; objects and lists are compact JSON.
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
