//! A connection to a receiver: one request at a time over HTTP/1.1, any number over HTTP/2.

use hyper::body::Incoming;
use model::attempt::{Answer, Failure};

use super::deadline::Deadline;
use super::head::Head;
use super::http1::Http1;
use super::http2::{self, Http2};
use super::resends::SendError;
use super::wire_request::WireRequest;
use crate::dial::stream::Stream;

pub(super) enum Connection {
    /// For one request at a time. Boxed: it is moved with every request.
    Http1(Box<Http1>),
    /// For any number of requests at a time.
    Http2(Http2),
}

/// A response whose head has come, and the reader of its body.
pub(super) struct ResponseParts {
    pub(super) head: Head,
    pub(super) body: BodyReader,
}

pub(super) enum BodyReader {
    Http1(Box<Http1>),
    Http2(Incoming),
}

impl Connection {
    pub(super) async fn over(stream: Stream) -> Result<Self, Failure> {
        Ok(if stream.is_h2() {
            Self::Http2(Http2::over(stream).await?)
        } else {
            Self::Http1(Box::new(Http1::new(stream)))
        })
    }

    /// True if a request can be written now, as far as is known.
    pub(super) async fn is_fresh(&mut self) -> bool {
        match self {
            Self::Http1(http1) => http1.is_fresh().await,
            Self::Http2(http2) => !http2.is_closed(),
        }
    }

    /// Sends the request and waits for the head of the response.
    pub(super) async fn ask(
        self,
        request: &WireRequest<'_>,
        deadline: &mut Deadline,
    ) -> Result<ResponseParts, SendError> {
        match self {
            Self::Http1(mut http1) => {
                let head = http1.ask(&request.to_http1(), &request.sent, deadline).await?;
                Ok(ResponseParts { head, body: BodyReader::Http1(http1) })
            }
            Self::Http2(mut http2) => {
                let (head, body) = http2.ask(request, deadline).await?;
                Ok(ResponseParts { head, body: BodyReader::Http2(body) })
            }
        }
    }
}

impl BodyReader {
    /// Reads at most `most` bytes of the body. A longer answer counts as whole.
    pub(super) async fn read(&mut self, most: usize, answer: &mut Answer) -> Result<(), Failure> {
        match self {
            Self::Http1(http1) => http1.read(most, answer).await,
            Self::Http2(body) => http2::read(body, most, answer).await,
        }
    }
}
