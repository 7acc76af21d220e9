//! Bodies: made once, and for every request copied with only their numbers changed.

use hyper::body::Bytes;

const DIGITS: usize = 12;
const KIND_DIGITS: usize = 5;

/// Beginning of the types of the events that a scenario measures.
pub(crate) const MEASURED: &str = "bench";

/// The kinds of events have types `FAMILY.e00000`, `FAMILY.e00001` and so on; an endpoint names the one it wants.
pub(crate) fn type_of(family: &str, kind: u32) -> String {
    format!("{family}.e{kind:0KIND_DIGITS$}")
}

/// A JSON body that differs from the next one in its kind and its number alone.
#[derive(Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    kind_at: usize,
    number_at: usize,
}

impl Template {
    /// The body that a product POSTs, with `data` of exactly that many bytes of JSON.
    pub(crate) fn posted(family: &str, data_bytes: u32) -> Self {
        Self::around(family, r#"","data":"#, data_bytes)
    }

    /// The body that the standard dialect makes of it and a receiver gets.
    pub(crate) fn delivered(family: &str, data_bytes: u32) -> Self {
        Self::around(family, r#"","timestamp":"2026-01-01T00:00:00.000Z","data":"#, data_bytes)
    }

    fn around(family: &str, between: &str, data_bytes: u32) -> Self {
        let opening = r#"{"number":""#;
        let middle = r#"","text":""#;
        let closing = r#""}"#;
        let fixed = opening.len() + DIGITS + middle.len() + closing.len();
        let filler = (data_bytes as usize).saturating_sub(fixed);
        let text: String = "All that is gold does not glitter. ".chars().cycle().take(filler).collect();
        let number = "0".repeat(DIGITS);
        let head = format!(r#"{{"type":"{}"#, type_of(family, 0));
        let kind_at = head.len() - KIND_DIGITS;
        let number_at = head.len() + between.len() + opening.len();
        let bytes = format!("{head}{between}{opening}{number}{middle}{text}{closing}}}").into_bytes();
        Self { bytes, kind_at, number_at }
    }

    /// A body for the only kind and number.
    pub(crate) fn one(&self, numbers: impl Iterator<Item = (u32, u64)>) -> Bytes {
        let mut numbers = numbers;
        let (kind, number) = numbers.next().unwrap_or_default();
        self.numbered(kind, number)
    }

    pub(crate) fn numbered(&self, kind: u32, number: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        self.fill_in(&mut bytes, kind, number);
        bytes.into()
    }

    /// A JSON list of bodies, one for each kind and number.
    pub(crate) fn list(&self, numbers: impl ExactSizeIterator<Item = (u32, u64)>) -> Bytes {
        let mut bytes = Vec::with_capacity(2 + numbers.len() * (self.bytes.len() + 1));
        bytes.push(b'[');
        for (kind, number) in numbers {
            if bytes.len() > 1 {
                bytes.push(b',');
            }
            let start = bytes.len();
            bytes.extend_from_slice(&self.bytes);
            self.fill_in(&mut bytes[start..], kind, number);
        }
        bytes.push(b']');
        bytes.into()
    }

    fn fill_in(&self, body: &mut [u8], kind: u32, number: u64) {
        write_digits(&mut body[self.kind_at..self.kind_at + KIND_DIGITS], kind.into());
        write_digits(&mut body[self.number_at..self.number_at + DIGITS], number);
    }
}

fn write_digits(room: &mut [u8], mut number: u64) {
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn data_has_the_size_that_was_asked_for() {
        for (template, size) in [(Template::posted("bench", 500), 500), (Template::delivered("bench", 64), 64)] {
            let value: Value = serde_json::from_slice(&template.numbered(17, 1_234)).expect("it is JSON");
            assert_eq!(value["type"], type_of("bench", 17));
            assert_eq!(value["data"]["number"], "000000001234");
            assert_eq!(value["data"].to_string().len(), size);
        }
    }

    #[test]
    fn a_list_has_each_body_once() {
        let list = Template::posted("fill", 64).list([(0, 5), (1, 6)].into_iter());
        let value: Value = serde_json::from_slice(&list).expect("it is JSON");
        assert_eq!(value.as_array().expect("it is a list").len(), 2);
        assert_eq!((&value[1]["type"], &value[1]["data"]["number"]), (&"fill.e00001".into(), &"000000000006".into()));
    }
}
