//! Reads inside JSON text without building a tree: results are slices of the text itself.
//!
//! The text is JSON, which was checked when it came in. In anything else less is found, and nothing panics.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// A member of an object, as it is written.
pub(crate) struct Member<'j> {
    /// Key, colon and value, and the space between them.
    pub(crate) whole: &'j str,
    /// With its quotes.
    pub(crate) key: &'j str,
    pub(crate) value: &'j str,
}

/// The members of an object, in their order. Of another value, none.
pub(crate) fn members(json: &str) -> impl Iterator<Item = Member<'_>> {
    let mut cursor = Cursor::inside(json, b'{');
    std::iter::from_fn(move || cursor.member())
}

/// The items of a list. Of another value, none.
pub(crate) fn items(json: &str) -> impl Iterator<Item = &str> {
    let mut cursor = Cursor::inside(json, b'[');
    std::iter::from_fn(move || cursor.item())
}

pub(crate) fn is_object(json: &str) -> bool {
    json.trim_ascii_start().starts_with('{')
}

/// The text of a string literal with its quotes.
pub(crate) fn text(string: &str) -> Cow<'_, str> {
    let inside = inside(string);
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    write_text(string, &mut text).expect("a String takes all that is written");
    Cow::Owned(text)
}

/// Writes the text of a string literal with its quotes. Half a surrogate pair is no character and becomes U+FFFD.
pub(crate) fn write_text(string: &str, out: &mut dyn Write) -> fmt::Result {
    let mut rest = inside(string);
    while let Some((before, escape)) = rest.split_once('\\') {
        out.write_str(before)?;
        let (character, after) = unescaped(escape);
        out.write_char(character)?;
        rest = after;
    }
    out.write_str(rest)
}

/// Writes JSON without the space that may stand between its parts.
pub(crate) fn write_compact(json: &str, out: &mut dyn Write) -> fmt::Result {
    let cursor = Cursor { text: json, at: 0 };
    let (mut at, mut written) = (0, 0);
    while let Some(byte) = json.as_bytes().get(at) {
        if *byte == b'"' {
            at = cursor.string_end(at);
            continue;
        }
        if byte.is_ascii_whitespace() {
            out.write_str(&json[written..at])?;
            written = at + 1;
        }
        at += 1;
    }
    out.write_str(&json[written..])
}

/// Writes `text` as it stands inside a JSON string (RFC 8259, section 7).
pub(crate) fn write_escaped(text: &str, out: &mut dyn Write) -> fmt::Result {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.write_str(&text[written..at])?;
        written = at + 1;
        match byte {
            b'"' => out.write_str("\\\"")?,
            b'\\' => out.write_str("\\\\")?,
            b'\n' => out.write_str("\\n")?,
            b'\r' => out.write_str("\\r")?,
            b'\t' => out.write_str("\\t")?,
            control => write!(out, "\\u{control:04x}")?,
        }
    }
    out.write_str(&text[written..])
}

/// Escapes everything that is written to it.
pub(crate) struct Escaped<'o>(pub(crate) &'o mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(text, self.0)
    }
}

/// A string without its quotes.
pub(crate) fn inside(string: &str) -> &str {
    let opened = string.strip_prefix('"').unwrap_or(string);
    opened.strip_suffix('"').unwrap_or(opened)
}

/// The character that an escape stands for, and the text that follows. `escape` begins behind the backslash.
fn unescaped(escape: &str) -> (char, &str) {
    let mut after = escape.chars();
    let character = match after.next() {
        Some('u') => return surrogates(escape),
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some(itself) => itself,
        None => char::REPLACEMENT_CHARACTER,
    };
    (character, after.as_str())
}

/// `uXXXX`, or two of them where the first is the high half of a pair.
fn surrogates(escape: &str) -> (char, &str) {
    let unit = |escape: &str| u16::from_str_radix(escape.get(1..5)?, 16).ok();
    let after = escape.get(5..).unwrap_or_default();
    let Some(first) = unit(escape) else { return (char::REPLACEMENT_CHARACTER, after) };
    let second =
        after.strip_prefix('\\').filter(|next| next.starts_with('u')).and_then(|next| Some((unit(next)?, next)));
    if let Some((low, next)) = second
        && let Some(Ok(pair)) = char::decode_utf16([first, low]).next().filter(|_| (0xd800..0xdc00).contains(&first))
    {
        return (pair, next.get(5..).unwrap_or_default());
    }
    (char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER), after)
}

/// A position in the text.
struct Cursor<'j> {
    text: &'j str,
    at: usize,
}

