//! The configuration file: TOML, every key and value with its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike, Value};

use super::config_values::{ConfigValue, ConfigValues};
use super::diagnostic::{ConfigDiagnostic, ConfigLocation};
use super::settings::{self, SETTINGS, Setting, Shape, UnlessSet};

/// What a file says, as far as its keys are known and their values have the right shape.
#[derive(Default)]
pub(super) struct File {
    /// `None`: there is none.
    pub path: Option<PathBuf>,
    values: BTreeMap<&'static str, ConfigValues>,
    pub diagnostics: Vec<ConfigDiagnostic>,
}

impl File {
    pub(super) fn values(&self, setting: &Setting) -> Option<ConfigValues> {
        self.values.get(setting.key).cloned()
    }
}

pub(super) fn parse(path: &Path, text: &str) -> File {
    let file = File { path: Some(path.to_owned()), ..File::default() };
    let mut reader = Reader { path: path.to_owned(), text, file };
    match Document::parse(text) {
        Ok(document) => reader.table(document.as_table(), ""),
        Err(error) => {
            let location = reader.location(error.span());
            let what = error.message().lines().collect::<Vec<_>>().join(", ");
            reader.file.diagnostics.push(ConfigDiagnostic::new(location, "", format!("not TOML: {what}")));
        }
    }
    reader.file
}

struct Reader<'a> {
    path: PathBuf,
    text: &'a str,
    file: File,
}

impl Reader<'_> {
    fn table(&mut self, table: &dyn TableLike, above: &str) {
        for (name, item) in table.iter() {
            let key = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
            let location = self.location(table.key(name).and_then(toml_edit::Key::span));
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) {
                self.setting(setting, item, location);
            } else if tables().any(|known| known == key) {
                match item.as_table_like() {
                    Some(inner) => self.table(inner, &key),
                    None => self.wrong(location, &key, format!("is a table: write [{key}] once, and its keys below")),
                }
            } else {
                self.wrong(location, &key, unknown(&key));
            }
        }
    }

    fn setting(&mut self, setting: &'static Setting, item: &Item, location: ConfigLocation) {
        if !setting.in_file() {
            return self.wrong(location, setting.key, format!("a secret is not read from a file: set {}", setting.env));
        }
        let values = match (setting.shape, item.as_value()) {
            (Shape::List, Some(Value::Array(items))) if items.is_empty() => {
                if matches!(setting.unless_set, UnlessSet::Default(_)) {
                    return self.wrong(location, setting.key, "name at least one".to_owned());
                }
                Some(vec![])
            }
            (Shape::List, Some(Value::Array(items))) => {
                items.iter().map(|item| self.value(Shape::Text, item)).collect()
            }
            (Shape::List, _) | (_, None) => None,
            (shape, Some(value)) => self.value(shape, value).map(|value| vec![value]),
        };
        match values {
            Some(values) => drop(self.file.values.insert(setting.key, values)),
            None => self.wrong(location, setting.key, expected(setting, item)),
        }
    }

    /// `None` if the value has another shape.
    fn value(&self, shape: Shape, value: &Value) -> Option<ConfigValue> {
        let text = match (shape, value) {
            (Shape::Text, Value::String(text)) => text.value().clone(),
            (Shape::Number, Value::Integer(number)) => number.value().to_string(),
            (Shape::Switch, Value::Boolean(on)) => on.value().to_string(),
            _ => return None,
        };
        Some(ConfigValue { text, location: self.location(value.span()) })
    }

    fn wrong(&mut self, location: ConfigLocation, key: &str, message: String) {
        self.file.diagnostics.push(ConfigDiagnostic::new(location, key, message));
    }

    fn location(&self, span: Option<Range<usize>>) -> ConfigLocation {
        let before = span.and_then(|span| self.text.get(..span.start));
        let line = before.map_or(0, |before| before.matches('\n').count() + 1);
        ConfigLocation::File { path: self.path.clone(), line }
    }
}

fn tables() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(Setting::table).filter(|table| !table.is_empty())
}

fn expected(setting: &Setting, item: &Item) -> String {
    let shape = match setting.shape {
        Shape::Text => "a string",
        Shape::Number => "a whole number",
        Shape::Switch => "true or false",
        Shape::List => "a list of strings",
    };
    let found = item.type_name();
    match setting.shape {
        Shape::Switch => format!("expected {shape}, found {found}"),
        _ => format!("expected {shape}, such as {}, found {found}", super::example::literal(setting)),
    }
}

/// Suggests the same name in its right table, or what is a typing error away.
fn unknown(key: &str) -> String {
    let name = key.rsplit('.').next().unwrap_or(key);
    let known = || SETTINGS.iter().filter(|setting| setting.in_file());
    if let Some(setting) = known().find(|setting| setting.name() == name) {
        return match setting.table() {
            "" => format!("unknown key; {name} stands at the top of the file, above all tables"),
            table => format!("unknown key; {name} belongs below [{table}]"),
        };
    }
    let typos = 1 + name.len() / 4;
    let by_key = settings::nearest(key, known().map(|setting| setting.key).chain(tables()), typos);
    let by_name = || {
        let near = settings::nearest(name, known().map(Setting::name), typos)?;
        known().find(|setting| setting.name() == near).map(|setting| setting.key)
    };
    match by_key.or_else(by_name) {
        Some(meant) => format!("unknown key; did you mean {meant}?"),
        None => "unknown key; `posthaste config print` shows all keys".to_owned(),
    }
}
