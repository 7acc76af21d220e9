//! A request on its way out: as HTTP/1.1 writes it, and as HTTP/2 wants it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use dialect::header::{self, Header};
use http::header::{HeaderName, HeaderValue};
use http::{Method, Uri};
use hyper::body::{Body, Frame, SizeHint};
use model::attempt::{Failure, FailureKind};
use model::url::EndpointUrl;

/// Bytes for the request line and what every request has besides its headers.
const FRAME: usize = 128;

/// Bytes between a header's name and its value, and behind that.
const BETWEEN: usize = 4;

/// True once the request was written to its current connection. Before that, a timeout means that there was none.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub(super) fn is_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Resets it before the request goes out once more.
    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A POST whose headers can be sent.
pub(super) struct WireRequest<'a> {
    url: &'a EndpointUrl,
    headers: Vec<Header>,
    body: Bytes,
    pub(super) sent: Sent,
}

impl<'a> WireRequest<'a> {
    pub(super) fn new(url: &'a EndpointUrl, headers: Vec<Header>, body: Bytes) -> Result<Self, Failure> {
        match headers.iter().find(|header| !can_be_sent(header)) {
            Some(header) => Err(unsendable(&format!("the header {}", header.name))),
            None => Ok(Self { url, headers, body, sent: Sent::default() }),
        }
    }

    /// Scheme and authority.
    pub(super) fn origin(&self) -> &'a str {
        let path = self.url.path_and_query();
        self.url.as_str().strip_suffix(path).expect("a URL without a fragment ends with its path and query")
    }

    pub(super) fn authority(&self) -> &'a str {
        self.url.authority()
    }

    pub(super) fn uri(&self) -> Result<Uri, Failure> {
        Uri::try_from(self.url.as_str()).map_err(|_| unsendable("the URL"))
    }

    /// The request in one piece. HTTP/1.1 has the path in the request line and the authority in a header (RFC 9112,
    /// section 3.2.1).
    pub(super) fn to_http1(&self) -> Vec<u8> {
        let (path, authority) = (self.url.path_and_query(), self.url.authority());
        let headers: usize = self.headers.iter().map(|header| header.name.len() + header.value.len() + BETWEEN).sum();
        let mut bytes = Vec::with_capacity(FRAME + path.len() + authority.len() + headers + self.body.len());
        for part in ["POST ", path, " HTTP/1.1\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        let mut put = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                bytes.extend_from_slice(part.as_bytes());
            }
        };
        self.headers.iter().for_each(|header| put(&header.name, &header.value));
        put("host", authority);
        put("content-length", &self.body.len().to_string());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(super) fn to_http2(&self) -> Result<http::Request<RequestBody>, Failure> {
        let mut request = http::Request::new(RequestBody { bytes: Some(self.body.clone()), sent: self.sent.clone() });
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri()?;
        let map = request.headers_mut();
        map.reserve(self.headers.len());
        for header in &self.headers {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let value = HeaderValue::from_bytes(header.value.as_bytes());
            let (Ok(name), Ok(mut value)) = (name, value) else {
                return Err(unsendable(&format!("the header {}", header.name)));
            };
            value.set_sensitive(header.secret);
            map.append(name, value);
        }
        Ok(request)
    }
}

/// True if its name is a token and its value has no control characters but tabs (RFC 9110, section 5.5): anything else
/// could end the header early.
fn can_be_sent(header: &Header) -> bool {
    // Without an early exit: the processor checks many bytes at a time.
    let fits = |fits, byte: u8| fits & (!byte.is_ascii_control() | (byte == b'\t'));
    header::is_token(&header.name) && header.value.bytes().fold(true, fits)
}

fn unsendable(what: &str) -> Failure {
    Failure::new(FailureKind::Render, format!("{what} cannot be sent in an HTTP request"))
}

/// The body of an HTTP/2 request, which notes when a connection takes it.
pub(super) struct RequestBody {
    bytes: Option<Bytes>,
    sent: Sent,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        this.sent.set();
        Poll::Ready(this.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
