//! Connecting: to an address that the guard has checked, directly or through the proxy, then TLS.

mod dial_progress;
pub(crate) mod openings;
pub(crate) mod proxy;
pub(crate) mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use model::attempt::FailureKind;
use model::env::Env;
use model::local_fault::LocalFault;
use model::time::Span;
use rustix::io::Errno;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) use self::dial_progress::Step;
use self::dial_progress::{DialProgress, Progress};
use self::proxy::Proxy;
use self::stream::Stream;
use crate::guard::{self, Guard, VettedAddresses};
use crate::{local, race, tls};

/// Maximum time to make a connection, lookup and TLS included, whatever the endpoint's timeout.
const LONGEST: Duration = Duration::from_secs(30);

/// Wait for a connection before the next address is tried as well (RFC 8305, section 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// The same through a proxy, which answers only once it has made the connection.
const NEXT_ADDRESS_AFTER_PROXIED: Duration = Duration::from_secs(3);

/// Maximum addresses tried per host name.
const MOST_ADDRESSES: usize = 8;

/// Protocols offered to the receiver in the TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// HTTP/2 and HTTP/1.1.
    Both,
    Http1,
}

/// Makes connections to receivers: resolves, checks, connects, and completes the TLS handshake.
pub(crate) struct Dialer(Inner);

struct Inner {
    guard: Guard,
    route: Route,
    tls: TlsConnector,
    env: Arc<dyn Env>,
    dial_progress: DialProgress,
}

/// The route of connections to receivers.
pub(crate) enum Route {
    Direct,
    /// Through the proxy, to an address that was checked.
    Proxy(Proxy),
    /// Through the proxy, which resolves names itself: only names and literal addresses can be judged.
    ResolvingProxy(Proxy),
}

/// Reason why no connection was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Guard(#[from] guard::Error),
    #[error("{}", no_connection(*.address, .source))]
    Connect { address: SocketAddr, source: io::Error },
    #[error("the proxy {proxy} {source}")]
    Proxy { proxy: String, source: proxy::Error },
    #[error("{}", no_handshake(.host, .source))]
    Tls { host: Box<str>, source: io::Error },
    #[error("no connection within {}", Span(LONGEST))]
    TooLong,
    /// A fault of this machine; it says nothing about the receiver.
    #[error("{0}")]
    Local(LocalFault),
}

impl Error {
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Guard(error) => error.kind(),
            Self::Connect { .. } | Self::Proxy { .. } | Self::Local(_) => FailureKind::Connect,
            Self::Tls { .. } => FailureKind::Tls,
            Self::TooLong => FailureKind::Timeout,
        }
    }

    /// The fault of this machine behind the error, if there is one.
    pub(crate) fn local(&self) -> Option<LocalFault> {
        match self {
            Self::Local(fault) => Some(*fault),
            Self::Guard(error) => error.local(),
            _ => None,
        }
    }

    /// True if this machine has no route to that address; there may be one to others.
    fn is_no_way(&self) -> bool {
        match self {
            Self::Connect { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::AddrNotAvailable
            ),
            _ => false,
        }
    }
}

fn no_connection(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused by {address}"),
        io::ErrorKind::TimedOut => format!("no connection to {address}: it does not answer"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::AddrNotAvailable => {
            format!("no connection to {address}: there is no way there from this machine")
        }
        _ => format!("no connection to {address}: {error}"),
    }
}

fn no_handshake(host: &str, error: &io::Error) -> String {
    tls::explain(host, error).unwrap_or_else(|| format!("TLS: {host} closed the connection during the handshake"))
}

impl Dialer {
    pub(crate) fn new(guard: Guard, route: Route, tls: ClientConfig, env: Arc<dyn Env>) -> Self {
        let tls = TlsConnector::from(Arc::new(tls));
        Self(Inner { guard, route, tls, env, dial_progress: DialProgress::default() })
    }

    /// Current step of the connection being made to this authority, if there is one.
    pub(crate) fn step(&self, authority: &str) -> Option<Step> {
        self.0.dial_progress.step(authority)
    }

    pub(crate) async fn dial(&self, uri: &Uri, offer: Offer) -> Result<Stream, Error> {
        tokio::select! {
            dialled = self.0.dial(uri, offer) => dialled,
            () = self.0.env.sleep(LONGEST) => Err(Error::TooLong),
        }
    }
}

impl Inner {
    async fn dial(&self, uri: &Uri, offer: Offer) -> Result<Stream, Error> {
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let progress = self.dial_progress.begin(uri.authority().map_or(host, |authority| authority.as_str()));

        let stream = match &self.route {
            Route::ResolvingProxy(proxy) => {
                self.guard.judge(host)?;
                progress.reaches(Step::Connecting);
                self.tunnel(proxy, &format!("{host}:{port}")).await?
            }
            Route::Direct | Route::Proxy(_) => {
                let vetted = self.guard.check(host, port).await?;
                progress.reaches(Step::Connecting);
                self.reach(&vetted).await?
            }
        };
        if !is_https {
            return Ok(Stream::Plain(stream));
        }
        self.handshake(host, stream, offer, &progress).await
    }

