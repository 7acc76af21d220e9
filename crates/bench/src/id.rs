//! The id of an event, as text of bounded length: cheap to keep by the million.

use std::fmt;

const LONGEST: usize = 32;

/// What stands before the id in the answer to a POST.
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

    /// The value of the first `"id"` in `json`, which is not parsed: thousands of answers a second are read.
    pub(crate) fn find_in(json: &[u8]) -> Option<Self> {
        let start = json.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
        let rest = &json[start..];
        let end = rest.iter().position(|&byte| byte == b'"')?;
        Self::new(&rest[..end])
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
        let id = Id::find_in(br#"{"id":"evt_06d8x","type":"bench.event","deliveries":1}"#).expect("it has one");
        assert_eq!(id.to_string(), "evt_06d8x");
        assert!(id == Id::new(b"evt_06d8x").expect("short enough"));
    }

    #[test]
    fn no_id_is_found_where_there_is_none() {
        let too_long = format!(r#"{{"id":"{}"}}"#, "x".repeat(33));
        for json in ["", "{}", r#"{"id":""}"#, r#"{"id":7}"#, r#"{"id":"evt_"#, &too_long] {
            assert!(Id::find_in(json.as_bytes()).is_none(), "{json}");
        }
    }
}
