//! The outgoing proxy gets a CONNECT to the address that was checked, or to the name where it resolves names, and never
//! hears of what was refused.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use model::attempt::FailureKind;
use testkit::certificate::Identity;
use testkit::receiver::{Nobody, Receiver};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::names::Names;
use crate::sender::{Sender, assert_failure};

/// A proxy that tunnels, or answers every request with a status instead.
struct TestProxy {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl TestProxy {
    async fn tunnelling() -> Self {
        Self::answering(200).await
    }

    /// One that takes every name for the same receiver.
    async fn resolving(receiver: SocketAddr) -> Self {
        Self::leading(200, Some(receiver)).await
    }

    async fn answering(status: u16) -> Self {
        Self::leading(status, None).await
    }

    async fn leading(status: u16, receiver: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://us%40er:secret@{}", listener.local_addr().unwrap());
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let mut task = JoinSet::new();
        task.spawn(serve(listener, heads.clone(), status, receiver));
        Self { url, heads, _task: task }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, heads: Arc<Mutex<Vec<String>>>, status: u16, receiver: Option<SocketAddr>) {
    let mut tunnels = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let heads = heads.clone();
        tunnels.spawn(async move {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                head.push(char::from(client.read_u8().await.unwrap()));
            }
            let target = head.split(' ').nth(1).unwrap().to_owned();
            heads.lock().unwrap().push(head);
            client.write_all(format!("HTTP/1.1 {status} So be it\r\n\r\n").as_bytes()).await.unwrap();
            if status == 200 {
                let target = receiver.unwrap_or_else(|| target.parse().unwrap());
                let mut receiver = TcpStream::connect(target).await.unwrap();
                _ = copy_bidirectional(&mut client, &mut receiver).await;
            }
        });
    }
}

fn names() -> Names {
    Names::default().with("hooks.example", &["127.0.0.2"]).with("inside.example", &["10.0.0.1"])
}

#[tokio::test]
async fn a_request_goes_through_the_proxy_to_the_checked_address() {
    let proxy = TestProxy::tunnelling().await;
    for identity in [None, Some(Identity::valid_for(["hooks.example"]))] {
        let mut receiver = Receiver::healthy().at(([127, 0, 0, 2], 0));
        // The proxy's own address is not open, and need not be.
        let mut sender = Sender::allowed(&["127.0.0.2/32"]).names(names()).through(&proxy.url);
        let is_https = identity.is_some();
        if let Some(identity) = identity {
            receiver = receiver.tls(identity);
        }
        let receiver = receiver.start().await;
        if is_https {
            sender = sender.trusting(receiver.ca_pem());
        }
        let sender = sender.start();
        for _ in 0..3 {
            let outcome = sender.post(&receiver.url_as("hooks.example")).await;
            assert!(outcome.is_success(), "{outcome:?}");
        }
        let target = receiver.address();
        let expected = format!(
            "CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nproxy-authorization: Basic dXNAZXI6c2VjcmV0\r\n\r\n"
        );
        assert_eq!(proxy.heads().last(), Some(&expected));
        assert_eq!((receiver.count(), receiver.connections()), (3, 1));
    }
    assert_eq!(proxy.heads().len(), 2);
}

#[tokio::test]
async fn a_refused_address_never_reaches_the_proxy() {
    let proxy = TestProxy::tunnelling().await;
    let sender = Sender::allowed(&[]).names(names()).through(&proxy.url).start();
    for url in ["https://inside.example/", "https://127.0.0.1/", "http://localhost/"] {
        assert_eq!(sender.failure(url).await.kind, FailureKind::Blocked, "{url}");
    }
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn a_proxy_that_resolves_is_given_the_name_and_only_names_and_literal_addresses_are_judged() {
    let receiver = Receiver::healthy().start().await;
    let target = receiver.address();
    let proxy = TestProxy::resolving(target).await;
    // Nothing is looked up here: no name is known.
    let sender = Sender::allowed(&[]).through_resolving(&proxy.url).start();
    let outcome = sender.post("http://hooks.example:8080/hook").await;
    assert!(outcome.is_success(), "{outcome:?}");
    let expected = "CONNECT hooks.example:8080 HTTP/1.1\r\nhost: hooks.example:8080\r\n\
                    proxy-authorization: Basic dXNAZXI6c2VjcmV0\r\n\r\n";
    assert_eq!(proxy.heads(), [expected]);
    for url in [
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "http://localhost/",
        "https://metadata.goog/",
        "https://crm.internal/",
    ] {
        assert_eq!(sender.failure(url).await.kind, FailureKind::Blocked, "{url}");
    }
    assert_eq!(proxy.heads().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_says_no_is_told_of_without_its_password() {
    let cases = [
        (403, "made no connection to 127.0.0.2:443 (it answered 403)"),
        (407, "wants a user name and a password (it answered 407)"),
    ];
    for (status, message) in cases {
        let proxy = TestProxy::answering(status).await;
        let sender = Sender::allowed(&["127.0.0.2/32"]).names(names()).through(&proxy.url).start();
        let failure = sender.failure("https://hooks.example/").await;
        let bare = proxy.url.replace("us%40er:secret@", "");
        assert_failure(&failure, FailureKind::Connect, &format!("the proxy {bare} {message}"));
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_no_connection() {
    let nobody = Nobody::refusing();
    let proxy = format!("http://{}", nobody.address());
    let sender = Sender::allowed(&["127.0.0.2/32"]).names(names()).through(&proxy).start();
    let failure = sender.failure("https://hooks.example/").await;
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.starts_with(&format!("the proxy {proxy} could not be connected to: ")), "{failure:?}");
}
