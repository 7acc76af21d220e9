//! One request out, one outcome back: over pooled connections, to checked addresses, in bounded time and memory.

mod answer;
mod failure;
mod outgoing;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialect::voice::Header;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use model::attempt::{Failure, FailureKind, Outcome};
use model::env::{Env, Sleep};
use model::network::Policy;
use model::url::EndpointUrl;

pub use crate::dial::proxy::{NotAProxy, Proxy};
pub use crate::tls::{Error, system_has_roots};

use self::outgoing::{Outgoing, Sent};
use crate::dial::Dialer;
use crate::guard::Guard;
use crate::resolve::Resolve;
use crate::tls;

/// An idle connection is kept so long: a busy endpoint's are reused, a quiet one's cost nothing.
const IDLE: Duration = Duration::from_secs(30);

/// Idle connections kept to one host: as many as one endpoint has in flight at its best, so that none is made anew at
/// full speed.
const MOST_IDLE_PER_HOST: usize = 64;

/// The head of an answer, and what is read of it ahead.
const LONGEST_HEAD: usize = 16 * 1024;

/// What an HTTP/2 receiver may send ahead of what is read: on one stream, on the whole connection.
const STREAM_WINDOW: u32 = 32 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// An HTTP/2 connection with requests on it is asked so often whether it lives. Without, one that a firewall forgot
/// would swallow every request to that host until the kernel gives it up.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(5);

/// What an operator chose.
#[derive(Default)]
pub struct Settings {
    pub policy: Policy,
    /// All webhooks leave through it.
    pub proxy: Option<Proxy>,
    /// Certificates to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// A webhook, ready to go: a POST.
pub struct Request<'a> {
    pub url: &'a EndpointUrl,
    pub headers: Vec<Header>,
    pub body: Bytes,
    /// For everything, from the lookup of the name to the last byte of the answer.
    pub timeout: Duration,
    /// Reading the answer's body stops there.
    pub response_bytes: usize,
}

/// Sends webhooks.
pub struct Transport {
    client: Client<Dialer, Outgoing>,
    dialer: Dialer,
    env: Arc<dyn Env>,
}

impl Transport {
    pub fn new(settings: Settings, resolver: Arc<dyn Resolve>, env: Arc<dyn Env>) -> Result<Self, Error> {
        let tls = tls::config(settings.ca_pem.as_deref(), env.clone())?;
        let guard = Guard::new(settings.policy, resolver);
        let dialer = Dialer::new(guard, settings.proxy, tls, env.clone());
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE_PER_HOST)
            .http1_max_buf_size(LONGEST_HEAD)
            .http2_max_header_list_size(LONGEST_HEAD as u32)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .timer(TokioTimer::new())
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PONG_WITHIN)
            .build(dialer.clone());
        Ok(Self { client, dialer, env })
    }

    /// Sends it and reads the answer. Never follows a redirect and never sends twice; when the outcome is a failure, the
    /// receiver may have got the request nevertheless.
    pub async fn send(&self, request: Request<'_>) -> Outcome {
        let (timeout, response_bytes) = (request.timeout, request.response_bytes);
        let mut late = self.env.sleep(timeout);
        match self.respond(request, &mut late).await {
            Ok(response) => answer::read(response, response_bytes, timeout, &mut late).await,
            Err(failure) => Outcome::Failed { failure, answer: None },
        }
    }

    /// As far as the answer's head.
    async fn respond(&self, request: Request<'_>, late: &mut Sleep) -> Result<Response<Incoming>, Failure> {
        let Request { url, headers, body, timeout, .. } = request;
        let sent = Sent::default();
        let outgoing = outgoing(url, headers, Outgoing::new(body, &sent))?;
        // Pinned out here: while it lives, the dialer knows what it waits for.
        let response = pin!(self.client.request(outgoing));
        tokio::select! {
            biased; // an answer that is here is in time
            response = response => response.map_err(|error| failure::explain(&error)),
            () = late => {
                let step = self.dialer.step(url.authority());
                Err(failure::unanswered(timeout, sent.is_sent(), step))
            }
        }
    }
}

fn outgoing(url: &EndpointUrl, headers: Vec<Header>, body: Outgoing) -> Result<http::Request<Outgoing>, Failure> {
    let unsendable =
        |what: &str| Failure::new(FailureKind::Render, format!("{what} cannot be sent in an HTTP request"));
    let mut request = http::Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::try_from(url.as_str()).map_err(|_| unsendable("the URL"))?;
    let map = request.headers_mut();
    map.reserve(headers.len() + 1); // and `host`
    for header in headers {
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
