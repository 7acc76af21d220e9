//! JSON into what a handler asks for, and when that fails, which field was at fault.

use std::fmt;

use model::invalid::Fault;
use model::json::{DEEPEST, is_deeper};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use crate::object::Object;
use crate::problem::{Code, Problem};

/// Reads an object. Unknown and repeated fields are faults if `T` says so.
pub(crate) fn object<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Problem> {
    match serde_json::from_str::<Object<T>>(text) {
        Ok(Object(read)) => judge_depth(text).map(|()| read),
        Err(_) => Err(why_not::<Object<T>>(text)),
    }
}

/// Reads an object, or what stands for one that was not sent.
pub(crate) fn object_or_default<'de, T: Deserialize<'de> + Default>(text: &'de str) -> Result<T, Problem> {
    if matches!(text.trim_ascii(), "" | "null") { Ok(T::default()) } else { object(text) }
}

/// Whether it is nested as deep as receivers can read.
pub(crate) fn judge_depth(text: &str) -> Result<(), Problem> {
    if !is_deeper(text, DEEPEST) {
        return Ok(());
    }
    let detail = format!("Objects and lists are nested deeper than {DEEPEST} levels.");
    Err(Problem::new(Code::InvalidJson, detail))
}

/// Text that is no JSON at all.
pub(crate) fn broken(error: &serde_json::Error) -> Problem {
    let position = format!("line {} column {}", error.line(), error.column());
    Problem::new(Code::InvalidJson, format!("Not JSON at {position}: {}.", message(error)))
}

/// Reads once more, this time with an eye on where. Slower, and only for those who made a mistake.
fn why_not<'de, T: Deserialize<'de>>(text: &'de str) -> Problem {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let failed = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(failed) => failed,
        // The object is right and something comes after it.
        Ok(_) => return deserializer.end().err().map_or_else(|| unexplained(text), |error| broken(&error)),
    };
    let error = failed.inner();
    if error.classify() != Category::Data {
        return broken(error);
    }
    // A field may be wrong and the text behind it broken: broken comes first.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return broken(&error);
    }
    let pointer = pointer(failed.path());
    let pointer = match repeated(text, failed.path()) {
        Some(field) => format!("{pointer}/{}", escaped(&field)),
        None => pointer,
    };
    Problem::of(Code::InvalidRequest, vec![Fault::new(pointer, readable(&message(error)))])
}

fn unexplained(text: &str) -> Problem {
    Problem::new(Code::InvalidJson, format!("The body of {} bytes could not be read.", text.len()))
}

/// RFC 6901.
fn pointer(path: &Path) -> String {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => Some(format!("/{}", escaped(key))),
            Segment::Unknown => None,
        })
        .collect()
}

/// A key as it stands in a pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// serde's own words, without the position that it appends.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

/// Names of Rust's types are not words of ours.
fn readable(message: &str) -> String {
    ["u8", "u16", "u32", "u64", "i32", "i64"]
        .iter()
        .find_map(|number| message.strip_suffix(&format!("expected {number}")))
        .map_or_else(|| message.to_owned(), |rest| format!("{rest}expected a whole number"))
}

/// The first field that stands twice in the object at `path`, which is where reading stops then.
fn repeated(text: &str, path: &Path) -> Option<String> {
    let at = path.iter().try_fold(text, |text, segment| match segment {
        Segment::Seq { index } => serde_json::from_str::<Vec<&RawValue>>(text).ok()?.get(*index).map(|raw| raw.get()),
        Segment::Map { key } | Segment::Enum { variant: key } => {
            let Members(members) = serde_json::from_str(text).ok()?;
            members.into_iter().rev().find(|(name, _)| name == key).map(|(_, raw)| raw.get())
        }
        Segment::Unknown => None,
    })?;
    let Members(members) = serde_json::from_str(at).ok()?;
    let is_repeated = |(index, (name, _)): (usize, &(String, &RawValue))| {
        members[..index].iter().any(|(before, _)| before == name).then(|| name.clone())
    };
    members.iter().enumerate().find_map(is_repeated)
}

/// All members of an object, repeated ones too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Texts;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it reads matters")]
    struct Order {
        name: Option<String>,
        count: Option<u32>,
        #[serde(default)]
        lines: Vec<Line>,
        headers: Option<Texts>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it reads matters")]
    struct Line {
        sku: Option<String>,
    }

    fn refusal(text: &str) -> serde_json::Value {
        let problem = object::<Order>(text).map(|_| ()).expect_err("it is not right");
        serde_json::to_value(problem.document("r")).unwrap()
    }

    #[test]
    fn a_fault_is_named_by_its_pointer() {
        let cases = [
            (r#"{"name": 5}"#, "/name", "invalid type: integer `5`, expected a string"),
            (r#"{"count": -1}"#, "/count", "invalid value: integer `-1`, expected a whole number"),
            (r#"{"nam": "x"}"#, "/nam", "unknown field `nam`, expected one of `name`, `count`, `lines`, `headers`"),
            (r#"{"a/b~": 1}"#, "/a~1b~0", "unknown field `a/b~`, expected one of `name`, `count`, `lines`, `headers`"),
            (r#"{"lines": [{}, {"sku": []}]}"#, "/lines/1/sku", "invalid type: sequence, expected a string"),
            (r#"{"lines": [{"sku": "a", "sku": "b"}]}"#, "/lines/0/sku", "duplicate field `sku`"),
            (r#"{"name": "a", "count": 1, "name": "b"}"#, "/name", "duplicate field `name`"),
            (r#"{"headers": {"a": "b", "a": "c"}}"#, "/headers/a", "duplicate field `a`"),
            (r#"{"headers": {"a": 1}}"#, "/headers/a", "invalid type: integer `1`, expected a string"),
            (r#"["x", 1]"#, "", "invalid type: sequence, expected an object"),
            ("null", "", "invalid type: null, expected an object"),
        ];
        for (text, pointer, message) in cases {
            let refusal = refusal(text);
            assert_eq!(refusal["code"], "invalid_request", "{text}: {refusal}");
            assert_eq!(refusal["errors"][0]["pointer"], pointer, "{text}");
            assert_eq!(refusal["errors"][0]["message"], message, "{text}");
        }
    }

    #[test]
    fn broken_json_is_told_with_line_and_column() {
        let cases = [
            ("", "Not JSON at line 1 column 0: EOF while parsing a value."),
            ("{\n  \"name\": nope\n}", "Not JSON at line 2 column 12: expected ident."),
            ("{\"name\": \"a\",}", "Not JSON at line 1 column 14: trailing comma."),
            ("{} x", "Not JSON at line 1 column 4: trailing characters."),
            ("{\"name\": 5, oops}", "Not JSON at line 1 column 13: key must be a string."),
            ("{\"name\": \"\\ud800\"}", "Not JSON at line 1 column 17: unexpected end of hex escape."),
        ];
        for (text, detail) in cases {
            let refusal = refusal(text);
            assert_eq!((&refusal["code"], &refusal["detail"]), (&"invalid_json".into(), &detail.into()), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded_everywhere() {
        #[derive(Debug, serde::Deserialize)]
        struct Raw {
            data: Box<RawValue>,
        }
        let nested = |levels: usize| format!(r#"{{"data": {}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert_eq!(object::<Raw>(&nested(127)).unwrap().data.get().len(), 254);
        for levels in [128, 100_000] {
            let refused = object::<Raw>(&nested(levels)).unwrap_err();
            let told = serde_json::to_value(refused.document("r")).unwrap();
            assert_eq!(told["detail"], "Objects and lists are nested deeper than 128 levels.");
        }
    }
}
