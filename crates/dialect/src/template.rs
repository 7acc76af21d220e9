//! Body templates: JSON whose strings hold slots, cut once into what stays and what is filled in.

use serde_json::value::RawValue;

use crate::root::{Addressee, Hole, Occasion, Value};
use crate::slot::{self, Piece};

/// Longer templates are refused.
const LONGEST: usize = 64 * 1024;

/// A compiled body. What it writes is JSON without spaces of its own, whatever the data.
#[derive(Clone, Debug, Default)]
pub struct Template(Vec<Piece<Hole>>);

impl Template {
    /// Reads a template, or says all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        if text.len() > LONGEST {
            return Err(vec![format!("a template has at most {LONGEST} bytes")]);
        }
        if let Err(error) = serde_json::from_str::<&RawValue>(text) {
            return Err(vec![format!("not JSON: {error}")]);
        }
        let mut cutter = Cutter::default();
        cutter.json(text);
        cutter.finish()
    }

    pub(crate) fn render(&self, occasion: &Occasion<'_>, addressee: &Addressee) -> Vec<u8> {
        let length = |piece: &Piece<Hole>| match piece {
            Piece::Text(text) => text.len(),
            Piece::Slot(hole) => hole.root.value(occasion, addressee).length(),
        };
        let mut body = String::with_capacity(self.0.iter().map(length).sum());
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => body.push_str(text),
                Piece::Slot(hole) => write(&hole.root.value(occasion, addressee), hole.json, &mut body),
            }
        }
        body.into_bytes()
    }
}

fn write(value: &Value<'_>, json: bool, out: &mut String) {
    match (value, json) {
        (Value::Json(_) | Value::Number(_), true) | (Value::Shown(_) | Value::Number(_) | Value::None, false) => {
            value.write(out);
        }
        (Value::Text(text) | Value::Json(text), false) => push_escaped(out, text),
        (Value::None, true) => out.push_str("null"),
        (Value::Text(_) | Value::Shown(_), true) => {
            out.push('"');
            write(value, false, out);
            out.push('"');
        }
    }
}

/// Appends `text` as it stands inside a JSON string (RFC 8259, section 7).
fn push_escaped(out: &mut String, text: &str) {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[written..at]);
        written = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(control >> 4)]));
                out.push(char::from(HEX[usize::from(control & 15)]));
            }
        }
    }
    out.push_str(&text[written..]);
}

/// Walks over valid JSON, drops the spaces and cuts at the slots. Everything else stays as it is written: the order of
/// members, the digits of numbers, the escapes in strings.
#[derive(Default)]
struct Cutter {
    pieces: Vec<Piece<Hole>>,
    /// What stays, since the last slot.
    text: String,
    wrong: Vec<String>,
}

impl Cutter {
    fn json(&mut self, json: &str) {
        let mut rest = json;
        while let Some(next) = rest.chars().next() {
            if next == '"' {
                let (string, after) = rest.split_at(string_end(rest));
                // Keys are not templated.
                let is_key = after.trim_start().starts_with(':');
                if is_key {
                    self.text.push_str(string);
                } else {
                    self.string(string);
                }
                rest = after;
            } else {
                if !next.is_ascii_whitespace() {
                    self.text.push(next);
                }
                rest = &rest[next.len_utf8()..];
            }
        }
    }

    /// A string, with its quotes.
    fn string(&mut self, quoted: &str) {
        let string: String = match serde_json::from_str(quoted) {
            Ok(string) => string,
            // Half a surrogate pair passes for JSON, but is no text.
            Err(error) => return self.wrong.push(format!("{quoted} is no text: {error}")),
        };
        if !slot::has_slots(&string) {
            return self.text.push_str(quoted);
        }
        match slot::pieces(&string, Hole::named) {
            Ok(pieces) => self.slots(pieces),
            Err(wrong) => self.wrong.push(wrong),
        }
    }

    fn slots(&mut self, pieces: Vec<Piece<Hole>>) {
        if let [Piece::Slot(hole @ Hole { json: true, .. })] = *pieces {
            return self.hole(hole);
        }
        self.text.push('"');
        for piece in pieces {
            match piece {
                Piece::Text(text) => push_escaped(&mut self.text, &text),
                Piece::Slot(Hole { json: true, .. }) => {
                    self.wrong.push(
                        "a slot with the json filter stands alone in its string: it is replaced by the value itself"
                            .into(),
                    );
                }
                Piece::Slot(hole) => self.hole(hole),
            }
        }
        self.text.push('"');
    }

    fn hole(&mut self, hole: Hole) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text).into()));
        }
        self.pieces.push(Piece::Slot(hole));
    }

    fn finish(mut self) -> Result<Template, Vec<String>> {
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(self.text.into()));
        }
        Ok(Template(self.pieces))
    }
}

/// How long the string is that `json` begins with, quotes included.
fn string_end(json: &str) -> usize {
    let mut bytes = json.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    json.len()
}
