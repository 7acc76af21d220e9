//! The crates as they lie on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Crate {
    pub(crate) name: String,
    path: PathBuf,
}

impl Crate {
    /// Every crate of the workspace.
    pub(crate) fn all() -> Vec<Self> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates lie beside each other");
        let mut all: Vec<Self> = fs::read_dir(crates)
            .expect("they can be read")
            .map(|entry| entry.expect("it can be read").path())
            .filter(|path| path.join("Cargo.toml").exists())
            .map(|path| Self { name: path.file_name().expect("it has a name").to_string_lossy().into_owned(), path })
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Those of `ours` that its manifest names, tests' apart.
    pub(crate) fn dependencies(&self, ours: &BTreeSet<&str>) -> BTreeSet<String> {
        let manifest = fs::read_to_string(self.path.join("Cargo.toml")).expect("it can be read");
        let manifest: toml_edit::DocumentMut = manifest.parse().expect("it is TOML");
        let dependencies = manifest["dependencies"].as_table_like().expect("it is a table");
        dependencies.iter().map(|(name, _)| name.to_owned()).filter(|name| ours.contains(name.as_str())).collect()
    }

    /// Its files by module, `lib.rs` and `main.rs` apart, each without its tests.
    pub(crate) fn sources(&self) -> BTreeMap<Vec<String>, String> {
        let mut sources = BTreeMap::new();
        read(&self.path.join("src"), &[], &mut sources);
        sources
    }
}

fn read(directory: &Path, module: &[String], sources: &mut BTreeMap<Vec<String>, String>) {
    for entry in fs::read_dir(directory).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let stem = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let inner = [module, std::slice::from_ref(&stem)].concat();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            read(&path, &inner, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !(module.is_empty() && ["lib", "main"].contains(&stem.as_str()))
        {
            sources.insert(inner, without_tests(&fs::read_to_string(&path).expect("it is text")));
        }
    }
}

/// The text without what is for tests alone: modules, and imports.
pub(crate) fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let closing = format!("{indent}}}");
        // To the end of the item behind it: rustfmt puts that on the same column.
        let item = lines.by_ref();
        let first = item.find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
        if !first.ends_with(';') {
            let _ = item.find(|line| *line == closing);
        }
    }
    kept
}
