//! One HTTP/1.1 connection, and the one request that is on it.
//!
//! It has no task of its own: whoever has a request on it reads and writes it. So nothing is handed from task to task on
//! the way of a request, and a connection in the pool is still.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use model::attempt::{Answer, Failure};
use tokio::io::AsyncWrite;
use tokio_util::io::poll_read_buf;

use super::chunks::{Chunks, Piece};
use super::failure;
use super::head::{self, Found, Framing, Head};
use super::line::{LONGEST_HEAD, NoAnswer};
use super::outgoing::Sent;
use crate::dial::wire::Wire;

/// Room for what one read brings: most answers.
const READ: usize = 1024;

pub(super) struct Own {
    wire: Wire,
    /// What was read and not used yet.
    inbox: BytesMut,
    body: Body,
    /// It can have another request when this answer has been read.
    stays: bool,
}

/// What of an answer's body is still to come.
enum Body {
    Length(u64),
    Chunks(Chunks),
    Close,
}

impl Own {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, inbox: BytesMut::new(), body: Body::Length(0), stays: true }
    }

    /// Whether a request can be written to it, as far as is known now. A receiver that closed it, or said something that
    /// nobody asked for, is done with it.
    pub(super) async fn is_fresh(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.inbox.is_empty() && self.poll_read(cx).is_pending())).await
    }

    /// Writes a request and reads as far as the answer's head. An answer may come before all is written; the rest is not
    /// written then, and the connection not used again.
    pub(super) async fn ask(&mut self, request: &[u8], sent: &Sent) -> Result<Head, NoAnswer> {
        let mut writing = Writing { rest: request, is_flushed: false, error: None };
        let mut reading = Reading::default();
        let found = poll_fn(|cx| {
            writing.go_on(&mut self.wire, cx);
            if writing.rest.len() < request.len() {
                sent.set();
            } else if let Some(error) = writing.error.take() {
                return Poll::Ready(Err(NoAnswer::Unbegun(failure::unanswered_by(&error))));
            }
            self.poll_head(&mut reading, cx).map_err(|failure| {
                // That it could not be written is why nothing can be read.
                let written = writing.error.as_ref().map(failure::unanswered_by);
                NoAnswer::Failed(written.unwrap_or(failure))
            })
        })
        .await?;
        self.stays = found.stays && writing.is_flushed;
        self.body = match found.framing {
            Framing::Length(length) => Body::Length(length),
            Framing::Chunked => Body::Chunks(Chunks::default()),
            Framing::Close => Body::Close,
        };
        Ok(found.head)
    }

    fn poll_head(&mut self, reading: &mut Reading, cx: &mut Context<'_>) -> Poll<Result<Found, Failure>> {
        loop {
            if reading.may_find_a_head(&self.inbox) {
                match self.find_head()? {
                    Some(found) if found.is_interim() => reading.begin_after(found.length),
                    Some(found) => return Poll::Ready(Ok(found)),
                    None => {}
                }
                continue;
            }
            if reading.interim + self.inbox.len() >= LONGEST_HEAD {
                return Poll::Ready(Err(failure::not_http(&format_args!("a head of more than {LONGEST_HEAD} bytes"))));
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) => {
                    // What came may be something else than HTTP, or HTTP that broke off.
                    self.find_head()?;
                    return Poll::Ready(Err(failure::unanswered_by(&io::ErrorKind::UnexpectedEof.into())));
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(failure::unanswered_by(&error))),
            }
        }
    }

    /// Takes the head that has come, if it has come whole.
    fn find_head(&mut self) -> Result<Option<Found>, Failure> {
        let found = head::find(&self.inbox).map_err(|error| failure::not_http(&error))?;
        if let Some(found) = &found {
            self.inbox.advance(found.length);
        }
        Ok(found)
    }

    /// Reads the body of the answer, of which at most `most` bytes are kept. Reading stops there.
    pub(super) async fn read(&mut self, most: usize, answer: &mut Answer) -> Result<(), Failure> {
        let read = poll_fn(|cx| self.poll_body(most, answer, cx)).await;
        if read.is_err() {
            self.stays = false;
        }
        read
    }

    fn poll_body(&mut self, most: usize, answer: &mut Answer, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        loop {
            let left = match &mut self.body {
                Body::Length(0) => return Poll::Ready(Ok(())),
                Body::Length(left) => Some(*left),
                Body::Close => Some(u64::MAX),
                Body::Chunks(chunks) => match chunks.next(&self.inbox).map_err(|error| failure::unreadable(&error))? {
                    Piece::Skip(count) => {
                        self.inbox.advance(count);
                        continue;
                    }
                    Piece::Data(left) => Some(left),
                    Piece::Wanting => None,
                    Piece::Ended => return Poll::Ready(Ok(())),
                },
            };
            let room = most - answer.body.len();
            if let Some(left) = left.filter(|_| !self.inbox.is_empty() && room > 0) {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(self.inbox.len()).min(room);
                answer.body.extend_from_slice(&self.inbox[..count]);
                self.inbox.advance(count);
                self.body.took(count as u64);
                continue;
            }
            if room == 0 && (left.is_some() || self.inbox.is_empty()) {
                answer.truncated = true;
                self.stays = false;
                return Poll::Ready(Ok(()));
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) if matches!(self.body, Body::Close) => return Poll::Ready(Ok(())),
                Ok(0) => return Poll::Ready(Err(failure::in_body(&io::ErrorKind::UnexpectedEof.into()))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(failure::in_body(&error))),
            }
        }
    }

    /// Whether it can be used for another request, once the answer was read.
    pub(super) fn is_free(&self) -> bool {
        self.stays && self.inbox.is_empty()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inbox.reserve(READ);
        poll_read_buf(Pin::new(&mut self.wire), cx, &mut self.inbox)
    }
}

