//! The head of an HTTP/1.1 answer: its status, its headers, and how the body behind it ends (RFC 9112, section 6.3).

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Response, Status};
use model::headers::Headers;

/// Headers of an answer.
const MOST_HEADERS: usize = 100;

/// Headers are kept up to so many bytes, names and values together. Those after them are dropped.
const KEPT_HEADERS: usize = 8 * 1024;

/// Room for a header that is kept. Many have more and most have less.
const USUAL_HEADER: usize = 32;

/// What is known of an answer before its body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// What is kept of them.
    pub(super) headers: Headers,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

/// A head as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) head: Head,
    /// Bytes that it takes.
    pub(super) length: usize,
    pub(super) framing: Framing,
    /// The receiver lets the connection be used again.
    pub(super) stays: bool,
}

impl Found {
    /// A 1xx: the answer is still to come. 101 is none of them: nothing like HTTP comes behind it.
    pub(super) fn is_interim(&self) -> bool {
        matches!(self.head.status, 100..200) && self.head.status != 101
    }
}

/// What is wrong with an answer, told to a person.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAHead {
    #[error(transparent)]
    Unreadable(#[from] httparse::Error),
    #[error("its content-length is not one number")]
    Length,
}

/// The head that `bytes` begin with; `None` if it has not come whole.
pub(super) fn find(bytes: &[u8]) -> Result<Option<Found>, NotAHead> {
    let mut room = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut room)?;
    let Status::Complete(length) = parsed else { return Ok(None) };
    let status = response.code.unwrap_or_default();
    let is_old = response.version == Some(0);
    let headers = &*response.headers;
    let (framing, is_clear) = framing(status, headers)?;
    let stays = match (says(headers, "close"), is_old) {
        (true, _) => false,
        (false, true) => says(headers, "keep-alive") && framing != Framing::Chunked,
        (false, false) => true,
    };
    let stays = stays && is_clear && status != 101 && framing != Framing::Close;
    let headers = keep(headers.len(), headers.iter().map(|header| (header.name, header.value)));
    Ok(Some(Found { head: Head { status, headers }, length, framing, stays }))
}

/// How the body ends, and whether nothing contradicts that.
fn framing(status: u16, headers: &[Header<'_>]) -> Result<(Framing, bool), NotAHead> {
    if matches!(status, 100..200 | 204 | 304) {
        return Ok((Framing::Length(0), true));
    }
    let length = content_length(headers)?;
    let last_coding = tokens(headers, "transfer-encoding").last();
    Ok(match (last_coding, length) {
        (Some(coding), length) if coding.eq_ignore_ascii_case(b"chunked") => (Framing::Chunked, length.is_none()),
        (Some(_), _) => (Framing::Close, false),
        (None, Some(length)) => (Framing::Length(length), true),
        (None, None) => (Framing::Close, true),
    })
}

/// The same number may stand there several times.
fn content_length(headers: &[Header<'_>]) -> Result<Option<u64>, NotAHead> {
    let mut found = None;
    for token in tokens(headers, "content-length") {
        let digits = std::str::from_utf8(token).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let length = digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or(NotAHead::Length)?;
        if *found.get_or_insert(length) != length {
            return Err(NotAHead::Length);
        }
    }
    Ok(found)
}

fn says(headers: &[Header<'_>], word: &str) -> bool {
    tokens(headers, "connection").any(|token| token.eq_ignore_ascii_case(word.as_bytes()))
}

/// What stands between commas in all headers of that name.
fn tokens<'a>(headers: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.flat_map(|header| header.value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Of `count` headers as many as are kept, with names in lower case.
pub(super) fn keep<'a>(count: usize, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Headers {
    let mut kept = Headers::with_room(count, count * USUAL_HEADER);
    let (mut room, mut lower) = (KEPT_HEADERS, String::new());
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value);
        let Some(left) = room.checked_sub(name.len() + value.len()) else { break };
        room = left;
        lower.clear();
        lower.push_str(name);
        lower.make_ascii_lowercase();
        kept.push(&lower, &value);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(head: &str) -> Found {
        let bytes = format!("{head}\r\n\r\nbody");
        let found = find(bytes.as_bytes()).unwrap().unwrap();
        assert_eq!(found.length, bytes.len() - 4);
        found
    }

    #[test]
    fn how_a_body_ends_and_whether_the_connection_stays() {
        let cases = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5", Framing::Length(5), true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5, 5", Framing::Length(5), true),
            ("HTTP/1.1 200\r\ncontent-length: 0\r\nconnection: x, Close", Framing::Length(0), false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked", Framing::Chunked, true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked", Framing::Chunked, true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5", Framing::Chunked, false),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\ncontent-length: 5", Framing::Close, false),
            ("HTTP/1.1 200 OK", Framing::Close, false),
            ("HTTP/1.1 204 No Content", Framing::Length(0), true),
            ("HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked", Framing::Length(0), true),
            ("HTTP/1.1 304 Not Modified\r\ncontent-length: 5", Framing::Length(0), true),
            ("HTTP/1.1 101 Switching Protocols", Framing::Length(0), false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 5", Framing::Length(5), false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: Keep-Alive", Framing::Length(5), true),
        ];
        for (head, framing, stays) in cases {
            let found = found(head);
            assert_eq!((found.framing, found.stays), (framing, stays), "{head}");
        }
    }

    #[test]
    fn a_content_length_that_is_not_one_number_is_refused() {
        for length in ["", "five", "+5", "-5", "5, 6", "5,", "99999999999999999999", "5\r\ncontent-length: 6"] {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            assert_eq!(find(head.as_bytes()), Err(NotAHead::Length), "{length:?}");
        }
    }

    #[test]
    fn an_interim_answer_is_not_the_answer() {
        for (status, is_interim) in [(100, true), (103, true), (101, false), (200, false)] {
            assert_eq!(found(&format!("HTTP/1.1 {status} X")).is_interim(), is_interim, "{status}");
        }
    }

    #[test]
    fn a_head_that_has_not_come_whole_is_waited_for() {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(find(&head.as_bytes()[..end]), Ok(None), "{end}");
        }
    }
}
