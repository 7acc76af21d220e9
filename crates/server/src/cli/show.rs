//! Answers as people read them. Fields that we do not know are shown as well.

mod exchange;

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::call::Column;
use super::deliveries::{ATTEMPTS, COLUMNS as DELIVERIES};
use crate::output::{self, OutputStyle};

/// Members that are shown first, in this order.
const FIRST: [&str; 26] = [
    "id",
    "secret",
    "api_key",
    "public_key",
    "kind",
    "slug",
    "name",
    "type",
    "event_type",
    "status",
    "reason",
    "disabled_reason",
    "url",
    "events",
    "event_id",
    "endpoint_id",
    "tenant",
    "scopes",
    "attempt_count",
    "status_code",
    "error_kind",
    "next_attempt_at",
    "failure_count",
    "total",
    "done",
    "failed",
];

/// Members that are shown last. Between them and the first stands what is not named here, by the alphabet.
const LAST: [&str; 2] = ["created_at", "updated_at"];

/// Members that are lists of objects, and their columns.
const TABLES: [(&str, &[Column]); 2] = [("attempts", ATTEMPTS), ("deliveries", DELIVERIES)];

/// Members that get a paragraph of their own.
const TEXTS: [&str; 4] = ["data", "request_body", "schema", "example"];

/// Columns that are empty in every row are left out.
pub(super) fn table(columns: &[Column], items: &[Value], style: OutputStyle) -> String {
    let read = |column: &Column| items.iter().map(|item| cell(column, item)).collect::<Vec<_>>();
    let filled = columns.iter().map(|column| (column.title, read(column)));
    let (titles, columns): (Vec<_>, Vec<_>) =
        filled.filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty())).unzip();
    let row = |index: usize| columns.iter().map(|cells| cells[index].clone()).collect();
    let rows: Vec<Vec<String>> = (0..items.len()).map(row).collect();
    output::table(&titles, &rows, style)
}

fn cell(column: &Column, item: &Value) -> String {
    let member = |path: &&str| path.split('.').try_fold(item, |value, name| value.get(name));
    column.members.iter().find_map(member).map(text).unwrap_or_default()
}

/// A block of names and values, then what is too long for it. With `fields` only those are shown.
pub(super) fn object(json: &RawValue, fields: Option<&[&str]>, style: OutputStyle) -> String {
    let Some(members) = members(json) else { return text(&value(json)) + "\n" };
    let members = members.iter().map(|(name, json)| (name.as_str(), *json));
    let wanted = members.filter(|(name, _)| fields.is_none_or(|fields| fields.contains(name)));
    let (apart, mut pairs): (Vec<_>, Vec<_>) = wanted.partition(|(name, json)| stands_apart(name, json));

    pairs.sort_by_key(|(name, _)| place(name));
    let pairs = pairs.into_iter().map(|(name, json)| (name.to_owned(), text(&value(json))));
    let pairs: Vec<_> = pairs.filter(|(_, text)| !text.is_empty()).collect();
    let apart =
        apart.into_iter().map(|(name, json)| format!("\n{name}:\n{}\n", paragraph(name, json, style).trim_end()));
    output::block(&pairs) + &apart.collect::<String>()
}

/// A stable sort by it keeps the alphabet among those that are not named.
fn place(name: &str) -> usize {
    let among = |names: &[&str]| names.iter().position(|known| *known == name);
    let last = || among(&LAST).map(|index| FIRST.len() + 1 + index);
    among(&FIRST).or_else(last).unwrap_or(FIRST.len())
}

/// `None` if it is no object.
pub(super) fn members(json: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json.get()).ok()
}

fn stands_apart(name: &str, json: &RawValue) -> bool {
    match value(json) {
        Value::Array(items) => !items.is_empty() && columns_of(name).is_some(),
        Value::Null => false,
        _ => TEXTS.contains(&name),
    }
}

fn columns_of(name: &str) -> Option<&'static [Column]> {
    TABLES.iter().find(|(known, _)| *known == name).map(|(_, columns)| *columns)
}

fn paragraph(name: &str, json: &RawValue, style: OutputStyle) -> String {
    match (columns_of(name), value(json)) {
        (Some(columns), Value::Array(items)) if name == "attempts" => {
            table(columns, &items, style) + &items.iter().map(exchange::text).collect::<String>()
        }
        (Some(columns), Value::Array(items)) => table(columns, &items, style),
        (_, Value::String(text)) => output::harmless(&text),
        // As it came: numbers may be longer than ours.
        _ => output::pretty(json),
    }
}

/// What is nested too deeply to be read is shown as nothing.
fn value(json: &RawValue) -> Value {
    serde_json::from_str(json.get()).unwrap_or_default()
}

/// On one line: lists with commas, objects as JSON, nothing for what is not there.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    }
}
