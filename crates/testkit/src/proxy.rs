//! A TCP proxy on this machine that can be cut and healed: the network between two programs.

use std::convert::Infallible;
use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Maximum connections that wait to be accepted.
const BACKLOG: u32 = 128;
/// Maximum bytes read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// The address that a proxy's connections go on to.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// Host and port.
    Tcp(String),
    Unix(PathBuf),
}

/// The fault of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing arrives any more, and neither end learns of it: a cable pulled, packets dropped. New connections open,
    /// as far as the kernel goes, and what was under way comes through once it is healed.
    Silent,
    /// Connections are reset and new ones refused: a host that is up and has nothing there.
    Refused,
}

/// A running proxy. Its connections end with it.
pub struct Proxy {
    address: SocketAddr,
    orders: mpsc::Sender<(Option<Cut>, oneshot::Sender<()>)>,
    _serving: JoinSet<Infallible>,
    /// Never listens: it keeps the port ours while nothing else listens there either.
    _kept: TcpSocket,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    pub fn to(upstream: Upstream) -> Self {
        let kept = bound((Ipv4Addr::LOCALHOST, 0).into());
        let address = kept.local_addr().expect("a bound socket has an address");
        let listener = listen(address);
        let (orders, received) = mpsc::channel(1);
        let mut serving = JoinSet::new();
        serving.spawn(serve(upstream, address, listener, received));
        Self { address, orders, _serving: serving, _kept: kept }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts the network. It is cut once this returns.
    pub async fn cut(&self, cut: Cut) {
        self.tell(Some(cut)).await;
    }

    /// Heals the network. It is as at first once this returns.
    pub async fn heal(&self) {
        self.tell(None).await;
    }

    async fn tell(&self, cut: Option<Cut>) {
        let (done, end) = oneshot::channel();
        self.orders.send((cut, done)).await.expect("the proxy runs");
        end.await.expect("the proxy runs");
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.set_reuseport(true).expect("a port of ours can be bound twice");
    socket.bind(address).expect("a loopback port is free");
    socket
}

fn listen(address: SocketAddr) -> TcpListener {
    bound(address).listen(BACKLOG).expect("nobody else listens on a port of ours")
}

async fn serve(
    upstream: Upstream,
    address: SocketAddr,
    listener: TcpListener,
    mut orders: mpsc::Receiver<(Option<Cut>, oneshot::Sender<()>)>,
) -> Infallible {
    let mut listener = Some(listener);
    let (state, link) = watch::channel(None);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = accept(listener.as_ref()) => {
                connections.spawn(relay(stream, upstream.clone(), link.clone()));
            }
            Some(_) = connections.join_next() => {}
            Some((cut, done)) = orders.recv() => {
                state.send_replace(cut);
                if cut == Some(Cut::Refused) {
                    listener = None;
                    while connections.join_next().await.is_some() {}
                } else {
                    listener.get_or_insert_with(|| listen(address));
                }
                _ = done.send(());
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return future::pending().await };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
    }
}

type Link = watch::Receiver<Option<Cut>>;

/// Carries bytes both ways until both ends have closed, one has failed, or the network refuses.
async fn relay(mut stream: TcpStream, upstream: Upstream, mut link: Link) {
    _ = stream.set_nodelay(true);
    let mut refusal = link.clone();
    let carried = async {
        whole(&mut link).await;
        match upstream {
            Upstream::Tcp(address) => {
                let other = TcpStream::connect(address).await?;
                other.set_nodelay(true)?;
                carry(&mut stream, other, link).await
            }
            Upstream::Unix(path) => carry(&mut stream, UnixStream::connect(path).await?, link).await,
        }
    };
    let in_order = tokio::select! {
        carried = carried => carried.is_ok(),
        _ = refusal.wait_for(|cut| *cut == Some(Cut::Refused)) => false,
    };
    if !in_order {
        _ = stream.set_zero_linger();
    }
}

async fn carry<S: AsyncRead + AsyncWrite>(stream: &mut TcpStream, other: S, link: Link) -> io::Result<()> {
    let (from, to) = stream.split();
    let (other_from, other_to) = tokio::io::split(other);
    tokio::try_join!(one_way(from, other_to, link.clone()), one_way(other_from, to, link))?;
    Ok(())
}

async fn one_way(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut link: Link) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut chunk).await?;
        whole(&mut link).await;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..length]).await?;
    }
}

async fn whole(link: &mut Link) {
    if link.wait_for(Option::is_none).await.is_err() {
        future::pending::<()>().await; // the proxy is going, and this with it
    }
}