    /// Connects to the first address that accepts. Addresses are tried one after the other, a little apart; attempts
    /// without an answer go on meanwhile.
    async fn reach(&self, vetted: &VettedAddresses) -> Result<TcpStream, Error> {
        let gap = match self.route {
            Route::Direct => NEXT_ADDRESS_AFTER,
            Route::Proxy(_) | Route::ResolvingProxy(_) => NEXT_ADDRESS_AFTER_PROXIED,
        };
        let addresses = by_turns(vetted.addresses());
        let calls = addresses.into_iter().take(MOST_ADDRESSES).map(|address| self.reach_one(address));
        race::staggered(&*self.env, gap, calls).await.map_err(most_telling)
    }

    async fn reach_one(&self, address: SocketAddr) -> Result<TcpStream, Error> {
        match &self.route {
            Route::Direct => connect(address).await,
            Route::Proxy(proxy) | Route::ResolvingProxy(proxy) => self.tunnel(proxy, &address.to_string()).await,
        }
    }

    /// A connection through the proxy to `target`, an address or a name with a port.
    async fn tunnel(&self, proxy: &Proxy, target: &str) -> Result<TcpStream, Error> {
        let mut stream = self.reach_proxy(proxy).await?;
        let tunnelled = proxy.tunnel(&mut stream, target).await;
        tunnelled.map_err(|source| Error::Proxy { proxy: proxy.to_string(), source })?;
        Ok(stream)
    }

    async fn reach_proxy(&self, proxy: &Proxy) -> Result<TcpStream, Error> {
        let addresses = self.guard.trusted(proxy.host(), proxy.port()).await?;
        let calls = by_turns(&addresses).into_iter().take(MOST_ADDRESSES).map(connect);
        match race::staggered(&*self.env, NEXT_ADDRESS_AFTER, calls).await.map_err(most_telling) {
            Err(Error::Connect { source, .. }) => {
                Err(Error::Proxy { proxy: proxy.to_string(), source: proxy::Error::Unreachable(source) })
            }
            reached => reached,
        }
    }

    async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
        offer: Offer,
        progress: &Progress<'_>,
    ) -> Result<Stream, Error> {
        progress.reaches(Step::Handshake);
        let failed = |source| Error::Tls { host: host.into(), source };
        let name = match guard::literal(host) {
            Some(address) => ServerName::from(address),
            None => ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?,
        };
        let connecting = match offer {
            Offer::Both => self.tls.connect(name, stream),
            Offer::Http1 => self.tls.with_alpn(vec![tls::HTTP1.to_vec()]).connect(name, stream),
        };
        let stream = connecting.await.map_err(failed)?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, Error> {
    let connected = async {
        let stream = TcpStream::connect(address).await?;
        // A request is written whole: waiting for more of it would only delay it.
        stream.set_nodelay(true)?;
        if local::is_among_the_last(&stream) { Err(Errno::MFILE.into()) } else { Ok(stream) }
    };
    connected.await.map_err(|source| match local::fault_of_call(address, &source) {
        Some(fault) => Error::Local(fault),
        None => Error::Connect { address, source },
    })
}

/// Alternates the address families, so that one without a route delays the other only once.
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first_family = |address: &SocketAddr| address.is_ipv4() == addresses[0].is_ipv4();
    let (first, second): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses.iter().copied().partition(is_first_family);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::with_capacity(addresses.len());
    while ordered.len() < addresses.len() {
        ordered.extend(first.next());
        ordered.extend(second.next());
    }
    ordered
}

/// Selects the error to report when no address accepted: a fault of this machine explains the rest, and a family
/// without a route explains nothing while there is another.
fn most_telling(mut errors: Vec<Error>) -> Error {
    let local = errors.iter().position(|error| error.local().is_some());
    let telling = local.or_else(|| errors.iter().position(|error| !error.is_no_way())).unwrap_or(0);
    errors.swap_remove(telling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(addresses: &[&str]) -> Vec<String> {
        let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        by_turns(&addresses).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn families_take_turns() {
        assert_eq!(turns(&["1.1.1.1:1", "1.1.1.2:1", "[::1]:1"]), ["1.1.1.1:1", "[::1]:1", "1.1.1.2:1"]);
        assert_eq!(turns(&["[::1]:1", "[::2]:1", "1.1.1.1:1"]), ["[::1]:1", "1.1.1.1:1", "[::2]:1"]);
        assert_eq!(turns(&["1.1.1.1:1", "1.1.1.2:1"]), ["1.1.1.1:1", "1.1.1.2:1"]);
    }

    #[test]
    fn of_several_errors_the_most_telling_is_told() {
        let address = "192.0.2.1:1".parse().unwrap();
        let call = |kind: io::ErrorKind| Error::Connect { address, source: kind.into() };
        let (no_way, refused) = (|| call(io::ErrorKind::NetworkUnreachable), || call(io::ErrorKind::ConnectionRefused));
        assert_eq!(most_telling(vec![no_way(), refused()]).to_string(), refused().to_string());
        assert_eq!(most_telling(vec![no_way(), no_way()]).to_string(), no_way().to_string());
        let local = most_telling(vec![refused(), Error::Local(LocalFault::OpenFiles)]);
        assert_eq!(local.local(), Some(LocalFault::OpenFiles));
    }
}
