//! A receiver whose connections the test serves itself, byte by byte.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::certificate::Identity;
use testkit::patiently;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::names::Names;
use crate::sender::{BODY, Sender};

/// The name in the certificate of one that speaks TLS.
pub(crate) const NAME: &str = "hooks.example";

pub(crate) struct Peer {
    pub(crate) url: String,
    ca_pem: Option<String>,
    seen: Arc<Seen>,
    _accepting: JoinSet<()>,
}

/// Requests and connections so far.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    ended: AtomicUsize,
    changed: Notify,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection.
pub(crate) struct Conversation {
    pub(crate) stream: Box<dyn Stream>,
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) is_h2: bool,
    seen: Arc<Seen>,
}

type Talk = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Peer {
    /// A peer that serves each connection with `talk`, and closes it afterwards.
    pub(crate) async fn talking<T>(talk: impl Fn(Conversation) -> T + Send + Sync + 'static) -> Self
    where
        T: Future<Output = ()> + Send + 'static,
    {
        Self::start(None, move |conversation| Box::pin(talk(conversation))).await
    }

    /// Over TLS, as `identity`. Connections are closed without `close_notify`.
    pub(crate) async fn talking_tls<T>(
        identity: Identity,
        talk: impl Fn(Conversation) -> T + Send + Sync + 'static,
    ) -> Self
    where
        T: Future<Output = ()> + Send + 'static,
    {
        Self::start(Some(identity), move |conversation| Box::pin(talk(conversation))).await
    }

    async fn start(identity: Option<Identity>, talk: impl Fn(Conversation) -> Talk + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = match identity {
            Some(_) => format!("https://{NAME}:{}/hook", address.port()),
            None => format!("http://{address}/hook"),
        };
        let ca_pem = identity.as_ref().map(|identity| identity.ca_pem().to_owned());
        let tls = identity.map(|identity| TlsAcceptor::from(identity.server_config()));
        let seen = Arc::<Seen>::default();
        let (counted, talk) = (seen.clone(), Arc::new(talk));
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = 1 + counted.connections.fetch_add(1, Ordering::Relaxed);
                let (tls, talk, seen) = (tls.clone(), talk.clone(), counted.clone());
                conversations.spawn(async move {
                    if let Some((stream, is_h2)) = open(stream, tls).await {
                        talk(Conversation { stream, number, is_h2, seen: seen.clone() }).await;
                    }
                    seen.ended.fetch_add(1, Ordering::Relaxed);
                    seen.changed.notify_waiters();
                });
            }
        });
        Self { url, ca_pem, seen, _accepting: accepting }
    }

    /// A sender that may send to it.
    pub(crate) fn sender(&self) -> Sender {
        let names = Names::default().with(NAME, &["127.0.0.1"]);
        let sender = Sender::allowed(&["127.0.0.1/32"]).names(names);
        match &self.ca_pem {
            Some(ca_pem) => sender.trusting(ca_pem).start(),
            None => sender.start(),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// Whole requests, answered or not.
    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::Relaxed)
    }

    /// Waits until `count` whole requests have come.
    pub(crate) async fn requested(&self, count: usize) {
        self.until(count, &self.seen.requests, "requests have come").await;
    }

    /// Waits until `count` connections have ended.
    pub(crate) async fn ended(&self, count: usize) {
        self.until(count, &self.seen.ended, "connections have ended").await;
    }

    async fn until(&self, count: usize, counter: &AtomicUsize, what: &str) {
        let counted = || counter.load(Ordering::Relaxed);
        let wait = async {
            loop {
                let changed = self.seen.changed.notified();
                if counted() >= count {
                    return;
                }
                changed.await;
            }
        };
        patiently(wait, || format!("{} {what}, not {count}", counted())).await;
    }
}

async fn open(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<(Box<dyn Stream>, bool)> {
    _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return Some((Box::new(stream), false)) };
    let stream = tls.accept(stream).await.ok()?;
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Some((Box::new(stream), is_h2))
}

impl Conversation {
    /// Reads a request of HTTP/1.1 whose body is the usual one. False if none came.
    pub(crate) async fn request(&mut self) -> bool {
        let mut request = Vec::new();
        while !request.ends_with(BODY.as_bytes()) {
            if !self.stream.read_buf(&mut request).await.is_ok_and(|count| count > 0) {
                return false;
            }
        }
        self.has_come();
        true
    }

    /// Counts a request.
    pub(crate) fn has_come(&self) {
        self.seen.requests.fetch_add(1, Ordering::Relaxed);
        self.seen.changed.notify_waiters();
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        _ = self.stream.write_all(bytes.as_ref()).await;
        _ = self.stream.flush().await;
    }

    /// Answers requests with `answer` as long as they come.
    pub(crate) async fn answer_all(&mut self, answer: &str) {
        while self.request().await {
            self.say(answer).await;
        }
    }

    /// Answers a request that has come, and those that follow.
    pub(crate) async fn answer_all_after(&mut self, answer: &str) {
        self.say(answer).await;
        self.answer_all(answer).await;
    }

    /// Waits until the other side closes it.
    pub(crate) async fn closed(&mut self) {
        while self.stream.read_u8().await.is_ok() {}
    }
}
