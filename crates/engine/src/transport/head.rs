//! The head of an HTTP/1.1 answer: status, headers, and the way the body behind it ends (RFC 9112, section 6.3).
//!
//! The status line decides. Lines behind it that cannot be read are skipped and noted; but the end of a body is taken
//! from lines that leave no doubt, or the body is not read at all.

mod lines;

use std::mem::MaybeUninit;
use std::time::Duration;

use httparse::{Header, ParserConfig, Response, Status};
use model::headers::Headers;

use self::lines::{BEGINNING, Lines};

/// Maximum headers of an answer that is parsed the fast way. One with more is read line by line.
const USUAL_HEADERS: usize = 100;

/// Maximum headers kept of an answer. Those after them are dropped.
const MOST_KEPT: usize = 256;

/// Maximum bytes of headers kept, names and values together. Those after them are dropped.
const KEPT_BYTES: usize = 64 * 1024;

/// Bytes reserved per header that is kept. Many have more and most have less.
const USUAL_HEADER: usize = 32;

/// The parts of an answer before its body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Those that are kept.
    pub(super) headers: Headers,
    /// The parts that were skipped or dropped, for a person.
    pub(super) note: Option<String>,
}

/// The way a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
    Unclear(Unclear),
}

/// Reason why the end of a body cannot be determined. The message continues after "because".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unclear {
    #[error("its content-length is not one number")]
    Length,
    #[error("its transfer-encoding is none that HTTP/1.1 has")]
    Coding,
    #[error("a line of its head that is about the body's length is not as HTTP has it")]
    Line,
}

/// A parsed head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ParsedHead {
    pub(super) head: Head,
    pub(super) framing: Framing,
    /// True if the receiver lets the connection be used again.
    pub(super) stays: bool,
    /// Time for which the receiver says that it keeps an idle connection open.
    pub(super) keep_alive: Option<Duration>,
}

impl ParsedHead {
    /// True for a 1xx: the answer is still to come. 101 is none of them: nothing like HTTP comes behind it.
    pub(super) fn is_interim(&self) -> bool {
        is_interim(self.head.status)
    }
}

fn is_interim(status: u16) -> bool {
    matches!(status, 100..200) && status != 101
}

/// The bytes received are not the head of an answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not begin with a status line such as HTTP/1.1 200 OK")]
pub(super) struct NotAHead;

/// Parses a whole head: `bytes` end with the empty line that ends it.
pub(super) fn whole(bytes: &[u8]) -> Result<ParsedHead, NotAHead> {
    let mut room = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
    let mut response = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut room);
    match (parsed, response.code) {
        (Ok(Status::Complete(_)), Some(status)) => {
            let (framing, is_clear) = framing(status, response.headers);
            Ok(found(status, response.version == Some(0), response.headers, framing, is_clear))
        }
        _ => line_by_line(bytes),
    }
}

/// The known part of a head that broke off: nothing until its first line has come whole, or while that is an interim
/// one's.
pub(super) fn part(bytes: &[u8]) -> Result<Option<Head>, NotAHead> {
    if !bytes.contains(&b'\n') {
        return if may_begin(bytes) { Ok(None) } else { Err(NotAHead) };
    }
    let head = line_by_line(bytes)?.head;
    Ok((!is_interim(head.status)).then_some(head))
}

/// True if `bytes`, of whose first line not all has come, may still become an answer.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let length = bytes.len().min(BEGINNING.len());
    bytes[..length] == BEGINNING[..length] || bytes == b"\r"
}

/// True if an answer begins with this line.
pub(super) fn begins(line: &[u8]) -> bool {
    lines::status(line).is_some()
}

fn line_by_line(bytes: &[u8]) -> Result<ParsedHead, NotAHead> {
    let unfolded = lines::unfolded(bytes);
    let lines = Lines::of(bytes, &unfolded).ok_or(NotAHead)?;
    let (framing, is_clear) = match framing(lines.status, &lines.headers) {
        (Framing::Length(0), is_clear) if has_no_body(lines.status) => (Framing::Length(0), is_clear),
        _ if lines.is_unclear => (Framing::Unclear(Unclear::Line), false),
        clear => clear,
    };
    let mut found = found(lines.status, lines.is_old, &lines.headers, framing, is_clear);
    found.head.note = join(lines.note(), found.head.note);
    Ok(found)
}

