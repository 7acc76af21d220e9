//! Cuts a template: walks over its JSON, drops the spaces and stops at the slots. Everything else stays as it is
//! written: the order of members, the digits of numbers, the escapes in strings.

use crate::raw;
use crate::resolve::{CompiledSlot, Slots};
use crate::slot::{self, Segment};

/// Maximum bytes of a pointer that are reported with its error.
const LONGEST_TOLD: usize = 512;

#[derive(Default)]
pub(super) struct Cutter {
    segments: Vec<Segment<CompiledSlot>>,
    slots: Slots,
    /// The fixed text since the last slot.
    text: String,
    /// The current position in the template.
    pointer: String,
    wrong: Vec<String>,
}

impl Cutter {
    /// `json` is valid and not too deep.
    pub(super) fn json(&mut self, json: &str) {
        match json.as_bytes().first() {
            Some(b'{') => self.object(json),
            Some(b'[') => self.list(json),
            Some(b'"') => self.string(json),
            _ => self.text.push_str(json),
        }
    }

    fn object(&mut self, json: &str) {
        let mut opening = '{';
        for member in raw::members(json) {
            self.text.push(std::mem::replace(&mut opening, ','));
            // Keys are not templated.
            self.text.push_str(member.key);
            self.text.push(':');
            self.inside(&raw::text(member.key).replace('~', "~0").replace('/', "~1"), member.value);
        }
        self.text.push_str(if opening == '{' { "{}" } else { "}" });
    }

    fn list(&mut self, json: &str) {
        let mut opening = '[';
        for (index, item) in raw::items(json).enumerate() {
            self.text.push(std::mem::replace(&mut opening, ','));
            self.inside(&index.to_string(), item);
        }
        self.text.push_str(if opening == '[' { "[]" } else { "]" });
    }

    fn inside(&mut self, step: &str, json: &str) {
        let outside = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(step);
        self.json(json);
        self.pointer.truncate(outside);
    }

    /// A string, with its quotes.
    fn string(&mut self, quoted: &str) {
        let string: String = match serde_json::from_str(quoted) {
            Ok(string) => string,
            // Half a surrogate pair is valid JSON, but no text.
            Err(_) => return self.note("has half of a surrogate pair (\\ud800 to \\udfff), which is no character"),
        };
        if !slot::has_slots(&string) {
            return self.text.push_str(quoted);
        }
        match slot::segments(&string, |slot| self.slots.add(slot)) {
            Ok(segments) => self.segments(segments),
            Err(wrong) => wrong.iter().for_each(|message| self.note(message)),
        }
    }

    fn segments(&mut self, segments: Vec<Segment<CompiledSlot>>) {
        if let [Segment::Slot(compiled @ CompiledSlot { json: true, .. })] = *segments {
            return self.compiled(compiled);
        }
        if segments.iter().any(|segment| matches!(segment, Segment::Slot(compiled) if compiled.json)) {
            return self
                .note("a slot with the json filter stands alone in its string: it is replaced by the value itself");
        }
        self.text.push('"');
        for segment in segments {
            match segment {
                Segment::Text(text) => {
                    raw::write_escaped(&text, &mut self.text).expect("a String takes all that is written");
                }
                Segment::Slot(compiled) => self.compiled(compiled),
            }
        }
        self.text.push('"');
    }

    fn compiled(&mut self, compiled: CompiledSlot) {
        self.cut();
        self.segments.push(Segment::Slot(compiled));
    }

    fn cut(&mut self) {
        if !self.text.is_empty() {
            self.segments.push(Segment::Text(std::mem::take(&mut self.text).into()));
        }
    }

    fn note(&mut self, message: &str) {
        if self.wrong.len() == slot::MOST_WRONG {
            return;
        }
        // The whole template has the empty pointer.
        let colon = if self.pointer.is_empty() { "" } else { ": " };
        let pointer = &self.pointer[..self.pointer.floor_char_boundary(LONGEST_TOLD)];
        self.wrong.push(format!("{pointer}{colon}{message}"));
    }

    pub(super) fn finish(mut self) -> Result<(Vec<Segment<CompiledSlot>>, Slots), Vec<String>> {
        self.cut();
        if self.wrong.is_empty() { Ok((self.segments, self.slots)) } else { Err(self.wrong) }
    }
}
