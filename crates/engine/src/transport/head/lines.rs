//! The head of an answer read line by line, as far as it can be read where it is not as HTTP has it (RFC 9112, sections
//! 2.2, 4 and 5). No byte is looked at more often than a fixed number of times.

use std::fmt;

use dialect::header;
use httparse::Header;

/// The first bytes of an answer.
pub(super) const BEGINNING: &[u8] = b"HTTP/1.";

/// A head, as far as it can be read.
pub(super) struct Lines<'a> {
    pub(super) status: u16,
    /// It says that it is HTTP/1.0.
    pub(super) is_old: bool,
    pub(super) headers: Vec<Header<'a>>,
    /// One of the odd lines is about how the body ends.
    pub(super) is_unclear: bool,
    /// The first malformed line, and its number.
    odd: Option<(usize, Odd)>,
    odd_lines: usize,
}

/// The fault of a malformed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    NoColon,
    Name,
    Control,
    /// It continues a header, and there is none before it.
    Leading,
    /// It goes on in the next line (`obs-fold`). Read as one.
    Folded,
    /// Between the name and the colon. Read without.
    Space,
}

impl Odd {
    fn is_readable(self) -> bool {
        matches!(self, Self::Folded | Self::Space)
    }
}

/// The text continues after "line 3 of the answer's head".
impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoColon => "has no colon, and was skipped",
            Self::Name => "has a name that no header can have, and was skipped",
            Self::Control => "has control characters in its value, and was skipped",
            Self::Leading => "begins with a blank, and was skipped",
            Self::Folded => "goes on in the next one; they were read as one line",
            Self::Space => "has a blank before its colon, and was read without it",
        })
    }
}

/// The head in `bytes` with each header in one line: ends of lines in the middle of a header become blanks.
pub(super) fn unfolded(bytes: &[u8]) -> Vec<u8> {
    let mut unfolded = bytes.to_vec();
    // A line behind the status line continues no header.
    let first = end_of_line(bytes).unwrap_or(bytes.len());
    for end in first + 1..bytes.len().saturating_sub(1) {
        if bytes[end] == b'\n' && is_blank(bytes[end + 1]) {
            unfolded[end] = b' ';
            if bytes[end - 1] == b'\r' {
                unfolded[end - 1] = b' ';
            }
        }
    }
    unfolded
}

impl<'a> Lines<'a> {
    /// Reads `unfolded`, which was made of `bytes`; a line without an end is dropped. `None` if the first is no status
    /// line.
    pub(super) fn of(bytes: &[u8], unfolded: &'a [u8]) -> Option<Self> {
        let first = end_of_line(unfolded)?;
        let (status, is_old) = status(&unfolded[..first])?;
        let (headers, is_unclear) = (Vec::new(), false);
        let mut lines = Self { status, is_old, headers, is_unclear, odd: None, odd_lines: 0 };
        let (mut begin, mut number) = (first + 1, 2);
        while let Some(length) = end_of_line(&unfolded[begin..]) {
            let end = begin + length;
            let line = without_cr(&unfolded[begin..end]);
            if line.is_empty() {
                break;
            }
            let folds = bytes[begin..end].iter().filter(|byte| **byte == b'\n').count();
            lines.take(line, number, folds > 0);
            number += 1 + folds;
            begin = end + 1;
        }
        Some(lines)
    }

    fn take(&mut self, line: &'a [u8], number: usize, is_folded: bool) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = trim(value.get(1..).unwrap_or_default());
        let bare = trim(name);
        let text = std::str::from_utf8(bare).ok().filter(|name| header::is_token(name));
        let odd = if line.first().is_some_and(|byte| is_blank(*byte)) {
            Some(Odd::Leading)
        } else if colon.is_none() {
            Some(Odd::NoColon)
        } else if text.is_none() {
            Some(Odd::Name)
        } else if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            Some(Odd::Control)
        } else if bare.len() < name.len() {
            Some(Odd::Space)
        } else {
            is_folded.then_some(Odd::Folded)
        };
        if let Some(odd) = odd {
            self.odd.get_or_insert((number, odd));
            self.odd_lines += 1;
            self.is_unclear |= is_about_framing(bare);
        }
        if let Some(name) = text.filter(|_| odd.is_none_or(Odd::is_readable)) {
            self.headers.push(Header { name, value });
        }
    }

    /// Message for a person about the malformed lines. Never the line itself: it may hold a secret.
    pub(super) fn note(&self) -> Option<String> {
        let (number, odd) = self.odd?;
        Some(match self.odd_lines {
            1 => format!("line {number} of the answer's head {odd}"),
            lines => format!(
                "{lines} lines of the answer's head are not as HTTP has them; the first is line {number}, which {odd}"
            ),
        })
    }
}

/// The status in a status line, and true if that is of HTTP/1.0. The reason behind it may be anything.
pub(super) fn status(line: &[u8]) -> Option<(u16, bool)> {
    let (minor, rest) = line.strip_prefix(BEGINNING)?.split_first()?;
    let code = trim(rest);
    let (digits, reason) = code.split_at_checked(3)?;
    let is_status = minor.is_ascii_digit()
        && rest.first().is_some_and(|byte| is_blank(*byte))
        && digits.iter().all(u8::is_ascii_digit)
        && digits[0] != b'0'
        && reason.first().is_none_or(|byte| !byte.is_ascii_digit());
    let status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit.wrapping_sub(b'0')));
    is_status.then_some((status, *minor == b'0'))
}

fn is_about_framing(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
}

fn end_of_line(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without blanks around it. A CR is none of them.
fn trim(bytes: &[u8]) -> &[u8] {
    let begin = bytes.iter().position(|byte| !is_blank(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(begin, |last| last + 1);
    &bytes[begin..end]
}
