//! The keys of a dialect file, and which of them are tables and lists.
//!
//! A key or value that does not fit is noted and left out, so that all the rest is checked as well.

use std::collections::HashSet;
use std::sync::LazyLock;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diagnostic::{Diagnostics, KeyLocation};

pub(crate) const STANDARD: &str = include_str!("../dialects/standard.toml");

/// `standard.toml` has every key but those of event types, of which it has none.
const EVERY_KEY: &str = concat!(
    include_str!("../dialects/standard.toml"),
    "\n[[event_types]]\nname = ''\ngroup = ''\ndescription = ''\nschema = ''\nexample = ''\n"
);

static PATTERN: LazyLock<DeTable<'static>> =
    LazyLock::new(|| DeTable::parse(EVERY_KEY).expect("standard.toml is TOML, a test reads it").into_inner());

/// Tables whose keys are the author's own.
pub(crate) const FREE: [&str; 1] = ["headers"];

const MOST_EVENT_TYPES: usize = 1000;

/// Removes from `file` the keys that do not exist there, and values of another kind.
pub(crate) fn fit(file: &mut DeTable<'_>, location: &KeyLocation<'_>, m: &mut Diagnostics) {
    fit_table(file, &PATTERN, location, m);
}

fn fit_table(ours: &mut DeTable<'_>, pattern: &DeTable<'_>, location: &KeyLocation<'_>, m: &mut Diagnostics) {
    let misfits = ours.iter_mut().filter_map(|(key, value)| {
        let fits = fits(key.get_ref(), value.get_mut(), pattern, &location.member(key.get_ref()), m);
        (!fits).then(|| key.get_ref().clone().into_owned())
    });
    let misfits: HashSet<String> = misfits.collect();
    if !misfits.is_empty() {
        let all = std::mem::take(ours).into_iter();
        *ours = all.filter(|(key, _)| !misfits.contains(key.get_ref().as_ref())).collect();
    }
}

fn fits(
    key: &str,
    value: &mut DeValue<'_>,
    pattern: &DeTable<'_>,
    location: &KeyLocation<'_>,
    m: &mut Diagnostics,
) -> bool {
    let wrong = match (pattern.get(key).map(Spanned::get_ref), value) {
        (None, _) => {
            m.add_with(location, || unknown(key, pattern));
            return false;
        }
        (Some(DeValue::Table(known)), DeValue::Table(table)) => {
            if !FREE.contains(&key) {
                fit_table(table, known, location, m);
            }
            return true;
        }
        (Some(DeValue::Array(known)), DeValue::Array(items)) => {
            if let Some(DeValue::Table(known)) = known.first().map(Spanned::get_ref) {
                fit_tables(items, known, location, m);
            }
            return true;
        }
        (Some(DeValue::Table(_)), other) => {
            format!("is a table, not {}: write [{}] and its keys below", a_kind(other), location.key())
        }
        (Some(DeValue::Array(_)), other) => format!("is a list, not {}: write it between [ and ]", a_kind(other)),
        // Values are checked one by one when they are read.
        (Some(_), _) => return true,
    };
    m.add(location, wrong);
    false
}

/// Entries beyond the maximum are not checked.
fn fit_tables(items: &mut DeArray<'_>, pattern: &DeTable<'_>, location: &KeyLocation<'_>, m: &mut Diagnostics) {
    if items.len() > MOST_EVENT_TYPES {
        m.add(location, format!("at most {MOST_EVENT_TYPES} entries, and here are {}", items.len()));
        let all = std::mem::replace(items, DeArray::new());
        all.into_iter().take(MOST_EVENT_TYPES).for_each(|item| items.push(item));
    }
    for (index, item) in items.iter_mut().enumerate() {
        let location = location.item(index);
        match item.get_mut() {
            DeValue::Table(table) => fit_table(table, pattern, &location, m),
            other => {
                m.add(&location, format!("is a table, not {}", a_kind(other)));
                *other = DeValue::Table(stand_in(index, pattern));
            }
        }
    }
}

/// A valid entry in place of a broken one.
fn stand_in<'t>(index: usize, pattern: &DeTable<'_>) -> DeTable<'t> {
    let mut table = DeTable::new();
    if let Some((name, value)) = pattern.get_key_value("name") {
        let unique = DeValue::String(format!("stand_in_{index}").into());
        table.insert(Spanned::new(name.span(), "name".into()), Spanned::new(value.span(), unique));
    }
    table
}

fn unknown(key: &str, pattern: &DeTable<'_>) -> String {
    let known: Vec<&str> = pattern.keys().map(|known| known.get_ref().as_ref()).collect();
    let near = known.iter().map(|known| (distance(key, known), known)).min();
    let meant = match near {
        Some((distance, known)) if distance <= 1 + known.len() / 4 => format!("did you mean {known}? "),
        _ => String::new(),
    };
    format!("`{key}` is not a key here: {meant}there are {}", known.join(", "))
}

fn a_kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The number of characters to insert, delete or replace to turn one text into the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    // A text far longer than any key is far from all of them.
    for (above, letter) in one.chars().take(64).enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (left, other) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[left + 1];
            row[left + 1] = changed.min(diagonal + 1).min(row[left] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_changes() {
        for (one, other, expected) in [
            ("", "", 0),
            ("jiter", "jitter", 1),
            ("heder", "header", 1),
            ("", "abc", 3),
            ("when", "then", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