impl Body {
    fn took(&mut self, count: u64) {
        match self {
            Self::Length(left) => *left -= count,
            Self::Chunks(chunks) => chunks.took(count),
            Self::Close => {}
        }
    }
}

/// A head that is being read. However slowly it comes, it is parsed a few times only.
#[derive(Default)]
struct Reading {
    /// Bytes of interim answers before it.
    interim: usize,
    /// Bytes that were looked through for its end.
    seen: usize,
    /// With so many it is parsed in any case: it may be something else than HTTP.
    parsed_at: usize,
}

impl Reading {
    /// Whether it is worth parsing what has come since this was last asked.
    fn may_find_a_head(&mut self, inbox: &[u8]) -> bool {
        if inbox.len() <= self.seen {
            return false;
        }
        // The end is an empty line; two bytes before the new ones may belong to it.
        let new = &inbox[self.seen.saturating_sub(2)..];
        self.seen = inbox.len();
        let may = inbox.len() >= self.parsed_at
            || new.windows(2).any(|end| end == b"\n\n")
            || new.windows(3).any(|end| end == b"\n\r\n");
        if may {
            self.parsed_at = 2 * inbox.len();
        }
        may
    }

    fn begin_after(&mut self, interim: usize) {
        *self = Self { interim: self.interim + interim, ..Self::default() };
    }
}

/// A request that is being written.
struct Writing<'a> {
    rest: &'a [u8],
    is_flushed: bool,
    /// Why nothing more can be written. The receiver may have answered before it stopped reading.
    error: Option<io::Error>,
}

impl Writing<'_> {
    /// Writes as far as that goes now.
    fn go_on(&mut self, wire: &mut Wire, cx: &mut Context<'_>) {
        while self.error.is_none() && !self.rest.is_empty() {
            match Pin::new(&mut *wire).poll_write(cx, self.rest) {
                Poll::Ready(Ok(0)) => self.error = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => self.rest = &self.rest[count..],
                Poll::Ready(Err(error)) => self.error = Some(error),
                Poll::Pending => return,
            }
        }
        if self.error.is_none() && !self.is_flushed {
            match Pin::new(wire).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.is_flushed = true,
                Poll::Ready(Err(error)) => self.error = Some(error),
                Poll::Pending => {}
            }
        }
    }
}
