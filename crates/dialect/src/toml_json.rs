//! Converts dialect files to JSON and back. One form is kept, TOML, with the same tables and keys; schemas and examples
//! of event types, which are JSON inside of a text there, can be JSON values here.

use model::json::{DEEPEST, is_deeper, why_broken};
use serde_json::value::RawValue;
use toml::{Table, Value};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::limits::LONGEST;
use crate::raw;
use crate::syntax::{Readable, why_not_toml};

/// Maximum errors reported.
const MOST_MISTAKES: usize = 99;

/// Bytes of a key from which further levels are not added to it.
const LONGEST_KEY: usize = 256;

/// Keys of event types whose value is JSON.
const JSON_KEYS: [&str; 2] = ["schema", "example"];

/// Converts a dialect in JSON to its file. It is not checked as a dialect yet.
pub fn toml_from_json(json: &str) -> Result<String, Vec<Diagnostic>> {
    let refuse = |line, message| Err(vec![Diagnostic { key: String::new(), line, message }]);
    if json.len() > LONGEST {
        return refuse(None, format!("a dialect has at most {LONGEST} bytes, and this one {}", json.len()));
    }
    let object = match serde_json::from_str::<&RawValue>(json) {
        Ok(object) if !raw::is_object(object.get()) => {
            return refuse(None, "a dialect is an object: write { \"name\": … }".to_owned());
        }
        Ok(object) if is_deeper(object.get(), DEEPEST) => {
            return refuse(None, format!("objects and lists stand at most {DEEPEST} levels inside each other"));
        }
        Ok(object) => object.get(),
        Err(error) => return refuse(Some(error.line()), why_broken(json, &error)),
    };
    let mut reader = Reader { json, diagnostics: Vec::new() };
    let file = reader.table(object, "");
    if !reader.diagnostics.is_empty() {
        return Err(reader.diagnostics);
    }
    Ok(toml::to_string_pretty(&file).expect("texts, numbers, lists and tables are TOML"))
}

/// The title of the dialect in a file that was checked before, if the file has one.
pub fn title_of(toml: &str) -> Option<String> {
    let file: Table = toml.parse().ok()?;
    file.get("title")?.as_str().map(str::to_owned)
}

/// Converts a dialect file to a JSON object, with its tables and keys in the same order.
pub fn json_from_toml(text: &str) -> Result<String, Vec<Diagnostic>> {
    Readable::of(text).add_to(Diagnostics::default()).none_or(())?;
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![Diagnostic { key: String::new(), line: None, message: why_not_toml(text, at) }]
    })?;
    let mut json = String::with_capacity(text.len());
    write_table(&file, false, &mut json);
    Ok(json)
}

struct Reader<'j> {
    json: &'j str,
    diagnostics: Vec<Diagnostic>,
}

impl<'j> Reader<'j> {
    fn table(&mut self, object: &'j str, key: &str) -> Table {
        let mut table = Table::new();
        for member in raw::members(object) {
            let name = raw::text(member.key).into_owned();
            let dot = if key.is_empty() { "" } else { "." };
            // No key of a dialect lies below a name of this length.
            let key = if key.len() > LONGEST_KEY { key.to_owned() } else { format!("{key}{dot}{name}") };
            if table.contains_key(&name) {
                self.note(member.key, key, "stands here twice");
                continue;
            }
            let is_json = key.starts_with("event_types[") && JSON_KEYS.contains(&name.as_str());
            let value = match member.value.as_bytes().first() {
                Some(first) if is_json && *first != b'"' => Some(Value::String(member.value.to_owned())),
                _ => self.value(member.value, key),
            };
            table.extend(value.map(|value| (name, value)));
        }
        table
    }

    fn value(&mut self, json: &'j str, key: String) -> Option<Value> {
        match json.as_bytes().first()? {
            b'{' => Some(Value::Table(self.table(json, &key))),
            b'[' => {
                let items = raw::items(json).enumerate();
                Some(Value::Array(
                    items.filter_map(|(index, item)| self.value(item, format!("{key}[{index}]"))).collect(),
                ))
            }
            b'"' => Some(Value::String(raw::text(json).into_owned())),
            b't' | b'f' => Some(Value::Boolean(json == "true")),
            b'n' => {
                self.note(json, key, "null says nothing here: leave the key out");
                None
            }
            _ => {
                let number = number(json);
                if number.is_none() {
                    self.note(json, key, "this number is out of range");
                }
                number
            }
        }
    }

    /// `part` is a slice of the JSON.
    fn note(&mut self, part: &str, key: String, message: &str) {
        if self.diagnostics.len() > MOST_MISTAKES {
            return;
        }
        let before = (part.as_ptr() as usize).checked_sub(self.json.as_ptr() as usize);
        let before = before.and_then(|length| self.json.get(..length));
        let line = before.map(|before| before.matches('\n').count() + 1);
        self.diagnostics.push(Diagnostic { key, line, message: message.to_owned() });
    }
}

fn number(json: &str) -> Option<Value> {
    if json.contains(['.', 'e', 'E']) {
        return json.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float);
    }
    json.parse().ok().map(Value::Integer)
}

fn write_table(table: &Table, in_event_type: bool, out: &mut String) {
    out.push('{');
    for (index, (key, value)) in table.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(key, out);
        out.push(':');
        match value {
            Value::String(text) if in_event_type && JSON_KEYS.contains(&key.as_str()) && stands_for_itself(text) => {
                out.push_str(text.trim());
            }
            value => write(value, key == "event_types", out),
        }
    }
    out.push('}');
}

fn write(value: &Value, in_event_types: bool, out: &mut String) {
    match value {
        Value::String(text) => push_string(text, out),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&serde_json::Value::from(*number).to_string()),
        Value::Boolean(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Datetime(at) => push_string(&at.to_string(), out),
        Value::Table(table) => write_table(table, in_event_types, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, in_event_types, out);
            }
            out.push(']');
        }
    }
}

/// True if a text is JSON that reads back as the same text. A JSON string would read back without its quotes.
fn stands_for_itself(text: &str) -> bool {
    !text.trim_ascii_start().starts_with('"') && serde_json::from_str::<&RawValue>(text).is_ok()
}

fn push_string(text: &str, out: &mut String) {
    out.push('"');
    raw::write_escaped(text, out).expect("a String takes all that is written");
    out.push('"');
}
