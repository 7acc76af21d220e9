//! HTTP/1.1 as far as load and receivers need it, at little cost: they share the cores with the servers that they
//! measure. Heads are read by httparse, and the length of a body stands in its head.

use std::io::ErrorKind;
use std::net::SocketAddr;

use httparse::{EMPTY_HEADER, Header, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::BenchError;

/// Maximum bytes of a message. An answer to a batch has some ten thousand.
const LONGEST: usize = 4 * 1024 * 1024;

/// Bytes reserved for a message: most fit.
const USUAL: usize = 4 * 1024;

const MOST_HEADERS: usize = 32;

/// A connection on which one message comes after the other.
pub(crate) struct Wire {
    stream: TcpStream,
    came: Vec<u8>,
    /// Bytes received that belong to the last message.
    taken: usize,
}

/// A message's head: the part that its reader wants, and the lengths.
pub(crate) struct Head<T> {
    pub(crate) says: T,
    /// Bytes that it takes.
    length: usize,
    /// Bytes of the body behind it.
    body: usize,
}

/// Reads the head that bytes begin with; `None` if it has not come whole.
pub(crate) type Read<T> = fn(&[u8]) -> Result<Option<Head<T>>, BenchError>;

impl Wire {
    pub(crate) fn over(stream: TcpStream) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, came: Vec::with_capacity(USUAL), taken: 0 })
    }

    pub(crate) async fn to(address: SocketAddr) -> Result<Self, BenchError> {
        Ok(Self::over(connect(address).await?)?)
    }

    pub(crate) async fn write(&mut self, message: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(message).await
    }

    /// Reads the next message whole: the part of its head that is wanted, and its body. `None` if the other side ended
    /// instead.
    pub(crate) async fn next<T>(&mut self, read: Read<T>) -> Result<Option<(T, &[u8])>, BenchError> {
        self.came.drain(..self.taken);
        self.taken = 0;
        let head = loop {
            if let Some(head) = read(&self.came)? {
                break head;
            }
            if !self.more().await? {
                return if self.came.is_empty() { Ok(None) } else { Err(cut_off()) };
            }
        };
        let end = head.length.saturating_add(head.body);
        while self.came.len() < end {
            if !self.more().await? {
                return Err(cut_off());
            }
        }
        self.taken = end;
        Ok(Some((head.says, &self.came[head.length..end])))
    }

    /// False when nothing more will come.
    async fn more(&mut self) -> Result<bool, BenchError> {
        if self.came.len() >= LONGEST {
            return Err(format!("a message of more than {LONGEST} bytes").into());
        }
        match self.stream.read_buf(&mut self.came).await {
            Ok(count) => Ok(count > 0),
            // A peer that has its answer may be gone.
            Err(error) if error.kind() == ErrorKind::ConnectionReset && self.came.is_empty() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

pub(crate) async fn connect(address: SocketAddr) -> Result<TcpStream, BenchError> {
    TcpStream::connect(address).await.map_err(|error| format!("{address}: {error}").into())
}

/// The status of an answer.
pub(crate) fn answer(bytes: &[u8]) -> Result<Option<Head<u16>>, BenchError> {
    let mut room = [EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut room);
    let Status::Complete(length) = answer.parse(bytes)? else { return Ok(None) };
    let says = answer.code.unwrap_or_default();
    Ok(Some(Head { says, length, body: body_length(answer.headers)? }))
}

/// The result of `say` for a request's target and headers.
pub(crate) fn request<T>(bytes: &[u8], say: fn(&str, &[Header<'_>]) -> T) -> Result<Option<Head<T>>, BenchError> {
    let mut room = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut room);
    let Status::Complete(length) = request.parse(bytes)? else { return Ok(None) };
    let says = say(request.path.unwrap_or_default(), request.headers);
    Ok(Some(Head { says, length, body: body_length(request.headers)? }))
}

pub(crate) fn header<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

fn body_length(headers: &[Header<'_>]) -> Result<usize, BenchError> {
    if header(headers, "transfer-encoding").is_some() {
        return Err("a body in chunks: nobody here sends those".into());
    }
    match header(headers, "content-length") {
        Some(length) => Ok(std::str::from_utf8(length)?.parse()?),
        None => Ok(0),
    }
}

fn cut_off() -> BenchError {
    "a message that is cut off".into()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// The messages read from bytes that come in those pieces before the connection ends.
    async fn answers(pieces: &[&[u8]]) -> Result<Vec<(u16, String)>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let say = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            for piece in pieces {
                stream.write_all(piece).await.expect("somebody reads");
                tokio::task::yield_now().await;
            }
        };
        let hear = async {
            let mut wire = Wire::to(address).await.map_err(|error| error.to_string())?;
            let mut all = Vec::new();
            while let Some((status, body)) = wire.next(answer).await.map_err(|error| error.to_string())? {
                all.push((status, String::from_utf8_lossy(body).into_owned()));
            }
            Ok(all)
        };
        tokio::join!(say, hear).1
    }

    #[tokio::test]
    async fn messages_are_told_apart_however_they_come() {
        let both = b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\n";
        let wanted = Ok(vec![(202, "hello".to_owned()), (204, String::new())]);
        for cut in 0..both.len() {
            assert_eq!(answers(&[&both[..cut], &both[cut..]]).await, wanted, "cut after {cut}");
        }
    }

    #[tokio::test]
    async fn what_is_no_whole_message_is_a_failure() {
        let cases: [(&[u8], &str); 4] = [
            (b"HTTP/1.1 202 Acc", "cut off"),
            (b"HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nhello", "cut off"),
            (b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "in chunks"),
            (b"EHLO there\r\n\r\n", "HTTP"),
        ];
        for (bytes, wanted) in cases {
            let failure = answers(&[bytes]).await.expect_err("it is none");
            assert!(failure.contains(wanted), "{failure}");
        }
    }
}
