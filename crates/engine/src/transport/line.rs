//! A connection to a receiver, and what is asked over it: one request at a time over HTTP/1.1, as many as come over HTTP/2.

use hyper::body::Incoming;
use model::attempt::{Answer, Failure};

use super::again::NoAnswer;
use super::deadline::Deadline;
use super::head::Head;
use super::outgoing::Outgoing;
use super::own::Own;
use super::shared::{self, Shared};
use crate::dial::wire::Wire;

pub(super) enum Line {
    /// For one request at a time. Boxed: it goes from hand to hand with every request.
    Own(Box<Own>),
    /// For as many as come.
    Shared(Shared),
}

/// An answer whose head has come, and where the rest of it comes from.
pub(super) struct Answering {
    pub(super) head: Head,
    pub(super) rest: Rest,
}

pub(super) enum Rest {
    Own(Box<Own>),
    Shared(Incoming),
}

impl Line {
    pub(super) async fn over(wire: Wire) -> Result<Self, Failure> {
        Ok(if wire.is_h2() { Self::Shared(Shared::over(wire).await?) } else { Self::Own(Box::new(Own::new(wire))) })
    }

    /// Whether a request can be written to it, as far as is known now.
    pub(super) async fn is_fresh(&mut self) -> bool {
        match self {
            Self::Own(own) => own.is_fresh().await,
            Self::Shared(shared) => !shared.is_closed(),
        }
    }

    /// Asks, and waits for the head of the answer.
    pub(super) async fn ask(self, request: &Outgoing<'_>, deadline: &mut Deadline) -> Result<Answering, NoAnswer> {
        match self {
            Self::Own(mut own) => {
                let head = own.ask(&request.to_http1(), &request.sent, deadline).await?;
                Ok(Answering { head, rest: Rest::Own(own) })
            }
            Self::Shared(mut shared) => {
                let (head, body) = shared.ask(request, deadline).await?;
                Ok(Answering { head, rest: Rest::Shared(body) })
            }
        }
    }
}

impl Rest {
    /// Reads at most `most` bytes of the body. An answer with more to it is whole for us.
    pub(super) async fn read(&mut self, most: usize, answer: &mut Answer) -> Result<(), Failure> {
        match self {
            Self::Own(own) => own.read(most, answer).await,
            Self::Shared(body) => shared::read(body, most, answer).await,
        }
    }
}
