//! The network between a test's programs is cut and healed as the test says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::ErrorKind;
use std::task::Poll;

use testkit::proxy::{Cut, Proxy, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};

/// A conversation through a proxy: both its ends.
struct Conversation {
    client: TcpStream,
    server: TcpStream,
}

impl Conversation {
    async fn through(proxy: &Proxy, listener: &TcpListener) -> Self {
        let client = TcpStream::connect(proxy.address()).await.unwrap();
        Self { client, server: listener.accept().await.unwrap().0 }
    }

    async fn passes(&mut self) {
        exchange(&mut self.client, &mut self.server).await;
        exchange(&mut self.server, &mut self.client).await;
    }
}

async fn exchange(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"word").await.unwrap();
    assert_eq!(hear(to).await, *b"word");
}

async fn hear(stream: &mut TcpStream) -> [u8; 4] {
    let mut heard = [0; 4];
    stream.read_exact(&mut heard).await.unwrap();
    heard
}

async fn proxied() -> (Proxy, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (Proxy::to(Upstream::Tcp(listener.local_addr().unwrap().to_string())), listener)
}

#[tokio::test]
async fn what_is_said_arrives_and_so_does_the_end() {
    let (proxy, listener) = proxied().await;
    let mut conversation = Conversation::through(&proxy, &listener).await;
    conversation.passes().await;
    conversation.client.shutdown().await.unwrap();
    assert_eq!(conversation.server.read(&mut [0; 4]).await.unwrap(), 0);
    exchange(&mut conversation.server, &mut conversation.client).await;
    drop(conversation.server);
    assert_eq!(conversation.client.read(&mut [0; 4]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_unix_socket_can_be_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let proxy = Proxy::to(Upstream::Unix(path));
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    server.write_all(b"word").await.unwrap();
    assert_eq!(hear(&mut client).await, *b"word");
}

#[tokio::test]
async fn a_network_that_refuses_resets_what_is_open_until_it_is_healed() {
    let (proxy, listener) = proxied().await;
    let mut conversation = Conversation::through(&proxy, &listener).await;
    conversation.passes().await;

    proxy.cut(Cut::Refused).await;
    let reset = conversation.client.read(&mut [0; 4]).await.unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    proxy.heal().await;
    Conversation::through(&proxy, &listener).await.passes().await;
}

#[tokio::test]
async fn a_silent_network_carries_nothing_until_it_is_healed() {
    let (proxy, listener) = proxied().await;
    let mut before = Conversation::through(&proxy, &listener).await;
    before.passes().await;

    proxy.cut(Cut::Silent).await;
    before.client.write_all(b"held").await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"also").await.unwrap();
    // Another way to the same server shows that time has passed for both ends.
    let mut direct = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut end, _) = listener.accept().await.unwrap();
    for _ in 0..100 {
        exchange(&mut direct, &mut end).await;
        assert_eq!(before.server.try_read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    let accepted = std::future::poll_fn(|context| Poll::Ready(listener.poll_accept(context).is_ready())).await;
    assert!(!accepted, "a new connection went through");

    proxy.heal().await;
    assert_eq!(hear(&mut before.server).await, *b"held");
    let (mut server, _) = listener.accept().await.unwrap();
    assert_eq!(hear(&mut server).await, *b"also");
    exchange(&mut server, &mut client).await;
}
