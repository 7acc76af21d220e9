//! Bodies: made once, and for every request copied with only their number changed.

use hyper::body::Bytes;

pub(crate) const TYPE: &str = "bench.event";

const DIGITS: usize = 12;

/// A JSON body that differs from the next one in its number alone.
#[derive(Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    number_at: usize,
}

impl Template {
    /// What a product POSTs, with `data` of exactly that many bytes of JSON.
    pub(crate) fn posted(data_bytes: u32) -> Self {
        Self::around(&format!(r#"{{"type":"{TYPE}","data":"#), data_bytes)
    }

    /// What the standard dialect makes of it: the body that a receiver gets.
    pub(crate) fn delivered(data_bytes: u32) -> Self {
        Self::around(&format!(r#"{{"type":"{TYPE}","timestamp":"2026-01-01T00:00:00.000Z","data":"#), data_bytes)
    }

    fn around(head: &str, data_bytes: u32) -> Self {
        let opening = r#"{"number":""#;
        let middle = r#"","text":""#;
        let closing = r#""}"#;
        let fixed = opening.len() + DIGITS + middle.len() + closing.len();
        let filler = (data_bytes as usize).saturating_sub(fixed);
        let text: String = "All that is gold does not glitter. ".chars().cycle().take(filler).collect();
        let number = "0".repeat(DIGITS);
        let bytes = format!("{head}{opening}{number}{middle}{text}{closing}}}").into_bytes();
        Self { bytes, number_at: head.len() + opening.len() }
    }

    pub(crate) fn numbered(&self, mut number: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        for digit in bytes[self.number_at..self.number_at + DIGITS].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn data_has_the_size_that_was_asked_for() {
        for (template, size) in [(Template::posted(500), 500), (Template::delivered(64), 64)] {
            let body = template.numbered(1_234);
            let value: Value = serde_json::from_slice(&body).expect("it is JSON");
            assert_eq!(value["data"]["number"], "000000001234");
            assert_eq!(value["data"].to_string().len(), size);
        }
    }
}
