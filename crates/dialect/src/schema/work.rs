//! The cost of validating data against a schema, estimated before it is done: each subschema that a value is checked
//! against is paid for out of an allowance, and so is whatever it reads whole, such as a text that a pattern is matched
//! on.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::outline::Outline;

/// Allowance for any data, in units. A unit is some tens of nanoseconds: all of them are a few milliseconds.
const ALLOWANCE: u64 = 200_000;

/// Additional units for each byte of the data: an ordinary schema takes a fraction of that.
const FOR_EACH_BYTE: u64 = 2;

/// Bytes of text that are read for a unit.
const CHUNK: u64 = 64;

/// Maximum factor on the price for keywords that check again what others have checked (`unevaluated…`); each doubles
/// it.
const MOST_AGAIN: u64 = 64;

/// Subschemas that apply to the same value.
const IN_PLACE_ONE: [&str; 4] = ["not", "if", "then", "else"];
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// True if `value`, which was `bytes` long, can be validated against the schema within the allowance.
pub(super) fn is_affordable(
    schema: &Value,
    patterns: &Patterns,
    outline: &Outline,
    value: &Value,
    bytes: usize,
) -> bool {
    let left = ALLOWANCE + FOR_EACH_BYTE * bytes as u64;
    let anchors = if outline.references > 0 { anchors(schema) } else { HashMap::new() };
    // A pair of subschema and value that comes up twice is validated once. Without references none does.
    let seen = (outline.references > 0).then(HashSet::new);
    let unfolded = outline.unfolded as u64;
    let mut account = Account { variable: schema, anchors, patterns, unfolded, left, seen, waiting: Vec::new() };
    account.waiting.push(Visit { schema, value, again: 1 });
    account.is_enough()
}

/// The price of a byte of text with each of a schema's patterns, in sixteenths of a unit.
#[derive(Debug, Default)]
pub(super) struct Patterns(HashMap<String, u64>);

impl Patterns {
    /// `kib` is the size of the compiled pattern: it bounds the number of its states, and so the steps for a byte.
    pub(super) fn add(&mut self, pattern: &str, kib: u64) {
        self.0.insert(pattern.to_owned(), (kib * kib / 16).max(1));
    }

    /// The price of all patterns, on the scale of [`Outline::unfolded`].
    pub(super) fn weight(&self) -> usize {
        self.0.values().map(|price| usize::try_from(price / 16 + 1).unwrap_or(usize::MAX)).sum()
    }

    fn price(&self, pattern: &str, text: usize) -> u64 {
        1 + (text as u64).saturating_mul(self.0.get(pattern).copied().unwrap_or(1)) / 16
    }
}

/// A subschema that is checked against a value, and the factor for values that are checked again.
#[derive(Clone, Copy)]
struct Visit<'s> {
    schema: &'s Value,
    value: &'s Value,
    again: u64,
}

/// The allowance left, and the visits still to be paid for.
struct Account<'s> {
    variable: &'s Value,
    anchors: HashMap<&'s str, &'s Value>,
    patterns: &'s Patterns,
    /// The schema's unfolded subschemas: the price of a keyword that is not walked.
    unfolded: u64,
    left: u64,
    /// Pairs of subschema and value that have been paid for.
    seen: Option<HashSet<(*const Value, *const Value)>>,
    waiting: Vec<Visit<'s>>,
}

impl<'s> Account<'s> {
    fn is_enough(&mut self) -> bool {
        while let Some(visit) = self.waiting.pop() {
            if self.pay_for(visit).is_none() {
                return false;
            }
        }
        true
    }

    /// `None` if the allowance is not enough.
    fn pay(&mut self, units: u64, again: u64) -> Option<()> {
        self.left = self.left.checked_sub(units.saturating_mul(again))?;
        Some(())
    }

    fn pay_for(&mut self, Visit { schema, value, again }: Visit<'s>) -> Option<()> {
        let Some(subschema) = schema.as_object() else { return self.pay(1, again) };
        if let Some(seen) = &mut self.seen
            && !seen.insert((std::ptr::from_ref(schema), std::ptr::from_ref(value)))
        {
            return self.pay(1, again);
        }
        self.pay(1 + self.own_price(subschema, value), again)?;
        let looks_again =
            ["unevaluatedProperties", "unevaluatedItems"].iter().any(|word| subschema.contains_key(*word));
        let deeper = if looks_again { (again * 2).min(MOST_AGAIN) } else { again };
        self.in_place(subschema, value, deeper);
        match value {
            Value::Object(members) => self.members(subschema, members, again),
            Value::Array(items) => self.items(subschema, items, again),
            _ => Some(()),
        }
    }

