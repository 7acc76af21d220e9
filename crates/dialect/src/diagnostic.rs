//! Errors in a dialect file, each with its key and its line.

use std::fmt;

use toml::de::{DeTable, DeValue};

use crate::checked::Checked;

/// An error in a dialect file, for its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The key, for example `signatures[0].format`; empty when the file as a whole cannot be read.
    pub key: String,
    /// From 1. `None` when the error is at no line of the file.
    pub line: Option<usize>,
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Maximum diagnostics kept of one file.
const MOST: usize = 99;

/// Collects the diagnostics of one file, so that its author sees all of them at once. The first [`MOST`] are kept; the
/// rest is counted.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    kept: Vec<(Option<usize>, Diagnostic)>,
    more: usize,
}

impl Diagnostics {
    pub(crate) fn add(&mut self, location: &KeyLocation<'_>, message: impl Into<String>) {
        self.add_with(location, || message.into());
    }

    /// As `add`; the message is made only if it is kept.
    pub(crate) fn add_with(&mut self, location: &KeyLocation<'_>, message: impl FnOnce() -> String) {
        if self.kept.len() < MOST {
            self.kept.push((location.start, location.diagnostic(message())));
        } else {
            self.more += 1;
        }
    }

    /// Notes that the TOML does not deserialise as a dialect file.
    pub(crate) fn add_toml(&mut self, error: &toml::de::Error, whole: &KeyLocation<'_>) {
        let Some(span) = error.span() else { return self.add(whole, "not a dialect file: it cannot be read") };
        let location = whole.around(span.start).unwrap_or_else(|| whole.clone());
        self.add(&location.starting(span.start), "cannot be read as what stands here in a dialect file");
    }

    /// Keeps the diagnostics for which `keep` is true of their byte in the file, if they have one.
    pub(crate) fn retain(&mut self, keep: impl Fn(Option<usize>) -> bool) {
        self.kept.retain(|(start, _)| keep(*start));
    }

    pub(crate) fn extend(&mut self, others: Vec<Diagnostic>) {
        self.kept.extend(others.into_iter().map(|diagnostic| (None, diagnostic)));
    }

    /// Returns the value, or notes the error.
    pub(crate) fn check<T, E: ToString>(&mut self, location: &KeyLocation<'_>, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(location, error.to_string())).ok()
    }

    /// As [`Self::check`], with any number of errors.
    pub(crate) fn check_all<T>(&mut self, location: &KeyLocation<'_>, result: Result<T, Vec<String>>) -> Option<T> {
        result.map_err(|wrong| wrong.into_iter().for_each(|message| self.add(location, message))).ok()
    }

    /// Returns the value of a key, or notes the error.
    pub(crate) fn take<T>(&mut self, location: &KeyLocation<'_>, value: Checked<T>) -> Option<T> {
        self.check(location, value.0)
    }

    /// Returns the valid values of a list, and notes the errors of the others.
    pub(crate) fn each<T>(&mut self, location: &KeyLocation<'_>, values: Vec<Checked<T>>) -> Vec<T> {
        values.into_iter().enumerate().filter_map(|(index, value)| self.take(&location.item(index), value)).collect()
    }

    /// `value`, if nothing is wrong with it.
    pub(crate) fn none_or<T>(self, value: T) -> Result<T, Vec<Diagnostic>> {
        if self.kept.is_empty() { Ok(value) } else { Err(self.into_vec()) }
    }

    /// In the order of the file.
    fn into_vec(self) -> Vec<Diagnostic> {
        let mut diagnostics: Vec<Diagnostic> = self.kept.into_iter().map(|(_, diagnostic)| diagnostic).collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.line);
        if self.more > 0 {
            diagnostics.push(Diagnostic { key: String::new(), line: None, message: format!("and {} more", self.more) });
        }
        diagnostics
    }
}

/// A key in a dialect file, whether it is written there or not.
#[derive(Clone)]
pub(crate) struct KeyLocation<'f> {
    text: &'f str,
    key: String,
    value: Option<&'f DeValue<'f>>,
    /// The byte where it begins in the text; that of its parent, if it is not written.
    start: Option<usize>,
}

impl<'f> KeyLocation<'f> {
    /// The file as a whole.
    pub(crate) fn whole(text: &'f str, file: &'f DeValue<'f>) -> Self {
        Self { text, key: String::new(), value: Some(file), start: None }
    }

    pub(crate) fn member(&self, name: &str) -> Self {
        let dot = if self.key.is_empty() { "" } else { "." };
        let found = self.value.and_then(DeValue::as_table).and_then(|table| table.get_key_value(name));
        Self {
            text: self.text,
            key: format!("{}{dot}{name}", self.key),
            value: found.map(|(_, value)| value.get_ref()),
            start: found.map(|(key, _)| key.span().start).or(self.start),
        }
    }

    pub(crate) fn item(&self, index: usize) -> Self {
        let found = self.value.and_then(|value| value.get(index));
        Self {
            text: self.text,
            key: format!("{}[{index}]", self.key),
            value: found.map(toml::Spanned::get_ref),
            start: found.map(|value| value.span().start).or(self.start),
        }
    }

    /// The innermost key that is written around the byte at `offset`.
    pub(crate) fn around(&self, offset: usize) -> Option<Self> {
        match self.value? {
            DeValue::Table(table) => self.member_around(table, offset),
            DeValue::Array(items) => items.iter().enumerate().find_map(|(index, value)| {
                let item = self.item(index);
                item.around(offset).or_else(|| value.span().contains(&offset).then_some(item))
            }),
            _ => None,
        }
    }

    fn member_around(&self, table: &DeTable<'_>, offset: usize) -> Option<Self> {
        table.iter().find_map(|(key, value)| {
            let member = self.member(key.get_ref());
            let written_here = key.span().contains(&offset) || value.span().contains(&offset);
            member.around(offset).or_else(|| written_here.then_some(member))
        })
    }

    /// This location, moved to the byte at `offset`.
    pub(crate) fn starting(mut self, offset: usize) -> Self {
        self.start = Some(offset);
        self
    }

    /// A diagnostic at this location.
    pub(crate) fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic { key: self.key.clone(), line: self.line(), message: message.into() }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// True if the file itself has the key.
    pub(crate) fn is_written(&self) -> bool {
        self.value.is_some()
    }

    fn line(&self) -> Option<usize> {
        let before = self.text.get(..self.start?)?;
        Some(before.bytes().filter(|byte| *byte == b'\n').count() + 1)
    }
}
