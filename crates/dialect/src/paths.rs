//! Paths into the JSON of an event, all found together: one pass over each object or list that leads to one, however
//! many paths there are.

use crate::raw;
use crate::variable::Variable;

/// The variables that paths can lead into. Their nodes are the first, in this order.
const VALUES: [Variable; 3] = [Variable::EventData, Variable::Brand, Variable::Workflow];

/// Maximum words of a path.
const MOST_WORDS: usize = 32;

#[derive(Clone, Debug, Default)]
pub(crate) struct Paths(Vec<Node>);

/// A value that paths lead to or through.
#[derive(Clone, Debug, Default)]
struct Node {
    /// By name, sorted.
    members: Vec<(Box<str>, usize)>,
    /// Members whose name is a number, sorted by it: they may be items of a list.
    items: Vec<(usize, usize)>,
}

/// The JSON at each path, for one render context. Empty if there are no paths.
pub(crate) struct PathValues<'v>(Vec<Option<&'v str>>);

impl Paths {
    /// Adds the path that leads from `variable` over `words`. The same path always has the same number.
    pub(crate) fn add(&mut self, variable: Variable, words: &[&str]) -> Result<usize, String> {
        if words.len() > MOST_WORDS {
            return Err(format!("a path has at most {MOST_WORDS} words behind its root"));
        }
        if self.0.is_empty() {
            self.0.resize_with(VALUES.len(), Node::default);
        }
        let start =
            VALUES.iter().position(|value| *value == variable).expect("a root with members is among the values");
        Ok(words.iter().fold(start, |node, word| self.step(node, word)))
    }

    fn step(&mut self, node: usize, word: &str) -> usize {
        let next = self.0.len();
        match self.0[node].position(word) {
            Ok(at) => return self.0[node].members[at].1,
            Err(at) => self.0[node].members.insert(at, (word.into(), next)),
        }
        if let Some(index) = index(word) {
            let items = &mut self.0[node].items;
            items.insert(items.partition_point(|(other, _)| *other < index), (index, next));
        }
        self.0.push(Node::default());
        next
    }

    /// Looks all paths up in the values of the variables.
    pub(crate) fn find<'v>(&self, value: impl Fn(Variable) -> Option<&'v str>) -> PathValues<'v> {
        let mut found = vec![None; self.0.len()];
        if !self.0.is_empty() {
            for (node, variable) in VALUES.into_iter().enumerate() {
                found[node] = value(variable);
                self.descend(node, &mut found);
            }
        }
        PathValues(found)
    }

    /// Of two members with the same name the last counts, so nested values are read when all have been seen.
    fn descend(&self, at: usize, found: &mut [Option<&str>]) {
        let (node, Some(json)) = (&self.0[at], found[at]) else { return };
        if node.members.is_empty() {
            return;
        }
        for member in raw::members(json) {
            if let Ok(at) = node.position(&raw::text(member.key)) {
                found[node.members[at].1] = Some(member.value);
            }
        }
        let mut wanted = node.items.iter().peekable();
        if wanted.peek().is_some() {
            for (index, item) in raw::items(json).enumerate() {
                let Some((_, at)) = wanted.next_if(|(wanted, _)| *wanted == index) else { continue };
                found[*at] = Some(item);
                if wanted.peek().is_none() {
                    break;
                }
            }
        }
        for (_, member) in &node.members {
            self.descend(*member, found);
        }
    }
}

impl Node {
    fn position(&self, word: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|(name, _)| (**name).cmp(word))
    }
}

impl<'v> PathValues<'v> {
    pub(crate) fn get(&self, path: usize) -> Option<&'v str> {
        self.0[path]
    }
}

/// The list index that a word stands for.
fn index(word: &str) -> Option<usize> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_finds_its_value() {
        let data = r#"{"a":{"b":1.10,"a":[]},"li\u0073t":[{"x":"y"},[7,8],null],"dup":{"in":1},"dup":{"other":2},
            "0":"zero","deep":{"0":{"1":true}}}"#;
        let cases = [
            ("a.b", Some("1.10")),
            ("a.a", Some("[]")),
            ("a.a.0", None),
            ("a.b.c", None),
            ("list.0.x", Some("\"y\"")),
            ("list.1.1", Some("8")),
            ("list.2", Some("null")),
            ("list.3", None),
            ("list.01", None),
            ("list.x", None),
            ("dup.in", None),
            ("dup.other", Some("2")),
            ("0", Some("\"zero\"")),
            ("deep.0.1", Some("true")),
            ("A", None),
        ];
        let mut paths = Paths::default();
        let words = |path: &'static str| path.split('.').collect::<Vec<_>>();
        let numbers: Vec<usize> =
            cases.iter().map(|(path, _)| paths.add(Variable::EventData, &words(path)).unwrap()).collect();
        assert_eq!(paths.add(Variable::EventData, &words("deep.0.1")).unwrap(), numbers[13]);
        let found = paths.find(|variable| (variable == Variable::EventData).then_some(data));
        for ((path, expected), number) in cases.into_iter().zip(numbers) {
            assert_eq!(found.get(number), expected, "{path}");
        }
    }

    #[test]
    fn paths_have_their_bound() {
        assert!(Paths::default().add(Variable::Brand, &["a"; 33]).is_err());
    }
}
