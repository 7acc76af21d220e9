//! JSON kept as the bytes that came in: never parsed into a tree, never written differently.

pub(crate) mod broken;

use std::sync::Arc;

pub use broken::why_broken;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Deeper JSON is refused: receivers' parsers overflow on it.
pub const DEEPEST: usize = 128;

/// A JSON value as it was written. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Text that is known to be JSON: it was read as such, or comes from the database, where only JSON was put.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// True if objects and lists are nested in more than `most` levels in `text`, which is valid JSON. Nothing is
/// allocated.
pub fn is_deeper(text: &str, most: usize) -> bool {
    // Mostly there are fewer than that in all. To count them is many times as fast as to follow them: 255 at a time, so
    // that the sums fit into bytes.
    let opens = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum::<u8>();
    let opened: usize = text.as_bytes().chunks(255).map(|bytes| usize::from(opens(bytes))).sum();
    opened > most && depth(text) > most
}

/// Depth of nested objects and lists in `text`, which is valid JSON. One pass, nothing allocated.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Box::<str>::from(raw).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_stay_as_they_came() {
        let json: Json = serde_json::from_str(r#" { "b":1.00, "a" : "\u00e9" } "#).unwrap();
        assert_eq!(json.as_str(), r#"{ "b":1.00, "a" : "\u00e9" }"#);
        assert_eq!(serde_json::to_string(&json).unwrap(), json.as_str());
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        for (text, expected) in [("1", 0), ("{}", 1), (r#"{"a":[{}]}"#, 3), (r#"["[[[", "\"[["]"#, 1), ("[[],[[]]]", 3)]
        {
            assert_eq!(depth(text), expected, "{text}");
            assert!(expected == 0 || is_deeper(text, expected - 1), "{text}");
            assert!(!is_deeper(text, expected), "{text}");
        }
    }
}
