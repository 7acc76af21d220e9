//! A dialect file as a list of settings, to compare two files.

use std::collections::BTreeMap;

use toml::Value;

use crate::Dialect;
use crate::diagnostic::Diagnostic;
use crate::document::Document;

/// Keys and values as they are written in TOML: `retry.jitter` and `0.1`.
pub type Settings = BTreeMap<String, String>;

/// A difference between two files. `None` is a setting that a file does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub key: String,
    pub ours: Option<String>,
    pub theirs: Option<String>,
}

/// All settings of a dialect file, those that it leaves out as in `standard`. Header names are in lower case, event
/// types have their names in place of numbers: `event_types[invoice.paid].group`.
pub fn of(text: &str) -> Result<Settings, Vec<Diagnostic>> {
    Dialect::parse(text)?;
    let mut settings = Settings::new();
    list(String::new(), &Value::Table(Document::read(text).completed()), &mut settings);
    Ok(settings)
}

/// The differences, sorted by key. Empty if the two are the same.
pub fn differences(ours: &Settings, theirs: &Settings) -> Vec<Difference> {
    let mut keys: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|key| Difference { key: key.clone(), ours: ours.get(key).cloned(), theirs: theirs.get(key).cloned() })
        .filter(|difference| difference.ours != difference.theirs)
        .collect()
}

fn list(key: String, value: &Value, settings: &mut Settings) {
    match value {
        Value::Table(members) => {
            let is_headers = key == "headers";
            for (name, value) in members {
                let name = if is_headers { name.to_ascii_lowercase() } else { name.clone() };
                let dot = if key.is_empty() { "" } else { "." };
                list(format!("{key}{dot}{name}"), value, settings);
            }
        }
        Value::Array(items) if items.first().is_some_and(Value::is_table) => {
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                list(name.map_or_else(|| format!("{key}[{index}]"), |name| format!("{key}[{name}]")), item, settings);
            }
        }
        value => drop(settings.insert(key, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_differ_in_what_they_mean_not_in_how_they_are_written() {
        let plain = of("name = \"a\"\n[[event_types]]\nname = \"x.y\"\ngroup = \"X\"").unwrap();
        assert_eq!(plain["retry.jitter"], "0.1");
        assert_eq!(plain["event_types[x.y].group"], "\"X\"");
        let same = "name = 'a'\nretry.jitter = 0.1\nheaders.Webhook-Timestamp = '{{timestamp}}'\nheaders.Webhook-Id = '{{event.id}}'\nevent_types = [{ name = 'x.y', group = 'X' }]";
        assert_eq!(differences(&plain, &of(same).unwrap()), []);
        let other = of("name = 'a'\nretry = { jitter = 0, schedule = ['1s'] }\nsignatures = []").unwrap();
        let found = differences(&plain, &other);
        let keys: Vec<&str> = found.iter().map(|difference| difference.key.as_str()).collect();
        assert_eq!(&keys[..4], ["event_types[x.y].group", "event_types[x.y].name", "retry.jitter", "retry.schedule"]);
        assert_eq!((found[2].ours.as_deref(), found[2].theirs.as_deref()), (Some("0.1"), Some("0")));
        assert!(found.iter().any(|difference| difference.key == "signatures[0].header" && difference.theirs.is_none()));
        assert!(of("name = ").is_err());
    }
}
