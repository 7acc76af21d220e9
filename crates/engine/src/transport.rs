//! One request out, one outcome back: over pooled connections, to checked addresses, in bounded time and memory.

mod chunks;
mod connection;
mod deadline;
mod failure;
mod head;
mod http1;
mod http1_only;
mod http2;
mod pool;
mod resends;
mod wire_request;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialect::renderer::Header;
use model::attempt::{Answer, Failure, Outcome};
use model::env::Env;
use model::local_fault::LocalFault;
use model::network::Policy;
use model::url::EndpointUrl;

pub use crate::dial::proxy::{NotAProxy, Proxy};
pub use crate::tls::{Error, system_has_roots};

use self::connection::{BodyReader, Connection, ResponseParts};
use self::deadline::Deadline;
use self::http1_only::Http1Only;
use self::pool::Pool;
use self::resends::{Resends, SendErrorKind};
use self::wire_request::WireRequest;
use crate::dial::openings::{Opening, Openings};
use crate::dial::{Dialer, Offer, Route};
use crate::guard::Guard;
use crate::resolve::Resolve;
use crate::tls;

/// The operator's network settings.
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
    /// Maximum bytes read of the answer's body.
    pub response_bytes: usize,
}

/// The result of a request.
#[derive(Debug)]
pub struct Exchange {
    pub outcome: Outcome,
    /// Remarks for a person: what was wrong with the answer, and that the request was sent more than once.
    pub notes: Vec<String>,
}

/// Sends webhooks.
pub struct Transport {
    pool: Pool,
    http1_only: Http1Only,
    dialer: Dialer,
    openings: Openings,
    env: Arc<dyn Env>,
}

