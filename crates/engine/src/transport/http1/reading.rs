//! A head that is being read. However slowly it comes, no byte of it is looked at again and again.

use bytes::{Buf, BytesMut};

use crate::transport::head::{self, NotAHead};

/// Maximum bytes read of an answer's head, interim answers before it included.
pub(super) const LONGEST_HEAD: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct Reading {
    /// Bytes before the head: interim answers and empty lines.
    past: usize,
    /// Bytes of the head that were searched for its end.
    seen: usize,
    /// The first line has come whole and is a status line.
    begins: bool,
}

impl Reading {
    /// End of the head that `inbox` begins with: behind its first empty line, if that has come. Bytes that cannot
    /// become a head are an error as soon as that is known.
    pub(super) fn look(&mut self, inbox: &mut BytesMut) -> Result<Option<usize>, NotAHead> {
        if self.seen <= 1 {
            self.skip_empty_lines(inbox);
        }
        // The last bytes that were seen may belong to the empty line.
        let from = self.seen.saturating_sub(2);
        let mut ends = inbox[from..].iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| from + at);
        let end = ends.find_map(|at| match inbox[at + 1..] {
            [b'\n', ..] => Some(at + 2),
            [b'\r', b'\n', ..] => Some(at + 3),
            _ => None,
        });
        if end.is_none() {
            self.check_first_line(inbox)?;
            self.seen = inbox.len();
        }
        Ok(end)
    }

    /// Empty lines before an answer mean nothing (RFC 9112, section 2.2).
    fn skip_empty_lines(&mut self, inbox: &mut BytesMut) {
        loop {
            let count = match inbox[..] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => return,
            };
            inbox.advance(count);
            self.past += count;
            self.seen = 0;
        }
    }

    fn check_first_line(&mut self, inbox: &[u8]) -> Result<(), NotAHead> {
        if self.begins {
            return Ok(());
        }
        match inbox[self.seen..].iter().position(|byte| *byte == b'\n') {
            Some(end) => self.begins = head::begins(&inbox[..self.seen + end]),
            None => return if head::may_begin(inbox) { Ok(()) } else { Err(NotAHead) },
        }
        if self.begins { Ok(()) } else { Err(NotAHead) }
    }

    pub(super) fn is_too_long(&self, inbox: &[u8]) -> bool {
        self.past + inbox.len() >= LONGEST_HEAD
    }

    /// Starts over behind an interim answer of `interim` bytes: the answer comes behind it.
    pub(super) fn begin_after(&mut self, interim: usize) {
        *self = Self { past: self.past + interim, ..Self::default() };
    }

    /// True if bytes have come that are no longer there.
    pub(super) fn has_begun(&self) -> bool {
        self.past > 0
    }
}
