//! The house: which crate may use which, no circle of files inside of a crate, and no file that is too long.
//!
//! Tests in the sources are apart: they may use what they like, and do not count.

mod circles;
mod imports;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use self::circles::circle;
use self::imports::{crates_named, files_named};
use self::sources::{Crate, without_tests};

/// Each crate, and those of ours that it may use. ARCHITECTURE.md has the same table.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("server", &["api", "dialect", "engine", "model", "rules", "store", "trust", "web"]),
    ("api", &["dialect", "model", "rules", "store", "web"]),
    ("engine", &["dialect", "model", "store", "trust"]),
    ("web", &["model", "store"]),
    ("store", &["model", "trust"]),
    ("rules", &["dialect", "model"]),
    ("dialect", &["model"]),
    ("inbound", &["model"]),
    ("trust", &[]),
    ("model", &[]),
    ("metrics", &[]),
    ("testkit", &["model"]),
    ("faultdisk", &[]),
    ("bench", &["dialect", "model"]),
];

/// Maximum lines of a file.
const LONGEST: usize = 500;

fn ours() -> BTreeSet<&'static str> {
    MAY_USE.iter().map(|(name, _)| *name).collect()
}

/// What is used by a crate of that name and may not be, of those that its manifest and its sources name.
fn strays(name: &str, used: &BTreeSet<String>) -> Vec<String> {
    let (_, may_use) = MAY_USE.iter().find(|(known, _)| *known == name).expect("the table has every crate");
    used.iter().filter(|other| !may_use.contains(&other.as_str())).map(|other| format!("{name} -> {other}")).collect()
}

/// The files of a crate, and which of them each names.
fn named_in(sources: &BTreeMap<Vec<String>, String>) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let files: BTreeSet<Vec<String>> = sources.keys().cloned().collect();
    sources.iter().map(|(file, text)| (file.clone(), files_named(file, text, &files))).collect()
}

#[test]
fn the_table_has_every_crate() {
    let there: BTreeSet<String> = Crate::all().into_iter().map(|one| one.name).collect();
    assert_eq!(there, ours().into_iter().map(str::to_owned).collect());
}

#[test]
fn no_crate_uses_one_that_it_may_not() {
    let mut found = Vec::new();
    for one in Crate::all() {
        let sources = one.sources();
        let mut used = one.dependencies(&ours());
        let others = &ours() - &BTreeSet::from([one.name.as_str()]);
        for text in sources.values() {
            used.extend(crates_named(text, &others));
        }
        found.extend(strays(&one.name, &used));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_files_of_a_crate_need_each_other() {
    let mut found = Vec::new();
    for one in Crate::all() {
        found.extend(circle(&named_in(&one.sources())).map(|circle| format!("{}: {}", one.name, circle.join(" -> "))));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_file_is_too_long() {
    let mut found = Vec::new();
    for one in Crate::all() {
        for (file, text) in one.sources() {
            let lines = text.lines().count();
            if lines > LONGEST {
                found.push(format!("{}: {} has {lines} lines", one.name, file.join("/")));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_edge_that_may_not_be_is_found() {
    let text = "use model::id::Id;\nuse store::Error;\n";
    let used = crates_named(text, &ours());
    assert_eq!(strays("dialect", &used), ["dialect -> store"]);
}

#[test]
fn a_circle_is_found_and_a_parent_that_declares_its_child_is_none() {
    let crate_of = |files: &[(&str, &str)]| -> BTreeMap<Vec<String>, String> {
        files.iter().map(|(file, text)| (file.split('/').map(str::to_owned).collect(), without_tests(text))).collect()
    };
    let open = crate_of(&[
        ("lane", "pub mod pace;\n\npub struct Lane;\n"),
        (
            "lane/pace",
            "use super::Lane;\n\n/// [`crate::turns::Turn`] and `crate::turns` are words here.\nconst TOLD: &str = \"crate::turns::Turn\";\n",
        ),
        ("turns", "use std::{pace::Turn};\nuse crate::lane::{Lane, pace::{Pace}};\n"),
    ]);
    assert_eq!(circle(&named_in(&open)), None);

    let around = crate_of(&[
        ("lane", "pub mod pace;\n\nuse self::pace::Pace;\n"),
        ("lane/pace", "use crate::{turns::{Turn, Give}, other};\n"),
        ("turns", "fn give() -> super::lane::Lane {}\n"),
    ]);
    let found = circle(&named_in(&around)).expect("it is there");
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 3, "{found:?}");

    let by_a_test = crate_of(&[
        ("lane", "use crate::turns::Turn;\n"),
        ("turns", "pub struct Turn;\n\n#[cfg(test)]\nmod tests {\n    use crate::lane::Lane;\n}\n"),
    ]);
    assert_eq!(circle(&named_in(&by_a_test)), None);
}
