//! The outline of a schema: its subschemas and the targets of its references, which bound the work it can make.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::issue::{SchemaIssue, escaped};
use super::message::quoted;

/// Drafts whose references all work in the same way. The first is the one without `$schema`.
const DRAFTS: [&str; 4] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
];
/// Keywords that hold one subschema.
const ONE: [&str; 12] = [
    "not",
    "if",
    "then",
    "else",
    "items",
    "additionalItems",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
const LISTS: [&str; 5] = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];
const MAPS: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "dependencies"];
/// Subschemas that do nothing unless they are referred to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

const MOST_PATTERNS: usize = 64;
/// Maximum subschemas, each counted as often as it is referred to: two references to two references … double it each
/// time.
const MOST_UNFOLDED: usize = 4096;
/// Maximum nesting of subschemas, references followed. Validation goes as deep, on the stack, for each level of the
/// data.
const DEEPEST: usize = 32;

#[derive(Debug)]
pub(super) struct Outline {
    /// Subschemas, each counted as often as it is referred to.
    pub(super) unfolded: usize,
    /// Number of times a reference leads back to a subschema that contains it.
    pub(super) returns: usize,
    /// References, each counted once.
    pub(super) references: usize,
    /// All patterns in the schema.
    pub(super) patterns: Vec<String>,
    /// True if values may fit one subschema or another (`anyOf`, `oneOf`).
    pub(super) alternatives: bool,
}

/// Reads everything about a schema that can be known without validating data by it.
pub(super) fn of(schema: &Value) -> Result<Outline, Vec<SchemaIssue>> {
    let survey = Survey::of(schema);
    if !survey.wrong.is_empty() {
        return Err(survey.wrong);
    }
    let mut unfolding = Unfolding { survey: &survey, open: Vec::new(), unfolded: 0, returns: 0 };
    unfolding.enter(schema).map_err(|message| vec![(String::new(), message)])?;
    let Unfolding { unfolded, returns, .. } = unfolding;
    let Survey { references, patterns, alternatives, .. } = survey;
    Ok(Outline { unfolded, returns, references, patterns, alternatives })
}

/// Every subschema once, and the errors in its references.
struct Survey<'s> {
    schema: &'s Value,
    anchors: HashMap<&'s str, &'s Value>,
    references: usize,
    patterns: Vec<String>,
    alternatives: bool,
    wrong: Vec<SchemaIssue>,
}

impl<'s> Survey<'s> {
    fn of(schema: &'s Value) -> Self {
        let mut survey = Self {
            schema,
            anchors: HashMap::new(),
            references: 0,
            patterns: Vec::new(),
            alternatives: false,
            wrong: Vec::new(),
        };
        let reached = survey.reach();
        survey.drafts();
        for (pointer, subschema) in reached {
            survey.references += usize::from(subschema.contains_key("$ref"));
            survey.patterns.extend(subschema.get("pattern").and_then(Value::as_str).map(str::to_owned));
            let names = subschema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
            survey.patterns.extend(names.cloned());
            survey.alternatives |= subschema.contains_key("anyOf") || subschema.contains_key("oneOf");
            survey.keywords(&pointer, subschema);
        }
        if survey.patterns.len() > MOST_PATTERNS {
            survey.wrong.push((String::new(), format!("a schema has at most {MOST_PATTERNS} patterns")));
        }
        survey
    }

