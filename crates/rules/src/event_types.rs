//! Event types: what makes one of a project's own right, and which ones a dialect knows.

use std::cell::Cell;

use dialect::{Dialect, catalogue};
use model::catalogue::EventType;
use model::invalid::Faults;
use model::json::Json as Written;
use model::rejection::{Rejection, RejectionCode, judged};
use model::subscription::{self, OPERATIONAL};
use serde::Deserialize;
use utoipa::ToSchema;

/// Characters.
const LONGEST_GROUP: usize = 128;
const LONGEST_DESCRIPTION: usize = 2048;

/// What a name must have in common with another to be mistaken for it (Jaro-Winkler, 0 to 1).
const NEAR: f64 = 0.84;
const MOST_NEAR: usize = 3;

/// What is known about a type. What is left out, or null, is not known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEventType, example = json!({
    "group": "Invoices", "description": "An invoice was paid in full.",
    "schema": { "type": "object", "required": ["id"] }, "example": { "id": "inv_1", "amount": 4200 },
}))]
pub struct Description {
    /// Under which heading it is listed, at most 128 characters.
    #[schema(example = "Invoices")]
    group: Option<String>,
    /// For people, at most 2,048 characters.
    #[schema(example = "An invoice was paid in full.")]
    description: Option<String>,
    /// A JSON Schema (2020-12, unless `$schema` names another draft) that the data of every such event must fit. It may
    /// refer to itself only: nothing is fetched. At most 64 KiB.
    #[schema(value_type = Option<Value>, example = json!({ "type": "object", "required": ["id"] }))]
    schema: Option<Written>,
    /// Data of such an event. It must fit the schema.
    #[schema(value_type = Option<Value>, example = json!({ "id": "inv_1", "amount": 4200 }))]
    example: Option<Written>,
}

impl Description {
    pub fn judge(self, name: subscription::EventType, dialect: &Dialect) -> Result<EventType, Rejection> {
        let mut faults = Faults::default();
        text("/group", self.group.as_deref(), LONGEST_GROUP, &mut faults);
        text("/description", self.description.as_deref(), LONGEST_DESCRIPTION, &mut faults);
        let Self { group, description, schema, example } = self;
        let event_type = EventType { name, group, description, schema, example };
        for (pointer, message) in catalogue::check(&event_type).err().unwrap_or_default() {
            faults.add(pointer, message);
        }
        if let Some(example) = &event_type.example
            && let Err(message) = spreadable(example.as_str(), dialect)
        {
            faults.add("/example", message);
        }
        judged(faults)?;
        Ok(event_type)
    }
}

/// Whether a body of the dialect can be made with this data.
pub fn spreadable(data: &str, dialect: &Dialect) -> Result<(), String> {
    if data.starts_with('{') || !dialect.spreads_data() {
        return Ok(());
    }
    Err(format!("in the dialect {} the members of data stand at the top of the body: data is an object", dialect.name))
}

/// A type by its name, which stands at `/event_type` of a request, and its example.
pub fn example(name: &str, dialect: &Dialect) -> Result<(subscription::EventType, Written), Rejection> {
    let refused = |code, message: String| Rejection::at(code, "/event_type", message);
    let name = dialect.catalogue.names.event_type(name);
    let name = name.map_err(|error| refused(RejectionCode::InvalidRequest, error.to_string()))?;
    let known = dialect.catalogue.find(&name);
    let known =
        known.ok_or_else(|| refused(RejectionCode::UnknownEventType, unknown(&name, dialect, &Hints::default())))?;
    let example = known.event_type.example.clone();
    let example = example.ok_or_else(|| {
        let message = format!("{name} has no example: PUT /v1/event-types/{name} gives it one");
        refused(RejectionCode::InvalidRequest, message)
    })?;
    Ok((name, example))
}

/// Why an event of this type is not taken, nor subscribed to.
pub fn unknown(event_type: &subscription::EventType, dialect: &Dialect, hints: &Hints) -> String {
    let near = if hints.take() { near(event_type.as_str(), dialect) } else { Vec::new() };
    let hint = match near.as_slice() {
        [] => "GET /v1/event-types lists those that are".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    format!("{event_type} is not in the catalogue of the dialect {}: {hint}", dialect.name)
}

/// How often one request may be told what was probably meant: each time all names are looked through.
#[derive(Default)]
pub struct Hints(Cell<usize>);

impl Hints {
    /// Hints that one request gets.
    const MOST: usize = 8;

    /// Whether there is another one.
    fn take(&self) -> bool {
        self.0.set(self.0.get() + 1);
        self.0.get() <= Self::MOST
    }
}

/// Names that are written almost like this one, the nearest first.
fn near<'d>(word: &str, dialect: &'d Dialect) -> Vec<&'d str> {
    let word = word.to_ascii_lowercase();
    let likeness = |known: &'d catalogue::Known| {
        let name = known.event_type.name.as_str();
        (strsim::jaro_winkler(&word, &name.to_ascii_lowercase()), name)
    };
    let mut near: Vec<_> = dialect.catalogue.types().map(likeness).filter(|(likeness, _)| *likeness >= NEAR).collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().take(MOST_NEAR).map(|(_, name)| name).collect()
}

fn text(pointer: &str, text: Option<&str>, longest: usize, faults: &mut Faults) {
    if text.is_some_and(|text| text.chars().count() > longest) {
        faults.add(pointer, format_args!("at most {longest} characters"));
    }
}

pub fn judge_name(name: &str, dialect: &Dialect) -> Result<subscription::EventType, Rejection> {
    let name = dialect.catalogue.names.event_type(name);
    let name = name.map_err(|error| Rejection::new(RejectionCode::InvalidRequest, error.to_string()))?;
    if name.is_operational() {
        let detail = format!("Types that start with {OPERATIONAL} are Posthaste's own: take another name.");
        return Err(Rejection::new(RejectionCode::InvalidRequest, detail));
    }
    Ok(name)
}
