//! One keep-alive HTTP/1.1 connection: one request, one answer, no pool and no task of its own.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Failure;

/// Answers of ours are short. Of a longer one this much is kept.
const KEPT: usize = 64 * 1024;

pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    body: Vec<u8>,
}

/// Connects, and drives the connection in the same task for as long as `work` goes on.
pub(crate) async fn with<T, F>(address: SocketAddr, work: impl FnOnce(Connection) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let stream = TcpStream::connect(address).await.map_err(|error| format!("{address}: {error}"))?;
    stream.set_nodelay(true)?;
    let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    let driven = async {
        // Why it ended is told to whoever sends on it.
        let _ = driver.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        done = work(Connection { sender, body: Vec::new() }) => done,
        never = driven => match never {},
    }
}

/// The head that all requests with a JSON body share.
pub(crate) fn post(address: SocketAddr, path: &str) -> Builder {
    Request::post(path).header(HOST, address.to_string()).header(CONTENT_TYPE, "application/json")
}

pub(crate) fn authorized(request: Builder, key: &str) -> Builder {
    request.header(AUTHORIZATION, format!("Bearer {key}"))
}

impl Connection {
    /// Sends a request and reads the whole answer.
    pub(crate) async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<StatusCode, Failure> {
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
