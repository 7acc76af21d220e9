//! A webhook receiver on a real loopback socket, as well or as badly behaved as the test asks for.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::behaviour::{Behaviour, Reply};
use crate::certificate::Identity;
use crate::conversation::{self, Script};
use crate::record::Record;
pub use crate::record::{Arrival, Received};

/// A receiver that listens. It stops when it is dropped, and all its connections with it.
pub struct Receiver {
    url: String,
    address: SocketAddr,
    ca_pem: Option<String>,
    record: Arc<Record>,
    listening: JoinSet<()>,
}

/// A receiver that is not started yet.
pub struct Builder {
    script: Script,
    identity: Option<Identity>,
    address: SocketAddr,
    counting: bool,
}

impl Receiver {
    /// Acknowledges everything with 204.
    pub fn healthy() -> Builder {
        Self::replying([204])
    }

    /// Answers with these statuses one after the other, and goes on with the last.
    pub fn replying(statuses: impl IntoIterator<Item = u16>) -> Builder {
        Self::behaving(statuses.into_iter().map(Behaviour::Status).collect())
    }

    /// Behaves in these ways, one request after the other, and goes on with the last.
    pub fn behaving(behaviours: Vec<Behaviour>) -> Builder {
        assert!(!behaviours.is_empty(), "a receiver needs at least one behaviour");
        Builder::new(Script::Steps(behaviours))
    }

    /// Asks `decide` for the reply to each request.
    pub fn with(decide: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Builder {
        Builder::new(Script::Decided(Box::new(move |request| decide(request).into())))
    }

    /// Its URL: `http://127.0.0.1:PORT/hook`, or https and the name in its certificate.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same, called by another name.
    pub fn url_as(&self, host: &str) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{host}:{}/hook", self.address.port())
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority that signed its certificate.
    pub fn ca_pem(&self) -> &str {
        self.ca_pem.as_deref().expect("this receiver was started with tls()")
    }

    /// Requests so far, the first 10,000 of them.
    pub fn requests(&self) -> Vec<Received> {
        self.record.seen().requests.clone()
    }

    /// Arrivals so far, of a receiver that is `counting()`.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.record.seen().arrivals.clone()
    }

    /// Number of requests so far.
    pub fn count(&self) -> usize {
        self.record.seen().received
    }

    /// The statuses it answered with so far. Requests that got none leave no trace here.
    pub fn statuses(&self) -> Vec<u16> {
        self.record.seen().statuses.clone()
    }

    /// Number of connections that it has accepted.
    pub fn connections(&self) -> usize {
        self.record.seen().connected
    }

    /// Waits until `count` requests have come.
    pub async fn received(&self, count: usize) {
        self.record.until(&format!("{count} requests"), |seen| seen.received >= count).await;
    }

    /// Waits until `count` connections were accepted.
    pub async fn connected(&self, count: usize) {
        self.record.until(&format!("{count} connections"), |seen| seen.connected >= count).await;
    }

    /// Waits until `count` connections have ended.
    pub async fn disconnected(&self, count: usize) {
        self.record.until(&format!("{count} connections to end"), |seen| seen.disconnected >= count).await;
    }

    /// Stops listening and closes every connection before it returns; its address then refuses.
    pub async fn stop(mut self) {
        self.listening.shutdown().await;
    }
}

impl Builder {
    fn new(script: Script) -> Self {
        Self { script, identity: None, address: (Ipv4Addr::LOCALHOST, 0).into(), counting: false }
    }

    /// Speaks TLS, and HTTP/2 with clients that ask for it.
    #[must_use]
    pub fn tls(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Listens there and not on a free port of 127.0.0.1.
    #[must_use]
    pub fn at(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Keeps only ids and arrival times: for load.
    #[must_use]
    pub fn counting(mut self) -> Self {
        self.counting = true;
        self
    }

    pub async fn start(self) -> Receiver {
        let listener = TcpListener::bind(self.address).await.expect("a loopback address is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let ca_pem = self.identity.as_ref().map(|identity| identity.ca_pem().to_owned());
        let url = match &self.identity {
            Some(identity) => format!("https://{}:{}/hook", identity.name(), address.port()),
            None => format!("http://{address}/hook"),
        };
        let record = Arc::new(Record::new(self.counting));
        let tls = self.identity.map(|identity| TlsAcceptor::from(identity.server_config()));
        let mut listening = JoinSet::new();
        listening.spawn(conversation::accept_all(listener, tls, Arc::new(self.script), record.clone()));
        Receiver { url, address, ca_pem, record, listening }
    }
}

/// An address where nothing answers, kept so for as long as this lives.
pub struct Nobody {
    address: SocketAddr,
    _socket: Silence,
}

#[expect(dead_code, reason = "held, so that nobody else gets the port")]
enum Silence {
    Bound(TcpSocket),
    Listening(std::net::TcpListener),
    Deaf(TcpListener, JoinSet<()>),
}

impl Nobody {
    /// Every connection is refused.
    pub fn refusing() -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a loopback port is free");
        let address = socket.local_addr().expect("a bound socket has an address");
        Self { address, _socket: Silence::Bound(socket) }
    }

    /// Every connection is accepted, by the kernel, and not a byte is ever read or written.
    pub fn silent() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        Self { address, _socket: Silence::Listening(listener) }
    }

    /// No connection is accepted and none refused: the kernel's queue is full, and connection attempts get no answer.
    pub async fn deaf(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.set_reuseaddr(true).expect("an address can be used again");
        socket.bind(address).expect("the address is free");
        let listener = socket.listen(0).expect("a bound socket can listen");
        let mut callers = JoinSet::new();
        let (queued, mut is_queued) = tokio::sync::mpsc::channel(1);
        for _ in 0..4 {
            let queued = queued.clone();
            callers.spawn(async move {
                let _connection = tokio::net::TcpStream::connect(address).await;
                let _ = queued.send(()).await;
                std::future::pending::<()>().await;
            });
        }
        is_queued.recv().await.expect("the first caller fits into the queue");
        Self { address, _socket: Silence::Deaf(listener, callers) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }
}
