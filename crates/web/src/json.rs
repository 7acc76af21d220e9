//! JSON into what a handler asks for, and when that fails, which field was at fault.

mod members;
mod reader;
mod told;

use model::json::{DEEPEST, is_deeper};
use model::object::Object;
use serde::de::{Deserialize, IgnoredAny};

use crate::problem::{Code, Problem};

/// The only way to write U+0000 in JSON.
const NUL: &str = "\\u0000";

/// Reads an object. Unknown and repeated fields are faults if `T` says so, and texts with U+0000 are.
pub fn object<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Problem> {
    match serde_json::from_str::<Object<T>>(text) {
        Ok(Object(read)) if !text.contains(NUL) => judge_depth(text).map(|()| read),
        Ok(_) => judge_depth(text).and_then(|()| read_slowly(text)),
        Err(_) => Err(why_not::<T>(text)),
    }
}

/// Reads an object, or what stands for one that was not sent.
pub fn object_or_default<'de, T: Deserialize<'de> + Default>(text: &'de str) -> Result<T, Problem> {
    if matches!(text.trim_ascii(), "" | "null") { Ok(T::default()) } else { object(text) }
}

/// Whether it is nested as deep as receivers can read.
pub fn judge_depth(text: &str) -> Result<(), Problem> {
    if !is_deeper(text, DEEPEST) {
        return Ok(());
    }
    let detail = format!("Objects and lists are nested deeper than {DEEPEST} levels.");
    Err(Problem::new(Code::InvalidJson, detail))
}

/// Text that is no JSON at all.
pub fn broken(text: &str, error: &serde_json::Error) -> Problem {
    let why = model::json::why_broken(text, error);
    let empty = text.trim_ascii().is_empty();
    let detail =
        if empty { "The body is empty: send JSON.".to_owned() } else { format!("Not{}.", &why["not".len()..]) };
    Problem::new(Code::InvalidJson, detail)
}

/// Reads once more, this time with an eye on where.
fn read_slowly<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Problem> {
    reader::read(text).map(|Object(read)| read).map_err(|fault| Problem::of(Code::InvalidRequest, vec![fault]))
}

fn why_not<'de, T: Deserialize<'de>>(text: &'de str) -> Problem {
    // A field may be wrong and the text behind it broken: broken comes first.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return broken(text, &error);
    }
    match read_slowly::<T>(text) {
        Err(problem) => problem,
        Ok(_) => judge_depth(text).err().unwrap_or_else(|| unexplained(text)),
    }
}

fn unexplained(text: &str) -> Problem {
    Problem::new(Code::InvalidJson, format!("The body of {} bytes could not be read.", text.len()))
}

#[cfg(test)]
mod tests {
    use model::object::Texts;
    use serde_json::value::RawValue;

    use super::*;

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
        let fields = "there are name, count, lines, headers";
        let cases = [
            (r#"{"name": 5}"#, "/name", "is a number, and should be a string"),
            (
                r#"{"name": "a\u0000b"}"#,
                "/name",
                "has the character U+0000 (\\u0000), which no text may have: leave it out",
            ),
            (
                r#"{"name": "\ud800"}"#,
                "/name",
                "has half of a surrogate pair (\\ud800 to \\udfff), which is no character",
            ),
            (r#"{"count": -1}"#, "/count", "is -1, and should be a whole number that fits"),
            (r#"{"count": "1"}"#, "/count", "is a text, and should be a whole number that fits"),
            (r#"{"nam": "x"}"#, "/nam", &format!("is not a field here: did you mean name? {fields}")),
            (r#"{"a/b~": 1}"#, "/a~1b~0", &format!("is not a field here: {fields}")),
            (r#"{"lines": {}}"#, "/lines", "is an object, and should be a list"),
            (r#"{"lines": [{}, {"sku": []}]}"#, "/lines/1/sku", "is a list, and should be a string"),
            (r#"{"lines": [{"sku": "a", "sku": "b"}]}"#, "/lines/0/sku", "stands here twice"),
            (r#"{"name": "a", "count": 1, "name": "b"}"#, "/name", "stands here twice"),
            (r#"{"headers": {"a": "b", "a": "c"}}"#, "/headers/a", "stands here twice"),
            (r#"{"headers": {"a": 1}}"#, "/headers/a", "is a number, and should be a string"),
            (r#"["x", 1]"#, "", "is a list, and should be an object"),
            ("null", "", "is null, and should be an object"),
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
            ("", "The body is empty: send JSON."),
            (
                "{\n  \"name\": nope\n}",
                "Not JSON at line 2 column 12: near `nope`: names and texts stand in double quotes.",
            ),
            (
                "{\"name\": \"a\",}",
                "Not JSON at line 1 column 14: near `}`: nothing comes after the last comma: leave it out.",
            ),
            ("{} x", "Not JSON at line 1 column 4: the value has ended before, and only one is taken."),
            (
                "{\"name\": 5, oops}",
                "Not JSON at line 1 column 13: near `oops`: names and texts stand in double quotes.",
            ),
            ("{'name': 5}", "Not JSON at line 1 column 2: near `'`: names and texts stand in double quotes."),
            (
                "{\"name\": [",
                "Not JSON at line 1 column 10: it ends before it is complete; a quotation mark, bracket or brace is not closed.",
            ),
        ];
        for (text, detail) in cases {
            let refusal = refusal(text);
            assert_eq!((&refusal["code"], &refusal["detail"]), (&"invalid_json".into(), &detail.into()), "{text}");
        }
    }

    #[test]
    fn what_is_kept_as_it_was_written_may_say_anything() {
        #[derive(Debug, serde::Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let text = r#"{"data": "a\u0000b"}"#;
        assert_eq!(object::<Raw<'_>>(text).unwrap().data.get(), r#""a\u0000b""#);
    }

    #[test]
    fn a_refused_object_costs_no_more_than_it_is_long() {
        let members: String = (0..100_000).map(|index| format!(",\"k{index}\":1")).collect();
        let refusal = refusal(&format!("{{\"name\":\"a\"{members}}}"));
        assert_eq!(refusal["errors"][0]["pointer"], "/k0");
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
