//! The roots: what slots in headers and bodies can name, and what that is on one occasion.

use std::fmt::{self, Write};

use model::delivery::Due;
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;

use crate::slot::{self, Slot};

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
pub(crate) struct Addressee {
    pub(crate) id: EndpointId,
    pub(crate) name: Option<String>,
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
    Project,
}

const ROOTS: [(&str, Root); 14] = [
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
    ("project", Root::Project),
];

/// A root in the body, and how it is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) root: Root,
    /// As a JSON value in place of the string that the slot stands in.
    pub(crate) json: bool,
}

impl Hole {
    pub(crate) fn named(slot: &Slot<'_>) -> Result<Self, String> {
        let root = Root::named(slot.path)?;
        let json = match slot.filters.as_slice() {
            [] => false,
            ["json"] => true,
            other => return Err(format!("`{}` is not a filter: there is only json", other.join(" | "))),
        };
        if root.is_json() && !json {
            return Err(format!("`{0}` is a JSON value, not text: write \"{{{{{0} | json}}}}\"", slot.path));
        }
        Ok(Self { root, json })
    }
}

impl Root {
    /// A root that can stand in a header.
    pub(crate) fn text(slot: &Slot<'_>) -> Result<Self, String> {
        let root = Self::named(slot.path)?;
        if root.is_json() {
            return Err(format!("`{}` is a JSON value, and a header holds text", slot.path));
        }
        if !slot.filters.is_empty() {
            return Err("a header takes no filters".to_owned());
        }
        Ok(root)
    }

    fn named(path: &str) -> Result<Self, String> {
        if let Some((_, root)) = ROOTS.iter().find(|(name, _)| *name == path) {
            return Ok(*root);
        }
        let (first, _) = path.split_once('.').unwrap_or((path, ""));
        let below: Vec<&str> =
            ROOTS.iter().map(|(name, _)| *name).filter(|name| name.split('.').next() == Some(first)).collect();
        Err(match below.as_slice() {
            [] => format!(
                "`{path}` begins with none of the roots: event, delivery, endpoint, tenant, brand, workflow, summary, timestamp, project"
            ),
            _ if first == "brand" || first == "workflow" || path.starts_with("event.data.") => {
                format!("`{path}` reads inside a value, which is not supported: pass all of it on with the json filter")
            }
            [only] => format!("`{path}` does not exist, there is only {only}"),
            several => format!("`{path}` does not exist, there are {}", several.join(", ")),
        })
    }

    /// A root that holds JSON, and the way into it.
    pub(crate) fn into_value(path: &str) -> Result<(Self, Vec<String>), String> {
        let inside = |name: &str| path.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'));
        let found =
            ROOTS.iter().filter(|(_, root)| root.is_json()).find_map(|(name, root)| Some((*root, inside(name)?)));
        let (root, rest) = found.ok_or_else(|| {
            format!("`{path}` is nothing with members: write event.data, brand or workflow, or a path inside of one")
        })?;
        if !slot::is_path(path) {
            return Err(format!("`{path}` is no path: write words between full stops, for example event.data.order"));
        }
        Ok((root, rest.split('.').skip(1).map(str::to_owned).collect()))
    }

    fn is_json(self) -> bool {
        matches!(self, Self::EventData | Self::Brand | Self::Workflow)
    }

    pub(crate) fn value<'a>(self, occasion: &'a Occasion<'_>, addressee: &'a Addressee) -> Value<'a> {
        let event = occasion.event;
        match self {
            Self::EventId => Value::Text(event.id.as_str()),
            Self::EventType => Value::Text(event.event_type.as_str()),
            Self::EventTimestamp => Value::Shown(&event.occurred_at),
            Self::EventData => Value::Json(event.data.as_str()),
            Self::DeliveryId => Value::Shown(&occasion.delivery),
            Self::DeliveryAttempt => Value::Number(i64::from(occasion.attempt)),
            Self::EndpointId => Value::Shown(&addressee.id),
            Self::EndpointName => Value::text_or_none(addressee.name.as_deref()),
            Self::Tenant => Value::text_or_none(event.tenant.as_deref()),
            Self::Brand => event.brand.as_ref().map_or(Value::None, |json| Value::Json(json.as_str())),
            Self::Workflow => event.workflow.as_ref().map_or(Value::None, |json| Value::Json(json.as_str())),
            Self::Summary => Value::text_or_none(event.summary.as_deref()),
            Self::Timestamp => Value::Number(occasion.at.as_seconds()),
            Self::Project => Value::Shown(&event.project),
        }
    }
}

/// What a root is on one occasion.
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// An id or a time: prints without anything that JSON would escape.
    Shown(&'a dyn fmt::Display),
    Number(i64),
    /// JSON as it came.
    Json(&'a str),
    None,
}

impl<'a> Value<'a> {
    fn text_or_none(text: Option<&'a str>) -> Self {
        text.map_or(Self::None, Self::Text)
    }

    /// Writes it as plain text. What is not there is empty.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) | Self::Json(text) => out.push_str(text),
            Self::Shown(shown) => write!(out, "{shown}").expect("a String takes all that is written"),
            Self::Number(number) => write!(out, "{number}").expect("a String takes all that is written"),
            Self::None => {}
        }
    }

    /// More bytes than this are written only when characters must be escaped.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len() + 2,
            Self::Shown(_) => 38,
            Self::Number(_) => 20,
            Self::None => 4,
        }
    }
}
