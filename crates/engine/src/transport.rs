//! One request out, one outcome back: over pooled connections, to checked addresses, in bounded time and memory.

mod chunks;
mod failure;
mod head;
mod line;
mod outgoing;
mod own;
mod pool;
mod shared;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialect::voice::Header;
use model::attempt::{Answer, Failure, Outcome};
use model::env::{Env, Sleep};
use model::local_fault::LocalFault;
use model::network::Policy;
use model::url::EndpointUrl;

pub use crate::dial::proxy::{NotAProxy, Proxy};
pub use crate::tls::{Error, system_has_roots};

use self::line::{Answering, Line, NoAnswer, Rest};
use self::outgoing::Outgoing;
use self::pool::Pool;
use crate::dial::openings::{Openings, Waiting};
use crate::dial::{Dialer, Route};
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
    /// The proxy is given names, and resolves them itself.
    pub proxy_resolves: bool,
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
    openings: Openings,
    env: Arc<dyn Env>,
}

/// Why there is no answer.
enum Unanswered {
    Failed(Failure),
    /// The receiver has no part in it, and nothing was sent.
    Local(LocalFault),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Transport {
    pub fn new(settings: Settings, resolver: Arc<dyn Resolve>, env: Arc<dyn Env>) -> Result<Self, Error> {
        let tls = tls::config(settings.ca_pem.as_deref(), env.clone())?;
        let guard = Guard::new(settings.policy, resolver);
        let route = match (settings.proxy, settings.proxy_resolves) {
            (None, _) => Route::Direct,
            (Some(proxy), false) => Route::Proxy(proxy),
            (Some(proxy), true) => Route::ResolvingProxy(proxy),
        };
        let dialer = Dialer::new(guard, route, tls, env.clone());
        Ok(Self { pool: Pool::default(), dialer, openings: Openings::default(), env })
    }

    /// Sends it and reads the answer. Never follows a redirect and never sends twice; when the outcome is a failure, the
    /// receiver may have got the request nevertheless. `Err` is a fault of this machine: nothing was sent.
    pub async fn send(&self, request: Request<'_>) -> Result<Outcome, LocalFault> {
        let Request { url, headers, body, timeout, response_bytes } = request;
        let outgoing = match Outgoing::new(url, headers, body) {
            Ok(outgoing) => outgoing,
            Err(failure) => return Ok(Outcome::Failed { failure, answer: None }),
        };
        let mut late = self.env.sleep(timeout);
        let Answering { head, mut rest } = match self.respond(&outgoing, timeout, &mut late).await {
            Ok(answering) => answering,
            Err(Unanswered::Failed(failure)) => return Ok(Outcome::Failed { failure, answer: None }),
            Err(Unanswered::Local(fault)) => return Err(fault),
        };
        let mut answer = Answer { status: head.status, headers: head.headers, body: Vec::new(), truncated: false };
        let read = tokio::select! {
            biased; // a body that is here is in time
            read = rest.read(response_bytes, &mut answer) => read,
            () = late => Err(failure::stalled(timeout, &answer)),
        };
        Ok(match read {
            Ok(()) => {
                if let Rest::Own(own) = rest
                    && own.is_free()
                {
                    self.pool.put(outgoing.origin(), own);
                }
                Outcome::Answered(answer)
            }
            // The connection is closed; an HTTP/2 stream is reset.
            Err(failure) => Outcome::Failed { failure, answer: Some(answer) },
        })
    }

    /// As far as the answer's head.
    async fn respond(
        &self,
        request: &Outgoing<'_>,
        timeout: Duration,
        late: &mut Sleep,
    ) -> Result<Answering, Unanswered> {
        // Pinned out here: while it lives, the dialer knows what it waits for.
        let waiting = Waiting::default();
        let mut answering = pin!(self.ask(request, &waiting));
        loop {
            tokio::select! {
                biased; // an answer that is here is in time
                answering = &mut answering => return answering,
                () = &mut *late => {
                    let waited = waiting.take(&*self.env);
                    if waited.is_zero() {
                        let step = self.dialer.step(request.authority());
                        return Err(failure::unanswered(timeout, request.sent.is_sent(), step).into());
                    }
                    *late = self.env.sleep(waited);
                }
            }
        }
    }

    /// Over a connection that is there, or else over a new one. A request that went out is never sent again.
    async fn ask(&self, request: &Outgoing<'_>, waiting: &Waiting) -> Result<Answering, Unanswered> {
        if let Some(answering) = self.ask_again(request).await {
            return answering;
        }
        let opening = waiting.turn(&self.openings, request.origin(), &*self.env).await;
        // Those before it may have left some, or one that many can use.
        if opening.was_waited_for()
            && let Some(answering) = self.ask_again(request).await
        {
            return answering;
        }
        let line = Box::pin(self.connect(request)).await?;
        drop(opening);
        line.ask(request).await.map_err(|(NoAnswer::Unbegun(failure) | NoAnswer::Failed(failure))| failure.into())
    }

    /// Over a connection that is there, if one is and takes the request.
    async fn ask_again(&self, request: &Outgoing<'_>) -> Option<Result<Answering, Unanswered>> {
        for _ in 0..MOST_STALE {
            let mut line = self.pool.take(request.origin())?;
            if !line.is_fresh().await {
                continue;
            }
            match line.ask(request).await {
                Ok(answering) => return Some(Ok(answering)),
                Err(NoAnswer::Unbegun(_)) => {}
                Err(NoAnswer::Failed(failure)) => return Some(Err(failure.into())),
            }
        }
        None
    }

    async fn connect(&self, request: &Outgoing<'_>) -> Result<Line, Unanswered> {
        let dialled = self.dialer.dial(&request.uri()?).await;
        let wire = dialled.map_err(|error| match error.local() {
            Some(fault) => Unanswered::Local(fault),
            None => Failure::new(error.kind(), error.to_string()).into(),
        })?;
        match Line::over(wire).await? {
            Line::Shared(shared) => Ok(Line::Shared(self.pool.share(request.origin(), shared))),
            line => Ok(line),
        }
    }
}
