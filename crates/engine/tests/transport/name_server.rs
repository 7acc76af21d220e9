//! A name server that answers as a test says, over UDP and TCP, and records its questions.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

const A: u16 = 1;
const AAAA: u16 = 28;

/// Maximum bytes of an answer over UDP. Longer ones are cut off.
const MOST_OVER_UDP: usize = 512;

/// Answer for a name, for each family: addresses, silence, or an error code.
#[derive(Clone)]
pub(crate) enum Says {
    Addresses(Vec<IpAddr>),
    Silence,
    Code(u8),
}

/// The addresses that are of the family asked for.
pub(crate) fn has(addresses: &[&str]) -> Says {
    Says::Addresses(addresses.iter().map(|address| address.parse().unwrap()).collect())
}

type Answers = dyn Fn(&str, bool) -> Says + Send + Sync;

pub(crate) struct NameServer {
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl NameServer {
    /// A server at `ip`, on a port that is free there. `answers` is given a name, and true for IPv6.
    pub(crate) async fn at(ip: &str, answers: impl Fn(&str, bool) -> Says + Send + Sync + 'static) -> (Self, u16) {
        let ip: IpAddr = ip.parse().unwrap();
        // The port that UDP is given may be taken for TCP.
        loop {
            let udp = UdpSocket::bind((ip, 0)).await.unwrap();
            let port = udp.local_addr().unwrap().port();
            if let Ok(tcp) = TcpListener::bind((ip, port)).await {
                return (Self::over(udp, tcp, answers), port);
            }
        }
    }

    /// Two, at addresses that differ and at one port.
    pub(crate) async fn pair(
        ips: [&str; 2],
        first: impl Fn(&str, bool) -> Says + Send + Sync + Clone + 'static,
        second: impl Fn(&str, bool) -> Says + Send + Sync + 'static,
    ) -> ([Self; 2], u16) {
        loop {
            let (one, port) = Self::at(ips[0], first.clone()).await;
            let other: IpAddr = ips[1].parse().unwrap();
            if let (Ok(udp), Ok(tcp)) = (UdpSocket::bind((other, port)).await, TcpListener::bind((other, port)).await) {
                return ([one, Self::over(udp, tcp, second)], port);
            }
        }
    }

    fn over(udp: UdpSocket, tcp: TcpListener, answers: impl Fn(&str, bool) -> Says + Send + Sync + 'static) -> Self {
        let (asked, answers): (_, Arc<Answers>) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(answers));
        let mut tasks = JoinSet::new();
        tasks.spawn(over_udp(udp, asked.clone(), answers.clone()));
        tasks.spawn(over_tcp(tcp, asked.clone(), answers));
        Self { asked, _tasks: tasks }
    }

    /// Every question, like `hooks.example A udp`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A directory with a `resolv.conf` and a `hosts`, which can be changed.
pub(crate) struct Files(pub(crate) tempfile::TempDir);

impl Files {
    pub(crate) fn new(resolv_conf: &str, hosts: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("resolv.conf", resolv_conf);
        files.write("hosts", hosts);
        files
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

async fn over_udp(socket: UdpSocket, asked: Arc<Mutex<Vec<String>>>, answers: Arc<Answers>) {
    let mut query = [0; 4096];
    loop {
        let (length, sender) = socket.recv_from(&mut query).await.unwrap();
        let Some(mut reply) = answer(&query[..length], "udp", &asked, &*answers) else { continue };
        if reply.len() > MOST_OVER_UDP {
            let question = question_end(&query);
            reply.truncate(question);
            reply[2] |= 0x02; // TC
            reply[6..8].fill(0); // no answers
        }
        socket.send_to(&reply, sender).await.unwrap();
    }
}

async fn over_tcp(listener: TcpListener, asked: Arc<Mutex<Vec<String>>>, answers: Arc<Answers>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (asked, answers) = (asked.clone(), answers.clone());
        connections.spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut query = vec![0; usize::from(length)];
                stream.read_exact(&mut query).await.unwrap();
                let Some(reply) = answer(&query, "tcp", &asked, &*answers) else { continue };
                stream.write_u16(u16::try_from(reply.len()).unwrap()).await.unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        });
    }
}

/// RFC 1035, section 4: the question back, and a record for each address.
fn answer(query: &[u8], over: &str, asked: &Mutex<Vec<String>>, answers: &Answers) -> Option<Vec<u8>> {
    let end = question_end(query);
    let kind = u16::from_be_bytes([query[end - 4], query[end - 3]]);
    let name = name(&query[12..end - 4]);
    let family = if kind == A { "A" } else { "AAAA" };
    asked.lock().unwrap().push(format!("{name} {family} {over}"));
    let (code, addresses) = match answers(&name, kind == AAAA) {
        Says::Silence => return None,
        Says::Code(code) => (code, Vec::new()),
        Says::Addresses(addresses) => (0, addresses),
    };
    let addresses = addresses.into_iter().filter(|address| address.is_ipv6() == (kind == AAAA)).collect::<Vec<_>>();
    let mut reply =
        vec![query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, u8::try_from(addresses.len()).unwrap(), 0, 0, 0, 0];
    reply.extend_from_slice(&query[12..end]);
    for address in addresses {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        // The name is that of the question; class IN, 0 seconds.
        reply.extend_from_slice(&[0xc0, 0x0c]);
        reply.extend_from_slice(&kind.to_be_bytes());
        reply.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, u8::try_from(bytes.len()).unwrap()]);
        reply.extend_from_slice(&bytes);
    }
    Some(reply)
}

/// The end of the one question in a query.
fn question_end(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] != 0 {
        at += usize::from(query[at]) + 1;
    }
    at + 5
}

fn name(mut labels: &[u8]) -> String {
    let mut names = Vec::new();
    while let Some((&length @ 1..=63, rest)) = labels.split_first() {
        let (label, rest) = rest.split_at(usize::from(length));
        names.push(String::from_utf8_lossy(label).to_lowercase());
        labels = rest;
    }
    names.join(".")
}
