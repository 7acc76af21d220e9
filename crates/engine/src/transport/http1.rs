//! One HTTP/1.1 connection, and the one request that is on it.
//!
//! It has no task of its own: the delivery that has a request on it reads and writes it. So nothing is handed from task
//! to task on the way of a request, and a connection in the pool is still.

mod reading;
mod writing;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use model::attempt::{Answer, Failure};
use tokio_util::io::poll_read_buf;

use self::reading::Reading;
use self::writing::Writing;
use super::chunks::{Chunks, Piece};
use super::deadline::Deadline;
use super::failure::{self, Bytes};
use super::head::{self, Framing, Head, NotAHead, ParsedHead};
use super::resends::{SendError, SendErrorKind};
use super::wire_request::Sent;
use crate::dial::stream::Stream;

/// Bytes reserved for one read: most answers fit.
const READ: usize = 1024;

pub(super) struct Http1 {
    stream: Stream,
    /// Bytes read and not used yet.
    inbox: BytesMut,
    body: BodyState,
    /// True if it can take another request when this answer has been read.
    stays: bool,
    /// Time for which the receiver keeps it open while idle, if it said so.
    keep_alive: Option<Duration>,
}

/// The part of an answer's body still to come.
enum BodyState {
    Length(u64),
    Chunks(Chunks),
    Close,
    /// Nothing that can be read, and the reason.
    Unreadable(Failure),
}

/// Reason why no whole head was found.
enum HeadError {
    NotHttp,
    TooLong,
    Broken(io::Error),
    Late,
}

impl From<NotAHead> for HeadError {
    fn from(_: NotAHead) -> Self {
        Self::NotHttp
    }
}

