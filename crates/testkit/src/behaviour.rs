//! The ways in which a receiver treats a request: well, slowly, wrongly or not at all.

use std::time::Duration;

/// The treatment of one request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers with a status and no body.
    Status(u16),
    Reply(Reply),
    /// Takes the request and never answers.
    HangBeforeHeaders,
    /// Answers 200 and a body that goes on for as long as it is read.
    EndlessBody,
    /// Answers 200 and [`OPENING`], then nothing more.
    StallInBody,
    /// Closes the connection without an answer.
    Close,
    /// Resets the connection (RST) without an answer. Over HTTP/2, closes it.
    Reset,
    /// Answers 200 and [`OPENING`], then resets the connection.
    ResetInBody,
    /// Answers with something that is not HTTP and closes. Over HTTP/2, only closes.
    Garbage,
    /// Answers with exactly these bytes and closes. Over HTTP/2, only closes.
    Raw(Vec<u8>),
    /// Answers 302.
    RedirectTo(String),
    /// Waits, in real time, and then behaves.
    Delay(Duration, Box<Behaviour>),
}

/// The part of a body that comes before it stalls or breaks.
pub const OPENING: &str = "the body begins";

/// An answer in full.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

impl From<u16> for Behaviour {
    fn from(status: u16) -> Self {
        Self::Status(status)
    }
}

impl From<Reply> for Behaviour {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}
