//! A request that is being written to an HTTP/1.1 connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use crate::dial::stream::Stream;

pub(super) struct Writing<'a> {
    length: usize,
    rest: &'a [u8],
    pub(super) is_flushed: bool,
    /// The error that ended the writing. The receiver may have answered before it stopped reading.
    pub(super) error: Option<io::Error>,
}

impl<'a> Writing<'a> {
    pub(super) fn of(request: &'a [u8]) -> Self {
        Self { length: request.len(), rest: request, is_flushed: false, error: None }
    }

    /// True if some of it was written.
    pub(super) fn has_begun(&self) -> bool {
        self.rest.len() < self.length
    }

    /// Writes as much as the connection takes now.
    pub(super) fn go_on(&mut self, stream: &mut Stream, cx: &mut Context<'_>) {
        while self.error.is_none() && !self.rest.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, self.rest) {
                Poll::Ready(Ok(0)) => self.error = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => self.rest = &self.rest[count..],
                Poll::Ready(Err(error)) => self.error = Some(error),
                Poll::Pending => return,
            }
        }
        if self.error.is_none() && !self.is_flushed {
            match Pin::new(stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.is_flushed = true,
                Poll::Ready(Err(error)) => self.error = Some(error),
                Poll::Pending => {}
            }
        }
    }
}