impl Http1 {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, inbox: BytesMut::new(), body: BodyState::Length(0), stays: true, keep_alive: None }
    }

    /// True if a request can be written now, as far as is known. A receiver that closed the connection, or sent
    /// something unasked, is done with it.
    pub(super) async fn is_fresh(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.inbox.is_empty() && self.poll_read(cx).is_pending())).await
    }

    /// Writes a request and reads as far as the answer's head. An answer may come before all is written; the rest is
    /// not written then, and the connection not used again. A head that breaks off counts if its status line has come.
    pub(super) async fn ask(
        &mut self,
        request: &[u8],
        sent: &Sent,
        deadline: &mut Deadline,
    ) -> Result<Head, SendError> {
        let mut writing = Writing::of(request);
        let mut reading = Reading::default();
        let found = poll_fn(|cx| {
            writing.go_on(&mut self.stream, cx);
            if writing.has_begun() {
                sent.set();
            } else if let Some(error) = writing.error.take() {
                return Poll::Ready(Err(HeadError::Broken(error)));
            }
            match self.poll_head(&mut reading, cx) {
                Poll::Pending => Pin::new(&mut *deadline).poll(cx).map(|()| Err(HeadError::Late)),
                found => found,
            }
        })
        .await;
        match found {
            Ok(found) => {
                self.stays = found.stays && writing.is_flushed;
                self.keep_alive = found.keep_alive;
                self.body = match found.framing {
                    Framing::Length(length) => BodyState::Length(length),
                    Framing::Chunked => BodyState::Chunks(Chunks::default()),
                    Framing::Close => BodyState::Close,
                    Framing::Unclear(unclear) => BodyState::Unreadable(failure::unclear(unclear)),
                };
                Ok(found.head)
            }
            Err(stopped) => self.broke_off(&stopped, &reading, &writing, deadline.timeout),
        }
    }

    /// The known part of an answer whose head did not come whole.
    fn broke_off(
        &mut self,
        stopped: &HeadError,
        reading: &Reading,
        writing: &Writing<'_>,
        timeout: Duration,
    ) -> Result<Head, SendError> {
        self.stays = false;
        let head = match stopped {
            HeadError::NotHttp => Err(NotAHead),
            HeadError::TooLong | HeadError::Broken(_) | HeadError::Late => head::part(&self.inbox),
        };
        match (head, stopped) {
            (Ok(Some(head)), _) => {
                self.body = BodyState::Unreadable(match stopped {
                    HeadError::Broken(error) => failure::in_head(error),
                    HeadError::Late => failure::head_stalled(timeout),
                    HeadError::NotHttp | HeadError::TooLong => failure::head_too_long(),
                });
                Ok(head)
            }
            (Err(NotAHead), _) => Err(SendError::failed(failure::not_http(&NotAHead))),
            (Ok(None), HeadError::Late) => {
                Err(SendError::failed(failure::unanswered(timeout, writing.has_begun(), None)))
            }
            (Ok(None), HeadError::NotHttp | HeadError::TooLong) => Err(SendError::failed(failure::no_head())),
            (Ok(None), HeadError::Broken(error)) => {
                let end = match (writing.has_begun(), reading.has_begun() || !self.inbox.is_empty()) {
                    (false, _) => SendErrorKind::NotSent,
                    (true, false) => SendErrorKind::Silent,
                    (true, true) => SendErrorKind::Failed,
                };
                // The failed write is why nothing can be read.
                Err(SendError { kind: end, failure: failure::unanswered_by(writing.error.as_ref().unwrap_or(error)) })
            }
        }
    }

    fn poll_head(&mut self, reading: &mut Reading, cx: &mut Context<'_>) -> Poll<Result<ParsedHead, HeadError>> {
        loop {
            if let Some(end) = reading.look(&mut self.inbox)? {
                let found = head::whole(&self.inbox[..end])?;
                self.inbox.advance(end);
                if !found.is_interim() {
                    return Poll::Ready(Ok(found));
                }
                reading.begin_after(end);
                continue;
            }
            if reading.is_too_long(&self.inbox) {
                return Poll::Ready(Err(HeadError::TooLong));
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) => return Poll::Ready(Err(HeadError::Broken(io::ErrorKind::UnexpectedEof.into()))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(HeadError::Broken(error))),
            }
        }
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
                BodyState::Length(0) => return Poll::Ready(Ok(())),
                BodyState::Length(left) => Some(*left),
                BodyState::Close => Some(u64::MAX),
                BodyState::Unreadable(failure) => return Poll::Ready(Err(failure.clone())),
                BodyState::Chunks(chunks) => {
                    match chunks.next(&self.inbox).map_err(|error| failure::not_chunks(&error))? {
                        Piece::Skip(count) => {
                            self.inbox.advance(count);
                            continue;
                        }
                        Piece::Data(left) => Some(left),
                        Piece::Wanting => None,
                        Piece::Ended => return Poll::Ready(Ok(())),
                    }
                }
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
                Ok(0) if matches!(self.body, BodyState::Close) => return Poll::Ready(Ok(())),
                Ok(0) => return Poll::Ready(Err(failure::body_ended(self.body.announced(answer)))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(failure::in_body(&error, answer.body.len()))),
            }
        }
    }

    /// True if it can take another request, once the answer was read.
    pub(super) fn is_free(&self) -> bool {
        self.stays && self.inbox.is_empty()
    }

    /// Time for which the receiver keeps it open while idle, if it said so.
    pub(super) fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inbox.reserve(READ);
        poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.inbox)
    }
}

impl BodyState {
    fn took(&mut self, count: u64) {
        match self {
            Self::Length(left) => *left -= count,
            Self::Chunks(chunks) => chunks.took(count),
            Self::Close | Self::Unreadable(_) => {}
        }
    }

    /// Bytes of it that came, and that were announced.
    fn announced(&self, answer: &Answer) -> Bytes {
        let came = answer.body.len() as u64;
        match self {
            Self::Length(left) => Bytes { came, announced: Some(came + left) },
            Self::Chunks(_) | Self::Close | Self::Unreadable(_) => Bytes { came, announced: None },
        }
    }
}