impl<'j> Cursor<'j> {
    /// A cursor behind the bracket that `text` opens with; at its end, if it opens with another.
    fn inside(text: &'j str, bracket: u8) -> Self {
        let mut cursor = Self { text, at: 0 };
        cursor.at = if cursor.next_byte() == Some(bracket) { cursor.at + 1 } else { text.len() };
        cursor
    }

    fn member(&mut self) -> Option<Member<'j>> {
        self.skip(b',');
        if self.next_byte()? != b'"' {
            return None;
        }
        let start = self.at;
        let key = self.value()?;
        self.skip(b':');
        let value = self.value()?;
        Some(Member { whole: &self.text[start..self.at], key, value })
    }

    fn item(&mut self) -> Option<&'j str> {
        self.skip(b',');
        self.value()
    }

    /// Consumes the value that begins here. `None` where none begins.
    fn value(&mut self) -> Option<&'j str> {
        let first = self.next_byte()?;
        let start = self.at;
        self.at = match first {
            b'}' | b']' => return None,
            b'"' => self.string_end(start),
            b'{' | b'[' => self.nested_end(),
            _ => self.scalar_end(),
        };
        Some(&self.text[start..self.at])
    }

    /// Skips white space, and returns the byte after it.
    fn next_byte(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, separator: u8) {
        if self.next_byte() == Some(separator) {
            self.at += 1;
        }
    }

    /// The position behind the string that begins at `start`.
    fn string_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => return at + 1,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => return bytes.len(),
            }
        }
    }

    /// The position behind the object or list that begins here.
    fn nested_end(&self) -> usize {
        let bytes = self.text.as_bytes();
        let (mut at, mut depth) = (self.at, 0_usize);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    at = self.string_end(at);
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return at + 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        bytes.len()
    }

    /// The position behind the number or word that begins here.
    fn scalar_end(&self) -> usize {
        let bytes = &self.text.as_bytes()[self.at..];
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
        self.at + bytes.iter().position(ends).unwrap_or(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_items_are_slices_of_the_text() {
        let json = " { \"a\" : 1.10 ,\"b\":\"}\\\"\", \"c\":{\"d\":[1,{}]} ,\"a\":[ ] } ";
        let found: Vec<_> = members(json).map(|member| (member.whole, member.key, member.value)).collect();
        let expected = [
            ("\"a\" : 1.10", "\"a\"", "1.10"),
            ("\"b\":\"}\\\"\"", "\"b\"", "\"}\\\"\""),
            ("\"c\":{\"d\":[1,{}]}", "\"c\"", "{\"d\":[1,{}]}"),
            ("\"a\":[ ]", "\"a\"", "[ ]"),
        ];
        assert_eq!(found, expected);
        assert_eq!(items("[1, \"a]\" ,[ [] ],null\n]").collect::<Vec<_>>(), ["1", "\"a]\"", "[ [] ]", "null"]);
        for empty in ["{}", "[]", "1", "\"{\"", "null", " [ ] ", " { } "] {
            assert_eq!((members(empty).count(), items(empty).count()), (0, 0), "{empty}");
        }
    }

    #[test]
    fn what_is_no_json_ends_early() {
        for broken in
            ["{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":\"\\", "{a:1}", "{\"a\":}", "{\"a\" \"b\"", ""]
        {
            assert!(members(broken).count() <= 1, "{broken}");
        }
        for broken in ["[", "[1", "[\"", "[[[", "[}", "[,,]"] {
            assert!(items(broken).count() <= 1, "{broken}");
        }
    }

    #[test]
    fn compact_json_keeps_all_but_the_space_between() {
        let mut out = String::new();
        write_compact(" { \"a b\" :\n[ 1.10 ,\"\\\" \\u00e9\" , { } ]\t} ", &mut out).unwrap();
        assert_eq!(out, r#"{"a b":[1.10,"\" \u00e9",{}]}"#);
    }

    #[test]
    fn strings_are_read_as_json_reads_them() {
        for string in [r#""a\"\\\/\b\f\n\r\tz""#, r#""caf\u00e9 \ud83d\ude00 \u0000""#, r#""日本""#, r#""""#] {
            let expected: String = serde_json::from_str(string).unwrap();
            assert_eq!(text(string), expected);
        }
        for (string, expected) in
            [(r#""\ud800""#, "\u{fffd}"), (r#""\ud800\u0041""#, "\u{fffd}A"), (r#""\udc00x""#, "\u{fffd}x")]
        {
            assert_eq!(text(string), expected, "{string}");
        }
    }
}
