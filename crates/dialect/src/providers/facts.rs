//! The facts of an event: the members of its data that a card shows, as names and values.
//!
//! Data may be anything that is JSON, up to its limit. It is read once for each level that is opened, and no tree is
//! built.

use super::text;
use crate::raw;

/// Maximum facts shown on a card; more are counted.
pub(super) const MOST: usize = 20;

/// Maximum levels of nested objects that are opened: `a.b.c`.
const DEEPEST: usize = 2;

/// Maximum items of a list that are named.
const MOST_ITEMS: usize = 10;

const LONGEST_NAME: usize = 100;
const LONGEST_VALUE: usize = 1000;
const LONGEST_ITEM: usize = 100;

/// A name and a value, each on one line and never empty. Not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: String,
}

impl Fact {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self { name: text::one_line(name, LONGEST_NAME), value: text::one_line(value, LONGEST_VALUE) }
    }
}

/// Facts to show, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) shown: Vec<Fact>,
    pub(super) omitted: usize,
}

impl Facts {
    /// The scalars of `data`, those of outer objects before those of inner ones, otherwise in their order.
    pub(super) fn of(data: &str) -> Self {
        let mut found = FactCollector::default();
        found.value(None, data.trim(), 0);
        found.facts()
    }
}

/// The name of `json`: itself, if it is text, or its `name` member.
pub(super) fn name_of(json: &str) -> Option<String> {
    let json = json.trim();
    let name = if raw::is_object(json) {
        raw::members(json).filter(|member| raw::text(member.key) == "name").last()?.value
    } else {
        json
    };
    name.starts_with('"').then(|| raw::text(name).into_owned())
}

#[derive(Default)]
struct FactCollector {
    /// By nesting depth, each level at most [`MOST`].
    levels: [Vec<Fact>; DEEPEST + 1],
    count: usize,
}

impl FactCollector {
    fn value(&mut self, name: Option<&str>, json: &str, depth: usize) {
        let mut members = raw::members(json).peekable();
        let is_opened = raw::is_object(json) && depth <= DEEPEST;
        if !is_opened || (members.peek().is_none() && name.is_some()) {
            return self.fact(name, json, depth.saturating_sub(1));
        }
        for member in members {
            let key = text::one_line(&raw::text(member.key), LONGEST_NAME);
            let path = name.map_or_else(|| key.clone(), |name| format!("{name}.{key}"));
            self.value(Some(&path), member.value, depth + 1);
        }
    }

    fn fact(&mut self, name: Option<&str>, json: &str, level: usize) {
        self.count += 1;
        let level = &mut self.levels[level];
        if level.len() < MOST {
            level.push(Fact::new(name.unwrap_or("data"), &shown(json)));
        }
    }

    fn facts(self) -> Facts {
        let shown: Vec<Fact> = self.levels.into_iter().flatten().take(MOST).collect();
        Facts { omitted: self.count - shown.len(), shown }
    }
}

/// A value as it reads in a line.
fn shown(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'"') => raw::text(json).into_owned(),
        Some(b'[') => list(json),
        Some(b'{') => counted(raw::members(json).count(), "field"),
        _ if json == "null" => "none".to_owned(),
        // As it was written, so that no digit of a number is lost.
        _ => json.to_owned(),
    }
}

/// The items, if they are scalars, or their number.
fn list(json: &str) -> String {
    let first = || raw::items(json).take(MOST_ITEMS);
    let count = raw::items(json).count();
    if count == 0 || first().any(|item| item.starts_with(['{', '['])) {
        return counted(count, "item");
    }
    let named: Vec<String> = first().map(|item| text::one_line(&shown(item), LONGEST_ITEM)).collect();
    let named = named.join(", ");
    if count > MOST_ITEMS { format!("{named} and {} more", count - MOST_ITEMS) } else { named }
}

pub(super) fn counted(count: usize, word: &str) -> String {
    match count {
        0 => "none".to_owned(),
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(data: &str) -> Vec<(String, String)> {
        Facts::of(data).shown.into_iter().map(|fact| (fact.name, fact.value)).collect()
    }

    #[test]
    fn whatever_the_data_it_has_facts() {
        let cases: [(&str, &[(&str, &str)]); 12] = [
            ("{}", &[]),
            ("null", &[("data", "none")]),
            (r#""hello""#, &[("data", "hello")]),
            ("[1,2]", &[("data", "1, 2")]),
            (r#"{"b":1.00,"a":true,"c":null}"#, &[("b", "1.00"), ("a", "true"), ("c", "none")]),
            (r#"{"a":{"b":{"c":{"d":1}},"e":2},"f":3}"#, &[("f", "3"), ("a.e", "2"), ("a.b.c", "1 field")]),
            (
                r#"{"a":[],"b":{},"c":"","d":[{}],"e":[[1],[2]]}"#,
                &[("a", "none"), ("b", "none"), ("c", "(empty)"), ("d", "1 item"), ("e", "2 items")],
            ),
            (r#"{"a":["x","y",null,1,2,3,4,5,6,7,8,9]}"#, &[("a", "x, y, none, 1, 2, 3, 4, 5, 6, 7 and 2 more")]),
            (r#"{"":"x"}"#, &[("(empty)", "x")]),
            (r#"{"a\nb":"x\ny"}"#, &[("a b", "x y")]),
            (r#"{"\ud800":"\udc00","b":1}"#, &[("\u{fffd}", "\u{fffd}"), ("b", "1")]),
            (r#"{"a":1,"a":2}"#, &[("a", "1"), ("a", "2")]),
        ];
        for (data, expected) in cases {
            let found = facts(data);
            let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(found, expected, "{data}");
        }
    }

    #[test]
    fn facts_that_are_too_many_are_counted() {
        let members: Vec<String> = (0..30).map(|n| format!(r#""m{n}":{{"x":{n}}}"#)).collect();
        let found = Facts::of(&format!("{{{},\"top\":1}}", members.join(",")));
        assert_eq!((found.shown.len(), found.omitted), (MOST, 11));
        assert_eq!(found.shown[0].name, "top", "outer ones come first");
    }

    #[test]
    fn a_name_is_the_text_or_the_member_of_that_name() {
        let cases = [
            (r#""Acme""#, Some("Acme")),
            (r#"{"id":1,"name":"Acme"}"#, Some("Acme")),
            (r#"{"name":{"x":1}}"#, None),
            ("{}", None),
            ("7", None),
        ];
        for (json, expected) in cases {
            assert_eq!(name_of(json).as_deref(), expected, "{json}");
        }
    }
}
