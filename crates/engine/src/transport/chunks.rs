//! A body in chunks (RFC 9112, section 7.1): where its data is in the bytes received, and where it ends.

/// Maximum bytes of the line with a chunk's size, extensions included.
const LONGEST_SIZE: usize = 256;

/// Maximum bytes of all trailers together.
const LONGEST_TRAILERS: u32 = 4 * 1024;

#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    trailers: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The line with a chunk's size comes next.
    #[default]
    Size,
    /// Bytes of a chunk's data still to come.
    Data(u64),
    /// The end of the line behind a chunk's data.
    DataEnd,
    /// A line behind the last chunk.
    Trailer,
    Ended,
}

/// The beginning of the bytes received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes that are not the body's.
    Skip(usize),
    /// At most this many bytes of the body.
    Data(u64),
    /// More must come before anything can be said.
    Wanting,
    Ended,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotChunks {
    #[error("a chunk does not begin with its size")]
    Size,
    #[error("a line of it ends with LF and not with CR LF")]
    BareLf,
    #[error("a chunk does not end where it should")]
    End,
    #[error("what stands behind the last chunk is too long")]
    Trailers,
}

impl Chunks {
    /// Classifies the beginning of `bytes`. What is skipped or taken must not be passed again.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Piece, NotChunks> {
        match self.state {
            State::Size => {
                let Some(line) = line(bytes, LONGEST_SIZE, NotChunks::Size)? else { return Ok(Piece::Wanting) };
                self.state = match size(line).ok_or(NotChunks::Size)? {
                    0 => State::Trailer,
                    size => State::Data(size),
                };
                Ok(Piece::Skip(line.len() + 2))
            }
            State::Data(left) => Ok(Piece::Data(left)),
            State::DataEnd => match bytes {
                [b'\r', b'\n', ..] => {
                    self.state = State::Size;
                    Ok(Piece::Skip(2))
                }
                [] | [b'\r'] => Ok(Piece::Wanting),
                [b'\n', ..] => Err(NotChunks::BareLf),
                _ => Err(NotChunks::End),
            },
            State::Trailer => {
                let longest = LONGEST_TRAILERS - self.trailers;
                let Some(line) = line(bytes, longest as usize, NotChunks::Trailers)? else { return Ok(Piece::Wanting) };
                if line.is_empty() {
                    self.state = State::Ended;
                }
                // No longer than what is left.
                self.trailers += line.len() as u32;
                Ok(Piece::Skip(line.len() + 2))
            }
            State::Ended => Ok(Piece::Ended),
        }
    }

    /// Notes that `count` bytes of data were taken.
    pub(super) fn took(&mut self, count: u64) {
        if let State::Data(left) = self.state {
            self.state = if count < left { State::Data(left - count) } else { State::DataEnd };
        }
    }
}

/// The line that `bytes` begin with, without its end; `None` if it has not come whole, `too_long` if it is longer than
/// `longest`.
fn line(bytes: &[u8], longest: usize, too_long: NotChunks) -> Result<Option<&[u8]>, NotChunks> {
    let seen = &bytes[..bytes.len().min(longest + 2)];
    match seen.iter().position(|byte| *byte == b'\n') {
        Some(end) => seen[..end].strip_suffix(b"\r").map(Some).ok_or(NotChunks::BareLf),
        None if seen.len() == longest + 2 => Err(too_long),
        None => Ok(None),
    }
}

/// Hexadecimal digits, and then any extensions.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at(digits);
    let ends = matches!(rest.trim_ascii_start(), [] | [b';', ..]);
    let digits = std::str::from_utf8(digits).ok().filter(|_| ends)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data in `bytes`, which come in pieces of `size`, and what is behind its end.
    fn read(bytes: &[u8], size: usize) -> Result<(Vec<u8>, Vec<u8>), NotChunks> {
        let (mut chunks, mut data, mut inbox) = (Chunks::default(), Vec::new(), Vec::new());
        let mut coming = bytes.chunks(size);
        loop {
            match chunks.next(&inbox)? {
                Piece::Skip(count) => drop(inbox.drain(..count)),
                Piece::Data(most) if !inbox.is_empty() => {
                    let count = inbox.len().min(most as usize);
                    data.extend(inbox.drain(..count));
                    chunks.took(count as u64);
                }
                Piece::Data(_) | Piece::Wanting => inbox.extend(coming.next().expect("it ends")),
                Piece::Ended => {
                    inbox.extend(coming.flatten());
                    return Ok((data, inbox));
                }
            }
        }
    }

    #[test]
    fn chunks_are_read_however_they_come() {
        let bytes = b"5\r\nhello\r\n1;name=\"value\"\r\n \r\n00A \r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\nnext";
        for size in 1..=bytes.len() {
            let (data, behind) = read(bytes, size).unwrap();
            assert_eq!((&*data, &*behind), (&b"hello 0123456789"[..], &b"next"[..]), "{size}");
        }
    }

    #[test]
    fn what_is_not_chunks_is_refused() {
        let long = format!("1;{}", "x".repeat(LONGEST_SIZE));
        let trailers = format!("0\r\n{}", "x: y\r\n".repeat(LONGEST_TRAILERS as usize));
        let cases = [
            ("zz\r\n", NotChunks::Size),
            ("\r\n", NotChunks::Size),
            ("-1\r\n", NotChunks::Size),
            ("5 5\r\n", NotChunks::Size),
            ("fffffffffffffffff\r\n", NotChunks::Size),
            (&long, NotChunks::Size),
            ("1\r\nab\r\n", NotChunks::End),
            ("1\r\na\n\r", NotChunks::BareLf),
            ("1\na\n0\n\n", NotChunks::BareLf),
            ("1\r\na\r\n0\r\nx: y\n\n", NotChunks::BareLf),
            (&trailers, NotChunks::Trailers),
        ];
        for (bytes, error) in cases {
            assert_eq!(read(bytes.as_bytes(), 7), Err(error), "{bytes:.40}");
        }
    }
}
