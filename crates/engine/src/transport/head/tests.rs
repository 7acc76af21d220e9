//! Parsing of heads, well-formed and malformed.

use super::*;

fn found(head: &str) -> ParsedHead {
    whole(format!("{head}\r\n\r\n").as_bytes()).unwrap()
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
        assert_eq!(found.head.note, None, "{head}");
    }
}

#[test]
fn where_it_is_in_doubt_how_a_body_ends_none_is_read_and_the_connection_closed() {
    let lengths = ["", "five", "+5", "-5", "5, 6", "5,", "99999999999999999999", "5\r\ncontent-length: 6"];
    let lengths = lengths.map(|length| (format!("content-length: {length}"), Unclear::Length));
    let codings = ["", "xchunked", "chunked, ", "\"chunked\"", "chunked;q=1"];
    let codings = codings.map(|coding| (format!("content-length: 5\r\ntransfer-encoding: {coding}"), Unclear::Coding));
    let lines = [
        "content-length : 5",
        "content-length:\r\n 5",
        " content-length: 5",
        "content-length: 5\0",
        "content-length: 5\r\ntransfer-encoding : chunked",
        "transfer-encoding:\r\n\tchunked",
        "transfer-encoding: \x0bchunked",
        "content-length: 5\r\r\ncontent-length: 5",
    ];
    let lines = lines.map(|line| (line.to_owned(), Unclear::Line));
    for (headers, unclear) in lengths.into_iter().chain(codings).chain(lines) {
        let found = found(&format!("HTTP/1.1 200 OK\r\n{headers}"));
        assert_eq!((found.framing, found.stays), (Framing::Unclear(unclear), false), "{headers:?}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_skipped_and_noted_and_the_others_are_read() {
    let skipped = [
        ("PHP Warning", "has no colon, and was skipped"),
        ("PHP Warning: it broke", "has a name that no header can have, and was skipped"),
        (": nameless", "has a name that no header can have, and was skipped"),
        ("n\u{e4}me: x", "has a name that no header can have, and was skipped"),
        ("x-nul: a\0b", "has control characters in its value, and was skipped"),
        ("x-cr: a\rb", "has control characters in its value, and was skipped"),
    ];
    for (line, told) in skipped {
        let found = found(&format!("HTTP/1.1 200 OK\r\nx-a: 1\r\n{line}\r\nx-b: 2\r\ncontent-length: 5"));
        let headers: Vec<_> = found.head.headers.iter().collect();
        assert_eq!(headers, [("x-a", "1"), ("x-b", "2"), ("content-length", "5")], "{line:?}");
        assert_eq!((found.framing, found.stays), (Framing::Length(5), true), "{line:?}");
        assert_eq!(found.head.note, Some(format!("line 3 of the answer's head {told}")), "{line:?}");
    }
}

#[test]
fn a_folded_value_and_a_blank_before_the_colon_are_read() {
    let cases = [
        ("x-a:\r\n\tone\r\n two", "one   two", "goes on in the next one; they were read as one line"),
        ("x-a: one\n  two", "one   two", "goes on in the next one; they were read as one line"),
        ("x-a : one", "one", "has a blank before its colon, and was read without it"),
        ("X-A\t:one", "one", "has a blank before its colon, and was read without it"),
    ];
    for (line, value, told) in cases {
        let found = found(&format!("HTTP/1.1 200 OK\r\n{line}\r\nx-b: 2\r\ncontent-length: 0"));
        let headers: Vec<_> = found.head.headers.iter().collect();
        assert_eq!(headers, [("x-a", value), ("x-b", "2"), ("content-length", "0")], "{line:?}");
        assert_eq!(found.head.note, Some(format!("line 2 of the answer's head {told}")), "{line:?}");
        assert!(found.stays);
    }
}

#[test]
fn several_odd_lines_are_counted_and_the_first_is_told_of() {
    let found =
        found("HTTP/1.1 200 OK\r\nx-a: 1\r\n more\r\nbroken\r\n goes on\r\nx-b: 2\r\nx-c : 3\r\ncontent-length: 0");
    let headers: Vec<_> = found.head.headers.iter().collect();
    assert_eq!(headers, [("x-a", "1   more"), ("x-b", "2"), ("x-c", "3"), ("content-length", "0")]);
    let note = "3 lines of the answer's head are not as HTTP has them; the first is line 2, which goes on in the next one; \
                they were read as one line";
    assert_eq!(found.head.note.as_deref(), Some(note));

    let leading = whole(b"HTTP/1.1 200 OK\r\n x-a: 1\r\n more\r\nx-b: 2\r\n\r\n").unwrap();
    assert_eq!(leading.head.headers.iter().collect::<Vec<_>>(), [("x-b", "2")]);
}

#[test]
fn many_headers_are_kept_up_to_a_bound_and_all_are_heeded() {
    let head = |count: usize| {
        let many: String = (0..count).map(|number| format!("x-{number}: 1\r\n")).collect();
        found(&format!("HTTP/1.1 200 OK\r\n{many}content-length: 5"))
    };
    for count in [99, 100, 101, 255] {
        let found = head(count);
        assert_eq!((found.head.headers.iter().count(), found.head.note), (count + 1, None));
    }
    let found = head(299);
    assert_eq!((found.head.headers.iter().count(), found.framing, found.stays), (256, Framing::Length(5), true));
    assert_eq!(found.head.note.as_deref(), Some("of the 300 headers of the answer the first 256 are kept"));
}

#[test]
fn the_reason_may_be_anything_and_the_status_is_three_digits() {
    for line in ["HTTP/1.1 200", "HTTP/1.1  200 OK", "HTTP/1.0 200 \0", "HTTP/1.1 200 Z\u{fc}rich", "HTTP/1.1 200OK"] {
        assert_eq!(found(line).head.status, 200, "{line:?}");
    }
    for line in ["HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 OK", "HTTP/2 200", "HTTP/1.1200", "220 mail", "HTTP/1.x 200"]
    {
        assert_eq!(whole(format!("{line}\r\n\r\n").as_bytes()), Err(NotAHead), "{line:?}");
    }
}

#[test]
fn an_interim_answer_is_not_the_answer() {
    for (status, is_interim) in [(100, true), (103, true), (101, false), (200, false)] {
        assert_eq!(found(&format!("HTTP/1.1 {status} X")).is_interim(), is_interim, "{status}");
    }
}

#[test]
fn of_a_head_that_broke_off_the_status_is_known_once_its_line_is_whole() {
    let head = "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-b: 2\r\n";
    for end in 0..=head.len() {
        let known = part(&head.as_bytes()[..end]).unwrap();
        let names = known.map(|head| (head.status, head.headers.iter().count()));
        let expected = match end {
            0..17 => None,
            17..25 => Some((200, 0)),
            25..33 => Some((200, 1)),
            _ => Some((200, 2)),
        };
        assert_eq!(names, expected, "{end}");
    }
    assert_eq!(part(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n"), Ok(None));
    for garbage in ["220 mail", "H\n", "HTTP/1.1 OK\r\n"] {
        assert_eq!(part(garbage.as_bytes()), Err(NotAHead), "{garbage:?}");
    }
}

#[test]
fn how_long_a_connection_is_kept_is_read() {
    let cases = [
        ("timeout=5, max=100", Some(5)),
        ("max=100,Timeout = \"20\"", Some(20)),
        ("timeout=0", Some(0)),
        ("timeout=5; max=2", Some(5)),
        ("timeout=soon", None),
        ("max=100", None),
        ("5", None),
    ];
    for (value, seconds) in cases {
        let found = found(&format!("HTTP/1.1 204 OK\r\nkeep-alive: {value}"));
        assert_eq!(found.keep_alive, seconds.map(Duration::from_secs), "{value}");
    }
}

/// A head that takes a second and a half at a nanosecond a byte, if each byte costs all those before it.
#[test]
fn a_long_odd_head_is_read_once() {
    let folded = "x:\r\n ".repeat(400_000);
    let found = found(&format!("HTTP/1.1 200 OK\r\n{folded}y\r\ncontent-length: 0"));
    assert_eq!(found.head.status, 200);
}
