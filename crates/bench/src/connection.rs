//! One keep-alive HTTP/1.1 connection: one request, one answer, no pool and no task of its own.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use crate::{BenchError, wire};

/// Maximum bytes kept of an answer. Those of the server are short.
const KEPT: usize = 64 * 1024;

/// The part that all POSTs of JSON to one URL share: made once, since load must cost little.
pub(crate) struct Head {
    uri: Uri,
    host: HeaderValue,
    more: Vec<(HeaderName, HeaderValue)>,
}

pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    body: Vec<u8>,
}

/// Connects, and drives the connection in the same task for as long as `work` goes on.
pub(crate) async fn with<T, F>(address: SocketAddr, work: impl FnOnce(Connection) -> F) -> Result<T, BenchError>
where
    F: Future<Output = Result<T, BenchError>>,
{
    let stream = wire::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    let driven = async {
        // The reason why it ended reaches the sender of the next request.
        let _ = driver.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        done = work(Connection { sender, body: Vec::new() }) => done,
        never = driven => match never {},
    }
}

impl Head {
    pub(crate) fn new(address: SocketAddr, path: &'static str) -> Result<Self, BenchError> {
        let uri = Uri::from_static(path);
        Ok(Self { uri, host: HeaderValue::try_from(address.to_string())?, more: Vec::new() })
    }

    pub(crate) fn authorized(self, key: &str) -> Result<Self, BenchError> {
        Ok(self.with_header(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {key}"))?))
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.push((name, value));
        self
    }

    /// A GET request.
    pub(crate) fn get(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        request
    }

    /// A GET of another path there, with all headers.
    pub(crate) fn get_at(&self, path: &str) -> Result<Request<Full<Bytes>>, BenchError> {
        let mut request = self.get();
        *request.uri_mut() = path.parse()?;
        let more = self.more.iter().map(|(name, value)| (name.clone(), value.clone()));
        request.headers_mut().extend(more);
        Ok(request)
    }

    pub(crate) fn with_body(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.more {
            headers.insert(name, value.clone());
        }
        request
    }
}

impl Connection {
    /// Sends a request and reads the whole answer.
    pub(crate) async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<StatusCode, BenchError> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        self.body.clear();
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame?.data_ref() {
                let room = KEPT - self.body.len();
                self.body.extend_from_slice(&data[..data.len().min(room)]);
            }
        }
        Ok(status)
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}
