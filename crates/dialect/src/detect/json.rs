//! Untrusted JSON, read without being re-serialised: members in their order, values as their text.

use crate::raw;

/// The members of an object in their order, each value as it is written. `None` if `json` is no object.
pub(super) fn members(json: &str) -> Option<Vec<(String, &str)>> {
    let members = || raw::members(json).map(|member| (raw::text(member.key).into_owned(), member.value)).collect();
    raw::is_object(json).then(members)
}

pub(super) fn is_valid(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// `None` if `json` is no string.
pub(super) fn string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

pub(super) fn is_object(json: &str) -> bool {
    json.starts_with('{')
}

pub(super) fn is_list(json: &str) -> bool {
    json.starts_with('[')
}

/// An object of these members, without spaces between them.
pub(super) fn object(members: &[(String, &str)]) -> String {
    let written: Vec<String> = members.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
    format!("{{{}}}", written.join(","))
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

/// The same JSON with nothing but `comma` and `colon` between its parts: strings and numbers stay as they are written.
pub(super) fn spaced(json: &str, comma: &str, colon: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json.chars();
    while let Some(next) = rest.next() {
        match next {
            ' ' | '\n' | '\r' | '\t' => {}
            ',' => out.push_str(comma),
            ':' => out.push_str(colon),
            '"' => copy_string(&mut rest, &mut out),
            other => out.push(other),
        }
    }
    out
}

/// From behind the opening quotation mark to the closing one.
fn copy_string(rest: &mut impl Iterator<Item = char>, out: &mut String) {
    out.push('"');
    while let Some(next) = rest.next() {
        out.push(next);
        match next {
            '"' => return,
            '\\' => out.extend(rest.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_their_spelling() {
        let found = members(r#" {"b": 1.00, "a": { "x":[ ] }} "#).unwrap();
        assert_eq!(found, [("b".to_owned(), "1.00"), ("a".to_owned(), r#"{ "x":[ ] }"#)]);
        assert!(members("[1]").is_none());
    }

    #[test]
    fn only_what_stands_between_values_is_changed() {
        let text = "{ \"a , b\" : [1,\n2], \"c\\\": \" :null}";
        assert_eq!(spaced(text, ",", ":"), r#"{"a , b":[1,2],"c\": ":null}"#);
        assert_eq!(spaced(text, ", ", ": "), r#"{"a , b": [1, 2], "c\": ": null}"#);
    }
}
