//! Cuts a template: walks over its JSON, drops the spaces and stops at the slots. Everything else stays as it is written:
//! the order of members, the digits of numbers, the escapes in strings.

use crate::fill::{Hole, Slots};
use crate::raw;
use crate::slot::{self, Piece};

/// Bytes of a pointer that are told with what is wrong there.
const LONGEST_TOLD: usize = 512;

#[derive(Default)]
pub(super) struct Cutter {
    pieces: Vec<Piece<Hole>>,
    slots: Slots,
    /// What stays, since the last slot.
    text: String,
    /// Where in the template we are.
    pointer: String,
    wrong: Vec<String>,
}

impl Cutter {
    /// Valid JSON, not too deep.
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
            // Half a surrogate pair passes for JSON, but is no text.
            Err(_) => return self.note("has half of a surrogate pair (\\ud800 to \\udfff), which is no character"),
        };
        if !slot::has_slots(&string) {
            return self.text.push_str(quoted);
        }
        match slot::pieces(&string, |slot| self.slots.add(slot)) {
            Ok(pieces) => self.pieces(pieces),
            Err(wrong) => wrong.iter().for_each(|message| self.note(message)),
        }
    }

    fn pieces(&mut self, pieces: Vec<Piece<Hole>>) {
        if let [Piece::Slot(hole @ Hole { json: true, .. })] = *pieces {
            return self.hole(hole);
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Slot(hole) if hole.json)) {
            return self
                .note("a slot with the json filter stands alone in its string: it is replaced by the value itself");
        }
        self.text.push('"');
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    raw::write_escaped(&text, &mut self.text).expect("a String takes all that is written");
                }
                Piece::Slot(hole) => self.hole(hole),
            }
        }
        self.text.push('"');
    }

    fn hole(&mut self, hole: Hole) {
        self.cut();
        self.pieces.push(Piece::Slot(hole));
    }

    fn cut(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text).into()));
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

    pub(super) fn finish(mut self) -> Result<(Vec<Piece<Hole>>, Slots), Vec<String>> {
        self.cut();
        if self.wrong.is_empty() { Ok((self.pieces, self.slots)) } else { Err(self.wrong) }
    }
}
