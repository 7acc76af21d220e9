//! A dialect file from text to typed tables, completed by the values of `standard.toml`.

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::diagnostic::{Diagnostics, KeyLocation};
use crate::file::File;
use crate::keys::{self, FREE, STANDARD};

/// TOML with the position of everything in the text.
pub(crate) struct Document<'t> {
    text: &'t str,
    tree: DeValue<'t>,
}

impl<'t> Document<'t> {
    pub(crate) fn read(text: &'t str) -> Self {
        let (table, _) = DeTable::parse_recoverable(text);
        Self { text, tree: DeValue::Table(table.into_inner()) }
    }

    pub(crate) fn whole(&self) -> KeyLocation<'_> {
        KeyLocation::whole(self.text, &self.tree)
    }

    /// All settings, with `standard`'s values where the file has none of its own.
    pub(crate) fn completed(&self) -> toml::Table {
        let mut table = self.tree.as_table().cloned().unwrap_or_default();
        complete(&mut table);
        let deserializer = Deserializer::from(Spanned::new(0..self.text.len(), table));
        toml::Table::deserialize(deserializer).expect("what was read as TOML is a table")
    }

    /// The typed file, with `standard`'s values where it has none of its own, or none that fit.
    pub(crate) fn file(&self, m: &mut Diagnostics) -> Option<File> {
        let mut table = self.tree.as_table().cloned().unwrap_or_default();
        keys::fit(&mut table, &self.whole(), m);
        complete(&mut table);
        let file = File::deserialize(Deserializer::from(Spanned::new(0..self.text.len(), table)));
        file.map_err(|error| m.add_toml(&error, &self.whole())).ok()
    }
}

/// Fills in what a file leaves out, but not its name, title and colour.
fn complete(table: &mut DeTable<'_>) {
    let standard = DeTable::parse(STANDARD).expect("standard.toml is TOML, a test reads it").into_inner();
    if let (Some(ours), Some(theirs)) = (table.get_mut("signatures"), first_signature(&standard)) {
        for entry in items(ours) {
            if let DeValue::Table(signature) = entry.get_mut() {
                fill(signature, theirs);
            }
        }
    }
    let tables = standard.into_iter().filter(|(_, value)| value.get_ref().is_table() || value.get_ref().is_array());
    fill(table, &tables.collect());
}

fn first_signature<'d>(standard: &'d DeTable<'static>) -> Option<&'d DeTable<'static>> {
    standard.get("signatures")?.get_ref().get(0)?.get_ref().as_table()
}

fn items<'d, 't>(value: &'d mut Spanned<DeValue<'t>>) -> impl Iterator<Item = &'d mut Spanned<DeValue<'t>>> {
    match value.get_mut() {
        DeValue::Array(items) => Some(items.iter_mut()),
        _ => None,
    }
    .into_iter()
    .flatten()
}

/// Puts into `ours` the members of `theirs` that it lacks.
fn fill<'t>(ours: &mut DeTable<'t>, theirs: &DeTable<'t>) {
    for (key, value) in theirs {
        match (ours.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value.get_ref()) {
            (None, _) => drop(ours.insert(key.clone(), value.clone())),
            (Some(DeValue::Table(ours)), DeValue::Table(theirs)) if !FREE.contains(&key.get_ref().as_ref()) => {
                fill(ours, theirs);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_file_leaves_nothing_out() {
        let table = DeTable::parse(STANDARD).unwrap();
        assert!(File::deserialize(Deserializer::from(table)).is_ok());
    }
}
