//! Circles: files that need each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The shortest way round, if there is one, with its first file at its end again.
pub(crate) fn circle(named: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Option<Vec<String>> {
    let round = named.keys().filter_map(|file| way_back(file, named)).min_by_key(Vec::len)?;
    Some(round.into_iter().map(|file| file.join("/")).collect())
}

/// From a file over others to itself.
fn way_back<'a>(
    file: &'a Vec<String>,
    named: &'a BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
) -> Option<Vec<&'a Vec<String>>> {
    let mut before: BTreeMap<&Vec<String>, &Vec<String>> = BTreeMap::new();
    let mut next = VecDeque::from([file]);
    while let Some(at) = next.pop_front() {
        for other in named.get(at).into_iter().flatten() {
            if other == file {
                let mut way = vec![file, at];
                while let Some(earlier) = way.last().filter(|last| **last != file).and_then(|last| before.get(*last)) {
                    way.push(earlier);
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(other) {
                before.insert(other, at);
                next.push_back(other);
            }
        }
    }
    None
}
