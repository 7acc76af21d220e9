//! Names with several addresses: the first that answers gets the request, and one that does not costs little.

use std::net::SocketAddr;
use std::time::Duration;

use model::env::Env;
use testkit::receiver::Receiver;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::names::Names;
use crate::sender::{Sender, TIMEOUT};
use crate::timeouts::settle;

fn sender(addresses: &[&str]) -> Sender {
    let names = Names::default().with("hooks.example", addresses);
    Sender::allowed(&["127.0.0.0/8"]).names(names).start()
}

/// An address where connections get no answer: a full accept queue, at the port of `live`.
struct BlackHole {
    _listening: TcpListener,
    _queued: TcpStream,
}

impl BlackHole {
    async fn beside(live: SocketAddr) -> Self {
        let address: SocketAddr = ([127, 0, 0, 2], live.port()).into();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(address).unwrap();
        let listening = socket.listen(0).unwrap();
        let queued = TcpStream::connect(address).await.unwrap();
        Self { _listening: listening, _queued: queued }
    }
}

#[tokio::test]
async fn of_several_addresses_the_first_that_takes_the_call_gets_the_request() {
    let receiver = Receiver::healthy().start().await;
    let port = receiver.address().port();
    let orders: [&[&str]; 3] = [
        &["127.0.0.3", "127.0.0.2", "127.0.0.1"],
        &["127.0.0.3", "127.0.0.1", "127.0.0.2"],
        &["127.0.0.1", "127.0.0.2", "127.0.0.3"],
    ];
    for addresses in orders {
        let outcome = sender(addresses).post(&receiver.url_as("hooks.example")).await;
        assert!(outcome.is_success(), "{addresses:?}: {outcome:?}");
    }
    assert_eq!(receiver.requests()[0].header("host"), Some(&*format!("hooks.example:{port}")));
    assert_eq!(receiver.count(), 3);
}

#[tokio::test]
async fn of_two_that_take_calls_the_first_gets_the_request() {
    let first = Receiver::healthy().at(([127, 0, 0, 2], 0)).start().await;
    let second = Receiver::healthy().at(([127, 0, 0, 1], first.address().port())).start().await;
    let sender = sender(&["127.0.0.2", "127.0.0.1"]);
    assert!(sender.post(&first.url_as("hooks.example")).await.is_success());
    assert_eq!((first.count(), second.count()), (1, 0));
}

#[tokio::test]
async fn an_address_that_swallows_everything_leaves_time_for_the_next() {
    let live = Receiver::healthy().start().await;
    let _hole = BlackHole::beside(live.address()).await;
    let sender = sender(&["127.0.0.2", "127.0.0.1"]);
    let url = live.url_as("hooks.example");
    let clock = async {
        while sender.env.elapsed() < TIMEOUT - Duration::from_secs(1) {
            settle().await;
            sender.env.advance(Duration::from_millis(250));
        }
        settle().await;
    };
    tokio::select! {
        biased;
        outcome = sender.post(&url) => assert!(outcome.is_success(), "{outcome:?}"),
        () = clock => panic!("no request before the attempt's time was nearly up"),
    }
    assert_eq!(live.count(), 1);
}
