//! The accept loop over real sockets: bounds on what is read, and an end that loses nothing.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use web::serve::{Options, serve};

use crate::gateway::{ADMIN_KEY, Gateway};

struct Server {
    gateway: Gateway,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        Self::with(options(100)).await
    }

    async fn with(options: Options) -> Self {
        let gateway = Gateway::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let mut serving = JoinSet::new();
        let stop_signal = async move {
            let _ = stopped.await;
        };
        serving.spawn(serve(listener, gateway.front.clone(), Arc::new(gateway.env.clone()), options, stop_signal));
        Self { gateway, address, stop: Some(stop), serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes on a connection of their own and reads until the server closes it.
    async fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read_all(&mut stream).await
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn stopped(&mut self) {
        self.serving.join_next().await.unwrap().unwrap();
    }
}

fn options(connections: usize) -> Options {
    let connections = NonZeroUsize::new(connections).unwrap();
    Options { connections, connections_per_address: None, grace: Duration::from_secs(5) }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// Reads one answer with a `Content-Length`, leaving the connection open.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length =
                head.split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
}

fn problem(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn head(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n{more}\r\n")
}

#[tokio::test]
async fn requests_follow_each_other_on_a_connection() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        let body = r#"{"type": "a", "data": 1}"#;
        let request = head("POST", "/v1/events", &format!("Content-Length: {}\r\n", body.len())) + body;
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 202"));
    }
    assert_eq!(server.gateway.inventory().await["events"], 3);
}

#[tokio::test]
async fn a_body_of_100_megabytes_is_refused_and_its_sender_reads_why() {
    let server = Server::start().await;
    for framing in ["Content-Length: 104857600\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(head("POST", "/v1/events", framing).as_bytes()).await.unwrap();
        let megabyte = vec![b'x'; 1024 * 1024];
        for _ in 0..100 {
            if framing.starts_with("Transfer") {
                stream.write_all(b"100000\r\n").await.unwrap();
                stream.write_all(&megabyte).await.unwrap();
                stream.write_all(b"\r\n").await.unwrap();
            } else {
                stream.write_all(&megabyte).await.unwrap();
            }
        }
        if framing.starts_with("Transfer") {
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert_eq!(problem(&answer)["code"], "payload_too_large");
    }
    assert_eq!(server.gateway.inventory().await["events"], 0);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(head("POST", "/v1/events", "Content-Length: 24\r\n").as_bytes()).await.unwrap();
    stream.write_all(b"{").await.unwrap();
    server.gateway.env.asleep(2).await;
    server.gateway.env.advance(Duration::from_secs(11));
    server.gateway.env.asleep(2).await;
    server.gateway.env.advance(Duration::from_secs(3));
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let problem = problem(&answer);
    assert_eq!((&problem["code"], &problem["status"]), (&"invalid_request".into(), &408.into()));
}

#[tokio::test]
async fn a_body_that_comes_slowly_but_steadily_is_taken() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let text = format!("[{}]", r#"{"type": "a", "data": 1},"#.repeat(20_000).trim_end_matches(','));
    let length = format!("Content-Length: {}\r\n", text.len());
    stream.write_all(head("POST", "/v1/events/batch", &length).as_bytes()).await.unwrap();
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(200 * 1024).collect();
    for (at, piece) in pieces.iter().enumerate() {
        stream.write_all(piece).await.unwrap();
        if at + 1 < pieces.len() {
            server.gateway.env.asleep(2).await;
            server.gateway.env.advance(Duration::from_secs(9));
        }
    }
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "it is read whole, and has too many items: {answer}");
    assert!(answer.contains("20000"), "{answer}");
}

#[tokio::test]
async fn bodies_that_were_announced_and_do_not_come_keep_nobody_out() {
    let server = Server::start().await;
    let mut waiting = Vec::new();
    for _ in 0..9 {
        let mut stream = server.connect().await;
        let head = head("POST", "/v1/events/batch", "Content-Length: 33554432\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&[b'\n'; 100]).await.unwrap();
        waiting.push(stream);
    }
    server.gateway.env.asleep(18).await;
    let body = format!(r#"{{"type": "a", "data": "{}"}}"#, "x".repeat(70_000));
    let request = head("POST", "/v1/events", &format!("Content-Length: {}\r\n", body.len())) + &body;
    let mut stream = server.connect().await;
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 202"));
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let server = Server::start().await;
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let answer = server.send(format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert_eq!(problem(&answer)["errors"][0]["pointer"], "host");
    }
    let answer = server.send(b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let server = Server::with(Options { connections_per_address: NonZeroUsize::new(2), ..options(100) }).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(head("GET", "/healthz", "").as_bytes()).await.unwrap();
        read_answer(&mut stream).await;
        open.push(stream);
    }
    let mut third = server.connect().await;
    assert_eq!(read_all(&mut third).await, "", "closed at once");
    let mut other = tokio::net::TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other =
        std::mem::replace(&mut other, tokio::net::TcpSocket::new_v4().unwrap()).connect(server.address).await.unwrap();
    other.write_all(head("GET", "/healthz", "").as_bytes()).await.unwrap();
    assert!(read_answer(&mut other).await.starts_with("HTTP/1.1 200"), "another address is another");
}

#[tokio::test]
async fn pings_alone_keep_no_connection_open() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let fields = [&[0x82, 0x86, 0x04, 8][..], b"/healthz", &[0x01, 1], b"x"].concat();
    let get = [&[0, 0, u8::try_from(fields.len()).unwrap(), 1, 5, 0, 0, 0, 1][..], &fields].concat();
    let opening = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings, &get].concat();
    stream.write_all(&opening).await.unwrap();
    let mut read = Vec::new();
    while !read.windows(7).any(|bytes| bytes == b"\"status") {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "closed before the answer");
        read.extend_from_slice(&buffer[..length]);
    }
    let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], b"still on"].concat();
    for _ in 0..8 {
        // Once it is closed there is nobody to ping.
        if stream.write_all(&ping).await.is_err() {
            break;
        }
        let mut answer = [0; 512];
        if !matches!(stream.read(&mut answer).await, Ok(1..)) {
            break;
        }
        server.gateway.env.asleep(1).await;
        server.gateway.env.advance(Duration::from_secs(11));
    }
    let mut rest = Vec::new();
    testkit::patiently(stream.read_to_end(&mut rest), || "it is still open".to_owned()).await.ok();
}

