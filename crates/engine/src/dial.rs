//! Connecting: to an address that the guard has checked, directly or through the proxy, then TLS.

pub(crate) mod proxy;
mod underway;
pub(crate) mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use model::attempt::FailureKind;
use model::env::Env;
use model::time::Span;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use self::proxy::Proxy;
pub(crate) use self::underway::Step;
use self::underway::{Progress, Underway};
use self::wire::Wire;
use crate::guard::{self, Checked, Guard};
use crate::tls;

/// Connections are given up after this, whatever the endpoint's timeout.
const LONGEST: Duration = Duration::from_secs(30);

/// An address gets so long while there are others to try.
const PER_ADDRESS: Duration = Duration::from_secs(3);

/// Of the addresses of one name, so many are tried.
const MOST_ADDRESSES: usize = 8;

/// Makes connections.
pub(crate) struct Dialer(Inner);

struct Inner {
    guard: Guard,
    proxy: Option<Proxy>,
    tls: TlsConnector,
    env: Arc<dyn Env>,
    underway: Underway,
}

/// Why there is no connection.
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
}

impl Error {
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Guard(error) => error.kind(),
            Self::Connect { .. } | Self::Proxy { .. } => FailureKind::Connect,
            Self::Tls { .. } => FailureKind::Tls,
            Self::TooLong => FailureKind::Timeout,
        }
    }
}

fn no_connection(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused by {address}"),
        io::ErrorKind::TimedOut => format!("no connection to {address}: it does not answer"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            format!("no connection to {address}: there is no way there from this machine")
        }
        _ => format!("no connection to {address}: {error}"),
    }
}

fn no_handshake(host: &str, error: &io::Error) -> String {
    tls::explain(host, error).unwrap_or_else(|| format!("TLS: {host} closed the connection during the handshake"))
}

impl Dialer {
    pub(crate) fn new(guard: Guard, proxy: Option<Proxy>, tls: ClientConfig, env: Arc<dyn Env>) -> Self {
        let tls = TlsConnector::from(Arc::new(tls));
        Self(Inner { guard, proxy, tls, env, underway: Underway::default() })
    }

    /// How far a connection to this authority has come, while one is being made.
    pub(crate) fn step(&self, authority: &str) -> Option<Step> {
        self.0.underway.step(authority)
    }

    pub(crate) async fn dial(&self, uri: &Uri) -> Result<Wire, Error> {
        tokio::select! {
            dialled = self.0.dial(uri) => dialled,
            () = self.0.env.sleep(LONGEST) => Err(Error::TooLong),
        }
    }
}

impl Inner {
    async fn dial(&self, uri: &Uri) -> Result<Wire, Error> {
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let progress = self.underway.begin(uri.authority().map_or(host, |authority| authority.as_str()));

        let checked = self.guard.check(host, port).await?;
        progress.reaches(Step::Connecting);
        let stream = self.reach(&checked).await?;
        if !is_https {
            return Ok(Wire::Plain(stream));
        }
        self.handshake(host, stream, &progress).await
    }

    /// Connects to one address after the other until one takes the call. The last one's error is told.
    async fn reach(&self, checked: &Checked) -> Result<TcpStream, Error> {
        let addresses = &checked.addresses()[..checked.addresses().len().min(MOST_ADDRESSES)];
        let (last, earlier) = addresses.split_last().expect("the guard refuses names without addresses");
        for address in earlier {
            tokio::select! {
                reached = self.reach_one(*address) => if reached.is_ok() { return reached },
                () = self.env.sleep(PER_ADDRESS) => {}
            }
        }
        self.reach_one(*last).await
    }

    async fn reach_one(&self, address: SocketAddr) -> Result<TcpStream, Error> {
        let Some(proxy) = &self.proxy else {
            return connect(address).await.map_err(|source| Error::Connect { address, source });
        };
        let failed = |source| Error::Proxy { proxy: proxy.to_string(), source };
        let mut stream = self.reach_proxy(proxy).await?;
        proxy.tunnel(&mut stream, address).await.map_err(failed)?;
        Ok(stream)
    }

    async fn reach_proxy(&self, proxy: &Proxy) -> Result<TcpStream, Error> {
        let mut unreachable = io::Error::from(io::ErrorKind::NotFound);
        for address in self.guard.trusted(proxy.host(), proxy.port()).await?.into_iter().take(MOST_ADDRESSES) {
            match connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => unreachable = error,
            }
        }
        Err(Error::Proxy { proxy: proxy.to_string(), source: proxy::Error::Unreachable(unreachable) })
    }

    async fn handshake(&self, host: &str, stream: TcpStream, progress: &Progress<'_>) -> Result<Wire, Error> {
        progress.reaches(Step::Handshake);
        let failed = |source| Error::Tls { host: host.into(), source };
        let name = match guard::literal(host) {
            Some(address) => ServerName::from(address),
            None => ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?,
        };
        let stream = self.tls.connect(name, stream).await.map_err(failed)?;
        Ok(Wire::Tls(Box::new(stream)))
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // A request is written whole: waiting for more of it would only delay it.
    stream.set_nodelay(true)?;
    Ok(stream)
}
