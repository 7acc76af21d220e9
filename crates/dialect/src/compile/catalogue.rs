//! `[catalogue]` and `[[event_types]]`.

use std::sync::Arc;

use model::catalogue::EventType;
use model::json::{Json, why_broken};
use model::subscription::Names;
use serde_json::value::RawValue;

use crate::catalogue::{Catalogue, Known};
use crate::checked::Checked;
use crate::diagnostic::{Diagnostics, KeyLocation};
use crate::file;

pub(super) fn catalogue(
    file: file::Catalogue,
    types: Vec<file::EventType>,
    whole: &KeyLocation<'_>,
    m: &mut Diagnostics,
) -> Catalogue {
    let table = whole.member("catalogue");
    let names = m.take(&table.member("names"), file.names);
    let mut catalogue =
        Catalogue::new(m.take(&table.member("open"), file.open).unwrap_or_default(), names.unwrap_or_default());
    let location = whole.member("event_types");
    for (index, file) in types.into_iter().enumerate() {
        let location = location.item(index);
        let Some(event_type) = event_type(file, names, &location, m) else { continue };
        if catalogue.find(&event_type.name).is_some() {
            m.add(&location.member("name"), format!("{} is listed twice", event_type.name));
        }
        if let Some(known) = judged(event_type, &location, m) {
            catalogue.put(known);
        }
    }
    catalogue
}

/// `names` is `None` where the file's value for them is invalid: then any name is accepted.
fn event_type(
    file: file::EventType,
    names: Option<Names>,
    location: &KeyLocation<'_>,
    m: &mut Diagnostics,
) -> Option<EventType> {
    let name = m.take(&location.member("name"), file.name)?;
    let name = m.check(&location.member("name"), names.unwrap_or(Names::Any).event_type(&name))?;
    Some(EventType {
        name,
        group: file.group.and_then(|group| m.take(&location.member("group"), group)),
        description: file.description.and_then(|text| m.take(&location.member("description"), text)),
        schema: file.schema.and_then(|schema| json(schema, &location.member("schema"), m)),
        example: file.example.and_then(|example| json(example, &location.member("example"), m)),
    })
}

fn json(text: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<Json> {
    let text = m.take(location, text)?;
    let raw: &RawValue = m.check(location, serde_json::from_str(&text).map_err(|error| why_broken(&text, &error)))?;
    Some(Json::trusted(raw.get()))
}

/// Errors inside a schema or an example are reported at the key that holds it, with a JSON pointer into it.
fn judged(event_type: EventType, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<Known> {
    let plain = Arc::new(EventType { schema: None, example: None, ..event_type.clone() });
    match Known::new(Arc::new(event_type)) {
        Ok(known) => Some(known),
        Err(findings) => {
            for (pointer, message) in findings {
                let (key, inside) = pointer[1..].split_once('/').unwrap_or((&pointer[1..], ""));
                let message = if inside.is_empty() { message } else { format!("/{inside}: {message}") };
                m.add(&location.member(key), message);
            }
            // The name stays known, so that a second type of that name is noticed as well.
            Known::new(plain).ok()
        }
    }
}
