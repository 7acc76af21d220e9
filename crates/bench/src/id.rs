//! The id of an event, as text of bounded length: cheap to keep by the million.

use std::fmt;

const LONGEST: usize = 32;

/// Text before the id in the answer to a POST.
const FIELD: &[u8] = br#""id":""#;

/// Up to 32 bytes of text, the rest zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id([u8; LONGEST]);

impl Id {
    /// `None` if it is empty or too long to be an id of ours.
    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        (!text.is_empty()).then_some(Self(bytes))
    }

    /// The values of all `"id"`s in `json`, in order, up to the first that is none of ours. It is not parsed: thousands
    /// of answers a second are read.
    pub(crate) fn all_in(json: &[u8]) -> impl Iterator<Item = Self> {
        let mut rest = json;
        std::iter::from_fn(move || {
            let start = rest.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
            let length = rest[start..].iter().position(|&byte| byte == b'"')?;
            let id = Self::new(&rest[start..start + length]);
            rest = &rest[start + length..];
            id
        })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.iter().position(|&byte| byte == 0).unwrap_or(LONGEST);
        f.write_str(&String::from_utf8_lossy(&self.0[..length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_answer_is_found() {
        let id = Id::all_in(br#"{"id":"evt_06d8x","type":"bench.event","deliveries":1}"#).next().expect("it has one");
        assert_eq!(id.to_string(), "evt_06d8x");
        assert!(id == Id::new(b"evt_06d8x").expect("short enough"));
    }

    #[test]
    fn a_list_of_answers_has_many() {
        let json = br#"{"results":[{"id":"a","type":"x"},{"error":{}},{"id":"b","type":"x"}]}"#;
        let ids: Vec<_> = Id::all_in(json).map(|id| id.to_string()).collect();
        assert_eq!(ids, ["a", "b"]);
    }

    #[test]
    fn no_id_is_found_where_there_is_none() {
        let too_long = format!(r#"{{"id":"{}"}}"#, "x".repeat(33));
        for json in ["", "{}", r#"{"id":""}"#, r#"{"id":7}"#, r#"{"id":"evt_"#, &too_long] {
            assert!(Id::all_in(json.as_bytes()).next().is_none(), "{json}");
        }
    }
}