/// Reason why there is no answer.
enum Unanswered {
    Failed(Failure),
    /// The receiver has no part in it, and has taken nothing.
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
        let (pool, http1_only) = (Pool::new(env.clone()), Http1Only::default());
        Ok(Self { pool, http1_only, dialer, openings: Openings::default(), env })
    }

    /// Sends it and reads the answer. Never follows a redirect. It is sent again only as [`resends`] has it; when the
    /// outcome is a failure, the receiver may have got the request nevertheless. `Err` is a fault of this machine:
    /// nothing was sent.
    pub async fn send(&self, request: Request<'_>) -> Result<Exchange, LocalFault> {
        let mut notes = Vec::new();
        let outcome = match self.exchange(request, &mut notes).await {
            Ok(answer) => Outcome::Answered(answer),
            Err(Unanswered::Failed(failure)) => Outcome::Failed { failure, answer: None },
            Err(Unanswered::Local(fault)) => return Err(fault),
        };
        Ok(Exchange { outcome, notes })
    }

    /// The answer, if its status line came: that is what decides. A fault in the rest of it is a note, and ends the
    /// connection.
    async fn exchange(&self, request: Request<'_>, notes: &mut Vec<String>) -> Result<Answer, Unanswered> {
        let Request { url, headers, body, timeout, response_bytes } = request;
        let request = WireRequest::new(url, headers, body)?;
        let mut deadline = Deadline::begin(timeout, &*self.env);
        let ResponseParts { head, mut body } = self.ask(&request, &mut deadline, notes).await?;
        notes.extend(head.note);
        let mut answer = Answer { status: head.status, headers: head.headers, ..Answer::default() };
        let read = tokio::select! {
            biased; // a body that is here is in time
            read = body.read(response_bytes, &mut answer) => read,
            () = deadline => Err(failure::stalled(timeout, &answer)),
        };
        match read {
            Ok(()) => {
                if let BodyReader::Http1(http1) = body
                    && http1.is_free()
                {
                    self.pool.put(request.origin(), http1);
                }
            }
            // The connection is closed; an HTTP/2 stream is reset.
            Err(failure) => {
                notes.push(failure.message.clone());
                answer.break_off(failure);
            }
        }
        Ok(answer)
    }

    /// Sends the request, again where that is allowed, and reads the answer's head.
    async fn ask(
        &self,
        request: &WireRequest<'_>,
        deadline: &mut Deadline,
        notes: &mut Vec<String>,
    ) -> Result<ResponseParts, Unanswered> {
        let (mut resends, mut begun) = (Resends::default(), None);
        loop {
            let (connection, reused) = match self.reuse(request, &mut resends).await {
                Some(connection) => (connection, true),
                None => match Box::pin(self.open(request, deadline, &mut resends)).await {
                    // A request begun before is an attempt, whatever this machine lacks by now.
                    Err(Unanswered::Local(fault)) => {
                        return Err(begun.map_or(Unanswered::Local(fault), Unanswered::Failed));
                    }
                    connected => connected?,
                },
            };
            let error = match connection.ask(request, deadline).await {
                Ok(answering) => return Ok(answering),
                Err(error) => error,
            };
            if error.kind == SendErrorKind::WantsHttp1 {
                self.http1_only.add(request.origin(), self.env.elapsed_roughly());
            }
            if !resends.allows(error.kind, reused) {
                return Err(error.failure.into());
            }
            notes.extend(error.kind.note().map(str::to_owned));
            request.sent.clear();
            if error.kind != SendErrorKind::NotSent {
                begun = Some(error.failure);
            }
        }
    }

    /// A connection from the pool that has not ended, as far as is known.
    async fn reuse(&self, request: &WireRequest<'_>, resends: &mut Resends) -> Option<Connection> {
        while resends.may_reuse() {
            let mut connection = self.pool.take(request.origin())?;
            if connection.is_fresh().await {
                return Some(connection);
            }
            resends.was_stale();
        }
        None
    }

    /// A new connection, once its turn comes. By then an earlier one may be free, or one that many can use.
    async fn open(
        &self,
        request: &WireRequest<'_>,
        deadline: &mut Deadline,
        resends: &mut Resends,
    ) -> Result<(Connection, bool), Unanswered> {
        let opening = self.turn(request, deadline).await;
        if opening.was_waited_for()
            && let Some(connection) = self.reuse(request, resends).await
        {
            return Ok((connection, true));
        }
        self.connect_in_time(request, deadline).await
    }

    /// Permission to open a connection. Waiting for it is no part of the request's time.
    async fn turn(&self, request: &WireRequest<'_>, deadline: &mut Deadline) -> Opening {
        let began = self.env.elapsed();
        let opening = self.openings.turn(request.origin()).await;
        if opening.was_waited_for() {
            deadline.put_off(self.env.elapsed().saturating_sub(began), &*self.env);
        }
        opening
    }

    async fn connect_in_time(
        &self,
        request: &WireRequest<'_>,
        deadline: &mut Deadline,
    ) -> Result<(Connection, bool), Unanswered> {
        let timeout = deadline.timeout;
        // Pinned out here: while it lives, the dialer knows what it waits for.
        let connecting = pin!(self.connect(request));
        tokio::select! {
            biased; // a connection that is here is in time
            connected = connecting => connected,
            () = deadline => Err(failure::unanswered(timeout, false, self.dialer.step(request.authority())).into()),
        }
    }

    /// A new connection, or one over HTTP/2 that was made meanwhile and that others use.
    async fn connect(&self, request: &WireRequest<'_>) -> Result<(Connection, bool), Unanswered> {
        let is_http1 = self.http1_only.has(request.origin(), self.env.elapsed_roughly());
        let offer = if is_http1 { Offer::Http1 } else { Offer::Both };
        let dialled = self.dialer.dial(&request.uri()?, offer).await;
        let stream = dialled.map_err(|error| match error.local() {
            Some(fault) => Unanswered::Local(fault),
            None => Failure::new(error.kind(), error.to_string()).into(),
        })?;
        match Connection::over(stream).await? {
            Connection::Http2(http2) => {
                let (http2, is_reused) = self.pool.share(request.origin(), http2);
                Ok((Connection::Http2(http2), is_reused))
            }
            connection => Ok((connection, false)),
        }
    }
}
