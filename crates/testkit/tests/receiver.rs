//! The receivers behave as they are set to, seen from a bare client.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use testkit::behaviour::{Behaviour, OPENING, Reply};
use testkit::receiver::{Nobody, Receiver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn statuses_come_in_turn_and_the_last_repeats() {
    let receiver = Receiver::replying([500, 503, 204]).start().await;
    let client = client();
    for expected in [500, 503, 204, 204] {
        assert_eq!(post(&client, receiver.url(), "{}").await.unwrap().status(), expected);
    }
    receiver.received(4).await;
    assert_eq!(receiver.statuses(), [500, 503, 204, 204]);
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn requests_are_kept_as_they_came() {
    let receiver = Receiver::healthy().start().await;
    let body = "{ \"ö\" :1 }\n";
    let url = format!("{}?x=1", receiver.url());
    let request = Request::post(&url).header("webhook-id", "evt_1").header("b", "2").header("a", "1").header("b", "3");
    client().request(request.body(Full::from(body)).unwrap()).await.unwrap();

    let requests = receiver.requests();
    let [request] = requests.as_slice() else { panic!("one request, not {requests:?}") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook?x=1"));
    assert_eq!(request.text(), body);
    assert_eq!(request.header("Webhook-Id"), Some("evt_1"));
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["webhook-id", "b", "b", "a", "host", "content-length"]);
}

#[tokio::test]
async fn a_closure_decides_about_each_request() {
    let receiver =
        Receiver::with(|request| Reply::status(201).header("x-echo", "yes").body(request.body.to_vec())).start().await;
    let answer = post(&client(), receiver.url(), "echo").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["x-echo"].to_str().unwrap()), (201, "yes"));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "echo");
}

#[tokio::test]
async fn one_that_counts_keeps_ids_and_times_and_nothing_else() {
    let receiver = Receiver::healthy().counting().start().await;
    let client = client();
    for id in ["evt_1", "evt_2"] {
        let request = Request::post(receiver.url()).header("webhook-id", id).body(Full::from("{}")).unwrap();
        client.request(request).await.unwrap();
    }
    receiver.received(2).await;
    let ids: Vec<_> = receiver.arrivals().iter().map(|arrival| arrival.id.to_string()).collect();
    assert_eq!((ids.as_slice(), receiver.count()), (["evt_1".to_owned(), "evt_2".to_owned()].as_slice(), 2));
    assert!(receiver.requests().is_empty() && receiver.statuses().is_empty());
}

#[tokio::test]
async fn a_hanging_receiver_takes_the_request_and_says_nothing() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let client = client();
    tokio::select! {
        _ = post(&client, receiver.url(), "{}") => panic!("it answered"),
        () = receiver.received(1) => {}
    }
    assert!(receiver.statuses().is_empty());
    receiver.disconnected(1).await;
}

#[tokio::test]
async fn a_stalling_body_begins_and_an_endless_one_does_not_end() {
    let receiver = Receiver::behaving(vec![Behaviour::StallInBody, Behaviour::EndlessBody]).start().await;
    let client = client();
    let mut stalling = post(&client, receiver.url(), "").await.unwrap().into_body();
    assert_eq!(stalling.frame().await.unwrap().unwrap().into_data().unwrap(), OPENING);

    let mut endless = post(&client, receiver.url(), "").await.unwrap().into_body();
    let mut read = 0;
    while read < 100_000 {
        read += endless.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    drop((stalling, endless));
    receiver.disconnected(2).await;
}

#[tokio::test]
async fn a_reset_is_a_reset_before_and_in_the_body() {
    let receiver = Receiver::behaving(vec![Behaviour::Reset, Behaviour::ResetInBody]).start().await;
    for opening in ["", OPENING] {
        let mut stream = raw_post(&receiver).await;
        let mut read = Vec::new();
        let error = stream.read_to_end(&mut read).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert!(String::from_utf8(read).unwrap().contains(opening));
    }
}

#[tokio::test]
async fn raw_bytes_garbage_and_silence_are_followed_by_a_close() {
    let raw = Behaviour::Raw(b"HTTP/1.1 200 OK\r\nx: ".to_vec());
    let receiver = Receiver::behaving(vec![raw, Behaviour::Garbage, Behaviour::Close]).start().await;
    for expected in ["HTTP/1.1 200 OK\r\nx: ", "220 mail.example ESMTP\r\n", ""] {
        let mut read = String::new();
        raw_post(&receiver).await.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, expected);
    }
}

#[tokio::test]
async fn a_redirect_points_elsewhere_and_a_delay_comes_first() {
    let late = Behaviour::Delay(Duration::from_millis(1), Box::new(Behaviour::RedirectTo("http://a.example/".into())));
    let receiver = Receiver::behaving(vec![late]).start().await;
    let answer = post(&client(), receiver.url(), "").await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (302, &"http://a.example/".parse().unwrap()));
}

#[tokio::test]
async fn nobody_refuses_or_is_silent_and_so_does_a_receiver_that_stopped() {
    let receiver = Receiver::healthy().start().await;
    let address = receiver.address();
    receiver.stop().await;
    for address in [address, Nobody::refusing().address()] {
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    let silent = Nobody::silent();
    TcpStream::connect(silent.address()).await.unwrap();
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn post(
    client: &Client<HttpConnector, Full<Bytes>>,
    url: &str,
    body: &'static str,
) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
    client.request(Request::post(url).body(Full::from(body)).unwrap()).await
}

async fn raw_post(receiver: &Receiver) -> TcpStream {
    let mut stream = TcpStream::connect(receiver.address()).await.unwrap();
    stream.write_all(b"POST /hook HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    stream
}