    fn visit(&mut self, schema: &'s Value, value: &'s Value, again: u64) {
        self.waiting.push(Visit { schema, value, again });
    }

    /// The price of keywords that lead to no other subschema or value.
    fn own_price(&self, subschema: &Map<String, Value>, value: &Value) -> u64 {
        let count = |word: &str| subschema.get(word).and_then(Value::as_array).map_or(0, Vec::len) as u64;
        // Values are compared until they differ, so no longer than the schema's own are.
        let compared = ["const", "enum"].iter().filter_map(|word| subschema.get(*word)).map(size).sum::<u64>();
        let mut price = subschema.len() as u64 + count("required") + compared;
        if let Value::String(text) = value {
            price += text.len() as u64 / CHUNK;
            if let Some(pattern) = subschema.get("pattern").and_then(Value::as_str) {
                price += self.patterns.price(pattern, text.len());
            }
            if subschema.contains_key("format") {
                price += text.len() as u64 / 8;
            }
        }
        if subschema.contains_key("uniqueItems") {
            price += size(value);
        }
        price
    }

    fn in_place(&mut self, subschema: &'s Map<String, Value>, value: &'s Value, again: u64) {
        for below in IN_PLACE_ONE.iter().filter_map(|word| subschema.get(*word)) {
            self.visit(below, value, again);
        }
        for word in IN_PLACE_LISTS {
            for below in subschema.get(word).and_then(Value::as_array).into_iter().flatten() {
                self.visit(below, value, again);
            }
        }
        for word in ["dependentSchemas", "dependencies"] {
            for below in subschema.get(word).and_then(Value::as_object).into_iter().flat_map(Map::values) {
                self.visit(below, value, again);
            }
        }
        if let Some(target) = subschema.get("$ref").and_then(Value::as_str).and_then(|to| self.target(to)) {
            self.visit(target, value, again);
        }
    }

    fn members(
        &mut self,
        subschema: &'s Map<String, Value>,
        members: &'s Map<String, Value>,
        again: u64,
    ) -> Option<()> {
        let properties = subschema.get("properties").and_then(Value::as_object);
        let patterns = subschema.get("patternProperties").and_then(Value::as_object);
        let others = ["additionalProperties", "unevaluatedProperties"].map(|word| subschema.get(word));
        let names = subschema.get("propertyNames").is_some();
        for (name, member) in members {
            let known = properties.and_then(|properties| properties.get(name));
            for below in known.into_iter().chain(others.into_iter().flatten()) {
                self.visit(below, member, again);
            }
            for (pattern, below) in patterns.into_iter().flatten() {
                self.pay(2 * self.patterns.price(pattern, name.len()), again)?;
                self.visit(below, member, again);
            }
            if names {
                // Priced as if all of the schema were about names.
                self.pay(self.unfolded.saturating_mul(1 + name.len() as u64 / CHUNK), again)?;
            }
            self.pay(1, again)?;
        }
        Some(())
    }

    fn items(&mut self, subschema: &'s Map<String, Value>, items: &'s [Value], again: u64) -> Option<()> {
        let words = ["items", "additionalItems", "contains", "unevaluatedItems"];
        for below in words.iter().filter_map(|word| subschema.get(*word)).filter(|below| !below.is_array()) {
            self.pay(items.len() as u64, again)?;
            items.iter().for_each(|item| self.visit(below, item, again));
        }
        for word in ["prefixItems", "items"] {
            let places = subschema.get(word).and_then(Value::as_array).into_iter().flatten();
            places.zip(items).for_each(|(below, item)| self.visit(below, item, again));
        }
        Some(())
    }

    fn target(&self, reference: &str) -> Option<&'s Value> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.variable.pointer(fragment);
        }
        self.anchors.get(fragment).copied()
    }
}

/// The subschemas that have anchors, wherever they stand.
fn anchors(schema: &Value) -> HashMap<&str, &Value> {
    let mut anchors = HashMap::new();
    let mut waiting = vec![schema];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                let names = ["$anchor", "$dynamicAnchor"].iter().filter_map(|word| members.get(*word)?.as_str());
                anchors.extend(names.map(|name| (name, value)));
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    anchors
}

/// The price of reading a whole value.
fn size(value: &Value) -> u64 {
    match value {
        Value::String(text) => 1 + text.len() as u64 / CHUNK,
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(members) => {
            1 + members.iter().map(|(name, member)| 1 + name.len() as u64 / CHUNK + size(member)).sum::<u64>()
        }
        _ => 1,
    }
}
