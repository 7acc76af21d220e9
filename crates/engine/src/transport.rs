//! One request out, one outcome back: over pooled connections, to checked addresses, in bounded time and memory.

mod answer;
mod failure;
mod line;
mod outgoing;
mod pool;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialect::voice::Header;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Response, Uri};
use hyper::body::Incoming;
use model::attempt::{Failure, FailureKind, Outcome};
use model::env::{Env, Sleep};
use model::network::Policy;
use model::url::EndpointUrl;

pub use crate::dial::proxy::{NotAProxy, Proxy};
pub use crate::tls::{Error, system_has_roots};

use self::line::Line;
use self::outgoing::{Outgoing, Sent};
use self::pool::Pool;
use crate::dial::Dialer;
use crate::guard::Guard;
use crate::resolve::Resolve;
use crate::tls;

/// Of the connections in the pool, so many may turn out to have gone stale before a new one is made.
const MOST_STALE: usize = 3;

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
    pool: Pool,
    dialer: Dialer,
    env: Arc<dyn Env>,
}

impl Transport {
    pub fn new(settings: Settings, resolver: Arc<dyn Resolve>, env: Arc<dyn Env>) -> Result<Self, Error> {
        let tls = tls::config(settings.ca_pem.as_deref(), env.clone())?;
        let guard = Guard::new(settings.policy, resolver);
        let dialer = Dialer::new(guard, settings.proxy, tls, env.clone());
        Ok(Self { pool: Pool::default(), dialer, env })
    }

    /// Sends it and reads the answer. Never follows a redirect and never sends twice; when the outcome is a failure, the
    /// receiver may have got the request nevertheless.
    pub async fn send(&self, request: Request<'_>) -> Outcome {
        let Request { url, headers, body, timeout, response_bytes } = request;
        let mut late = self.env.sleep(timeout);
        let (mut line, response) = match self.respond(url, headers, body, timeout, &mut late).await {
            Ok(responded) => responded,
            Err(failure) => return Outcome::Failed { failure, answer: None },
        };
        let outcome = line.during(answer::read(response, response_bytes, timeout, &mut late)).await;
        if let Line::Own(mut line) = line
            && line.is_free().await
        {
            self.pool.put(origin(url), line);
        }
        outcome
    }

    /// As far as the answer's head.
    async fn respond(
        &self,
        url: &EndpointUrl,
        headers: Vec<Header>,
        body: Bytes,
        timeout: Duration,
        late: &mut Sleep,
    ) -> Result<(Line, Response<Incoming>), Failure> {
        let sent = Sent::default();
        let uri = Uri::try_from(url.as_str()).map_err(|_| unsendable("the URL"))?;
        let request = outgoing(headers, Outgoing::new(body, &sent))?;
        // Pinned out here: while it lives, the dialer knows what it waits for.
        let response = pin!(self.ask(origin(url), &uri, request));
        tokio::select! {
            biased; // an answer that is here is in time
            response = response => response,
            () = late => {
                let step = self.dialer.step(url.authority());
                Err(failure::unanswered(timeout, sent.is_sent(), step))
            }
        }
    }

    /// Over a connection that is there, or else over a new one. A request that went out is never sent again.
    async fn ask(
        &self,
        origin: &str,
        uri: &Uri,
        mut request: http::Request<Outgoing>,
    ) -> Result<(Line, Response<Incoming>), Failure> {
        for _ in 0..MOST_STALE {
            let Some(mut line) = self.pool.take(origin) else { break };
            match line.ask(request, uri).await {
                Ok(response) => return Ok((line, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(failure::explain(&error.into_error())),
                },
            }
        }
        let mut line = Box::pin(self.connect(origin, uri)).await?;
        match line.ask(request, uri).await {
            Ok(response) => Ok((line, response)),
            Err(error) => Err(failure::explain(&error.into_error())),
        }
    }

    async fn connect(&self, origin: &str, uri: &Uri) -> Result<Line, Failure> {
        let wire = self.dialer.dial(uri).await.map_err(|error| Failure::new(error.kind(), error.to_string()))?;
        match Line::over(wire).await {
            Ok(Line::Shared(shared)) => Ok(Line::Shared(self.pool.share(origin, shared))),
            Ok(line) => Ok(line),
            Err(error) => Err(failure::explain(&error)),
        }
    }
}

/// Scheme and authority.
fn origin(url: &EndpointUrl) -> &str {
    url.as_str().strip_suffix(url.path_and_query()).expect("a URL without a fragment ends with its path and query")
}

fn unsendable(what: &str) -> Failure {
    Failure::new(FailureKind::Render, format!("{what} cannot be sent in an HTTP request"))
}

fn outgoing(headers: Vec<Header>, body: Outgoing) -> Result<http::Request<Outgoing>, Failure> {
    let mut request = http::Request::new(body);
    *request.method_mut() = Method::POST;
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