#[tokio::test]
async fn http_2_is_spoken_to_those_who_begin_with_it() {
    let server = Server::start().await;
    let io = TokioIo::new(server.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let _ = connection.await;
    });
    let request = |body: &'static str| {
        let request = Request::post("http://x/v1/events").header("authorization", format!("Bearer {ADMIN_KEY}"));
        request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
    };
    let both = (sender.send_request(request(r#"{"type": "a", "data": 1}"#)), sender.clone().send_request(request("{")));
    let (right, wrong) = tokio::join!(both.0, both.1);
    assert_eq!((right.unwrap().status().as_u16(), wrong.unwrap().status().as_u16()), (202, 400));
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let request = head("POST", "/v1/events", "Content-Length: 104857600\r\nExpect: 100-continue\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_wrong_key_is_told_also_when_the_body_is_large() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let request =
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 20000000\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 20_000_000]).await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn what_the_parser_refuses_is_bare() {
    let server = Server::start().await;
    let many: String = (0..101).map(|index| format!("X-{index}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(100_000));
    for (request, status) in [
        (b"NONSENSE\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n".to_vec(), "400"),
        (b"\x00\x01\x02\x03\r\n\r\n".to_vec(), "400"),
        (head("GET", "/healthz", &many).into_bytes(), "431"),
        (head("GET", "/healthz", &large).into_bytes(), "431"),
    ] {
        let answer = server.send(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer:?}");
    }
    let hundred: String = (0..97).map(|index| format!("X-{index}: 1\r\n")).collect();
    let answer = server.send(head("GET", "/healthz", &(hundred + "Connection: close\r\n")).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_and_so_is_silence() {
    let server = Server::start().await;
    for opening in ["", "GET / HT", "PRI * HTTP/2.0\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(opening.as_bytes()).await.unwrap();
        server.gateway.env.asleep(1).await;
        server.gateway.env.advance(Duration::from_secs(11));
        assert_eq!(read_all(&mut stream).await, "", "{opening:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_a_slow_head_is_borne() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(head("GET", "/healthz", "").as_bytes()).await.unwrap();
    read_answer(&mut stream).await;
    for _ in 0..6 {
        server.gateway.env.asleep(1).await;
        server.gateway.env.advance(Duration::from_secs(11));
    }
    stream.write_all(head("GET", "/healthz", "").as_bytes()).await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    for _ in 0..7 {
        server.gateway.env.asleep(1).await;
        server.gateway.env.advance(Duration::from_secs(11));
    }
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn stopping_lets_a_request_in_flight_finish_and_closes_idle_connections() {
    let mut server = Server::start().await;
    let mut idle = server.connect().await;
    idle.write_all(head("GET", "/healthz", "").as_bytes()).await.unwrap();
    read_answer(&mut idle).await;
    let mut busy = server.connect().await;
    let body = r#"{"type": "a", "data": 1}"#;
    let request = head("POST", "/v1/events", &format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len()));
    busy.write_all(request.as_bytes()).await.unwrap();
    assert!(read_answer(&mut busy).await.starts_with("HTTP/1.1 100"), "the request is under way");

    server.stop();
    assert_eq!(read_all(&mut idle).await, "", "an idle connection is closed at once");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody is let in any more");
    busy.write_all(body.as_bytes()).await.unwrap();
    let answer = read_all(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    server.stopped().await;
    assert_eq!(server.gateway.inventory().await["events"], 1);
}

#[tokio::test]
async fn what_does_not_finish_within_the_grace_is_cut_off() {
    let mut server = Server::start().await;
    let mut busy = server.connect().await;
    let request = head("POST", "/v1/events", "Content-Length: 10\r\nExpect: 100-continue\r\n");
    busy.write_all(request.as_bytes()).await.unwrap();
    read_answer(&mut busy).await;
    let before = server.gateway.env.sleepers();
    server.stop();
    server.gateway.env.asleep(before + 1).await;
    server.gateway.env.advance(Duration::from_secs(6));
    server.stopped().await;
    assert_eq!(read_all(&mut busy).await, "");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let server = Server::with(Options { grace: Duration::ZERO, ..options(1) }).await;
    let mut first = server.connect().await;
    first.write_all(head("GET", "/healthz", "").as_bytes()).await.unwrap();
    read_answer(&mut first).await;
    let mut second = server.connect().await;
    second.write_all(head("GET", "/healthz", "").as_bytes()).await.unwrap();
    let mut byte = [0; 1];
    tokio::task::yield_now().await;
    assert!(second.try_read(&mut byte).is_err(), "not served while the first is open");
    drop(first);
    assert!(read_answer(&mut second).await.starts_with("HTTP/1.1 200"));
}
