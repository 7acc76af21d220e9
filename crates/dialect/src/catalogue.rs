//! The event types that a dialect knows, with a project's own laid over them, and the check of data against their
//! schemas.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use model::catalogue::EventType;
use model::subscription::{self, Names};

use crate::schema::Schema;
pub use crate::schema::SchemaIssue;

#[derive(Clone, Default)]
pub struct Catalogue {
    /// Types that are not listed are accepted as well.
    pub open: bool,
    /// The names that types may have.
    pub names: Names,
    /// The largest weight of all schemas that were ever put in.
    heaviest: usize,
    known: Vec<Known>,
    /// The index of each in `known`.
    places: HashMap<subscription::EventType, usize>,
}

/// A checked type, its schema compiled. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Known {
    pub event_type: Arc<EventType>,
    schema: Option<Arc<Schema>>,
}

/// A type that cannot be taken into a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event type {name} does not hold: {}", .findings.iter().map(|(pointer, message)| format!("{pointer} {message}")).collect::<Vec<_>>().join("; "))]
pub struct Unfit {
    pub name: subscription::EventType,
    pub findings: Vec<SchemaIssue>,
}

/// Checks a project's own event type. Findings point into it: `/schema/properties/x`, `/example/id`.
pub fn check(event_type: &EventType) -> Result<(), Vec<SchemaIssue>> {
    compile(event_type).map(|_| ())
}

impl Catalogue {
    pub fn new(open: bool, names: Names) -> Self {
        Self { open, names, ..Self::default() }
    }

    pub fn find(&self, name: &subscription::EventType) -> Option<&Known> {
        self.places.get(name).map(|place| &self.known[*place])
    }

    /// All listed types, in the order of the file.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &Known> {
        self.known.iter()
    }

    pub fn accepts(&self, name: &subscription::EventType) -> bool {
        self.open || name.is_operational() || self.find(name).is_some()
    }

    /// Returns everything the type's schema forbids in `data`, which is JSON, with pointers into it. Empty when the
    /// data fits or the type has no schema.
    pub fn judge(&self, name: &subscription::EventType, data: &str) -> Vec<SchemaIssue> {
        self.find(name).map(|known| known.judge(data)).unwrap_or_default()
    }

    /// Maximum cost of a byte of data, in subschemas that it is checked against.
    pub fn heaviest(&self) -> usize {
        self.heaviest
    }

    /// This catalogue with a project's own types laid over it: of two with the same name the project's counts. New ones
    /// follow in their order.
    pub fn with_types<'t>(&self, own: impl Iterator<Item = &'t Arc<EventType>>) -> Result<Self, Unfit> {
        self.with_types_as_in(own, None)
    }

    /// As [`Self::with_types`]; types that are unchanged since `before` are taken from there, with their compiled
    /// schemas.
    pub(crate) fn with_types_as_in<'t>(
        &self,
        own: impl Iterator<Item = &'t Arc<EventType>>,
        before: Option<&Self>,
    ) -> Result<Self, Unfit> {
        let mut catalogue = self.clone();
        for event_type in own {
            let same = before.and_then(|before| before.find(&event_type.name));
            let known = match same.filter(|known| known.event_type == *event_type) {
                Some(known) => known.clone(),
                None => Known::new(Arc::clone(event_type))
                    .map_err(|findings| Unfit { name: event_type.name.clone(), findings })?,
            };
            catalogue.put(known);
        }
        Ok(catalogue)
    }

    /// Adds a type, or replaces the one with its name.
    pub(crate) fn put(&mut self, known: Known) {
        let name = known.event_type.name.clone();
        self.heaviest = self.heaviest.max(known.schema.as_ref().map_or(0, |schema| schema.weight()));
        match self.places.get(&name) {
            Some(place) => self.known[*place] = known,
            None => {
                self.places.insert(name, self.known.len());
                self.known.push(known);
            }
        }
    }
}

/// Equal catalogues print the same: `places` follows from `known` and has no order of its own, so it is left out.
impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("open", &self.open)
            .field("names", &self.names)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl Known {
    pub(crate) fn new(event_type: Arc<EventType>) -> Result<Self, Vec<SchemaIssue>> {
        let schema = compile(&event_type)?.map(Arc::new);
        Ok(Self { event_type, schema })
    }

    /// The summary of an event of this type whose sender gives none: the type's description, on one line, so that a
    /// header can hold it too.
    pub fn summary(&self) -> Option<String> {
        let description = self.event_type.description.as_deref()?;
        Some(description.trim().replace(char::is_control, " "))
    }

    /// As [`Catalogue::judge`].
    pub fn judge(&self, data: &str) -> Vec<SchemaIssue> {
        self.schema.as_ref().map(|schema| schema.judge(data)).unwrap_or_default()
    }
}

fn compile(event_type: &EventType) -> Result<Option<Schema>, Vec<SchemaIssue>> {
    let Some(schema) = &event_type.schema else { return Ok(None) };
    let schema = Schema::compile(schema).map_err(|wrong| below("/schema", wrong))?;
    let wrong = event_type.example.as_ref().map(|example| schema.judge(example.as_str())).unwrap_or_default();
    if wrong.is_empty() { Ok(Some(schema)) } else { Err(below("/example", wrong)) }
}

fn below(prefix: &str, findings: Vec<SchemaIssue>) -> Vec<SchemaIssue> {
    findings.into_iter().map(|(pointer, message)| (format!("{prefix}{pointer}"), message)).collect()
}