fn join(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

fn found(status: u16, is_old: bool, headers: &[Header<'_>], framing: Framing, is_clear: bool) -> ParsedHead {
    let stays = match (says(headers, "close"), is_old) {
        (true, _) => false,
        (false, true) => says(headers, "keep-alive") && framing != Framing::Chunked,
        (false, false) => true,
    };
    let stays = stays && is_clear && status != 101 && framing != Framing::Close;
    let head = keep(status, headers.len(), headers.iter().map(|header| (header.name, header.value)));
    ParsedHead { head, framing, stays, keep_alive: keep_alive(headers) }
}

fn has_no_body(status: u16) -> bool {
    matches!(status, 100..200 | 204 | 304)
}

/// The way the body ends, and true if nothing contradicts it.
fn framing(status: u16, headers: &[Header<'_>]) -> (Framing, bool) {
    if has_no_body(status) {
        return (Framing::Length(0), true);
    }
    let length = content_length(headers);
    let last_coding = tokens(headers, "transfer-encoding").last();
    match (last_coding, length) {
        (Some(coding), Ok(length)) if coding.eq_ignore_ascii_case(b"chunked") => (Framing::Chunked, length.is_none()),
        (Some(coding), _) if is_known_coding(coding) => (Framing::Close, false),
        (Some(_), Ok(_)) => (Framing::Unclear(Unclear::Coding), false),
        (_, Err(unclear)) => (Framing::Unclear(unclear), false),
        (None, Ok(Some(length))) => (Framing::Length(length), true),
        (None, Ok(None)) => (Framing::Close, true),
    }
}

/// Codings behind which a body ends with the connection, if they come last (RFC 9112, section 7).
fn is_known_coding(coding: &[u8]) -> bool {
    const KNOWN: [&[u8]; 6] = [b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress", b"identity"];
    KNOWN.iter().any(|known| coding.eq_ignore_ascii_case(known))
}

/// The length announced. The same number may stand there several times.
fn content_length(headers: &[Header<'_>]) -> Result<Option<u64>, Unclear> {
    let mut found = None;
    for token in tokens(headers, "content-length") {
        let digits = std::str::from_utf8(token).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let length = digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or(Unclear::Length)?;
        if *found.get_or_insert(length) != length {
            return Err(Unclear::Length);
        }
    }
    Ok(found)
}

fn says(headers: &[Header<'_>], word: &str) -> bool {
    tokens(headers, "connection").any(|token| token.eq_ignore_ascii_case(word.as_bytes()))
}

/// The seconds of `Keep-Alive: timeout=5, max=100`.
fn keep_alive(headers: &[Header<'_>]) -> Option<Duration> {
    let seconds = tokens(headers, "keep-alive").find_map(|token| {
        let (name, value) = std::str::from_utf8(token).ok()?.split_once('=')?;
        let digits = value.trim().trim_matches('"');
        let digits = &digits[..digits.bytes().take_while(u8::is_ascii_digit).count()];
        name.trim().eq_ignore_ascii_case("timeout").then(|| digits.parse().ok()).flatten()
    });
    seconds.map(Duration::from_secs)
}

/// The values between commas in all headers of that name.
fn tokens<'a>(headers: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.flat_map(|header| header.value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Keeps the first of `count` headers, as many as the bounds allow, with names in lower case.
pub(super) fn keep<'a>(status: u16, count: usize, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Head {
    let room = count.min(MOST_KEPT);
    let mut kept = Headers::with_room(room, room * USUAL_HEADER);
    let (mut bytes, mut number, mut lower) = (KEPT_BYTES, 0, String::new());
    for (name, value) in headers.take(MOST_KEPT) {
        let value = String::from_utf8_lossy(value);
        let Some(left) = bytes.checked_sub(name.len() + value.len()) else { break };
        bytes = left;
        number += 1;
        lower.clear();
        lower.push_str(name);
        lower.make_ascii_lowercase();
        kept.push(&lower, &value);
    }
    let note = (number < count).then(|| format!("of the {count} headers of the answer the first {number} are kept"));
    Head { status, headers: kept, note }
}

#[cfg(test)]
mod tests;