    /// Returns all subschemas, those further up first. Records anchors on the way.
    fn reach(&mut self) -> Vec<(String, &'s Map<String, Value>)> {
        let mut seen = HashSet::new();
        let mut reached = Vec::new();
        let mut waiting = vec![(String::new(), self.schema)];
        while let Some((pointer, value)) = waiting.pop() {
            let Some(subschema) = value.as_object().filter(|_| seen.insert(std::ptr::from_ref(value))) else {
                continue;
            };
            for keyword in ["$anchor", "$dynamicAnchor"] {
                if let Some(anchor) = subschema.get(keyword).and_then(Value::as_str) {
                    self.anchors.insert(anchor, value);
                }
            }
            // A reference may lead to a place that no keyword leads to.
            if let Some(path) = subschema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#')) {
                waiting.extend(self.schema.pointer(path).map(|target| (path.to_owned(), target)));
            }
            waiting.extend(
                held(subschema, &[&MAPS, &DEFINITIONS]).map(|(below, value)| (format!("{pointer}/{below}"), value)),
            );
            reached.push((pointer, subschema));
        }
        reached
    }

    fn drafts(&mut self) {
        if let Some(draft) = self.schema.get("$schema").and_then(Value::as_str)
            && !DRAFTS.contains(&draft.trim_end_matches('#'))
        {
            self.wrong.push(("/$schema".to_owned(), format!("{draft:?} is not known: leave it out for {}", DRAFTS[0])));
        }
    }

    fn keywords(&mut self, pointer: &str, subschema: &Map<String, Value>) {
        let mut wrong = Vec::new();
        for keyword in ["$dynamicRef", "$recursiveRef"] {
            if subschema.contains_key(keyword) {
                wrong.push((keyword, "is not supported: use $ref".to_owned()));
            }
        }
        if !pointer.is_empty() && subschema.contains_key("$id") {
            wrong.push(("$id", "stands at the top of a schema only: for a name to refer to, use $anchor".to_owned()));
        }
        if let Some(reference) = subschema.get("$ref").and_then(Value::as_str) {
            let named = quoted(reference);
            if !reference.starts_with('#') {
                let message = format!(
                    "{named} lies outside of this schema, and nothing is fetched: put it under $defs and refer to it by #/$defs/…"
                );
                wrong.push(("$ref", message));
            } else if self.target(reference).is_none() {
                wrong.push(("$ref", format!("{named} leads nowhere in this schema")));
            }
        }
        self.wrong.extend(wrong.into_iter().map(|(keyword, message)| (format!("{pointer}/{keyword}"), message)));
    }

    fn target(&self, reference: &str) -> Option<&'s Value> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() || fragment.starts_with('/') {
            self.schema.pointer(fragment)
        } else {
            self.anchors.get(fragment).copied()
        }
    }
}

/// Walks a schema as validation does: into a subschema as often as something refers to it.
struct Unfolding<'a, 's> {
    survey: &'a Survey<'s>,
    /// The subschemas from the top down to here.
    open: Vec<*const Value>,
    unfolded: usize,
    /// Number of times a reference led to one that is open.
    returns: usize,
}

impl<'s> Unfolding<'_, 's> {
    fn enter(&mut self, value: &'s Value) -> Result<(), String> {
        let Some(subschema) = value.as_object() else { return Ok(()) };
        if self.open.contains(&std::ptr::from_ref(value)) {
            self.returns += 1;
            return Ok(());
        }
        self.unfolded += 1;
        if self.unfolded > MOST_UNFOLDED {
            return Err(format!("its references unfold into more than {MOST_UNFOLDED} subschemas"));
        }
        if self.open.len() == DEEPEST {
            return Err(format!("more than {DEEPEST} subschemas stand inside each other, references followed"));
        }
        self.open.push(value);
        let target = subschema.get("$ref").and_then(Value::as_str).and_then(|to| self.survey.target(to));
        for below in target.into_iter().chain(held(subschema, &[&MAPS]).map(|(_, below)| below)) {
            self.enter(below)?;
        }
        self.open.pop();
        Ok(())
    }
}

/// The subschemas under a schema's own keywords and under `maps`, each with its relative pointer.
fn held<'s>(
    schema: &'s Map<String, Value>,
    maps: &'static [&'static [&'static str]],
) -> impl Iterator<Item = (String, &'s Value)> {
    let under = |keyword: &'static str| schema.get(keyword).map(|value| (keyword, value));
    let one = ONE.into_iter().filter_map(under).map(|(keyword, value)| (keyword.to_owned(), value));
    let lists = LISTS.into_iter().filter_map(under).flat_map(|(keyword, value)| {
        value.as_array().into_iter().flatten().enumerate().map(move |(at, item)| (format!("{keyword}/{at}"), item))
    });
    let maps = maps.iter().copied().flatten().copied().filter_map(under).flat_map(|(keyword, value)| {
        let members = value.as_object().into_iter().flatten();
        members.map(move |(key, member)| (format!("{keyword}/{}", escaped(key)), member))
    });
    one.chain(lists).chain(maps)
}
