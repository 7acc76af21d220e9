//! A stop by signals: what it waits for, and what ends that.

use std::time::Duration;

use model::env::Env as _;
use serde_json::json;
use server::env::RealEnv;
use testkit::behaviour::Behaviour;
use testkit::postgres::Database;
use testkit::process::Process;
use testkit::proxy::{Cut, Proxy};
use testkit::receiver::Receiver;

use crate::death::all_arrive;
use crate::place::Place;
use crate::running::{Load, Running};

/// A grace that no test waits for.
const LONG: [&str; 2] = ["--grace", "10m"];

/// A server with a delivery in flight to a receiver that takes its time.
async fn in_flight<'a>(place: &'a Place, receiver: &Receiver, words: &[&'a str]) -> Running {
    let server = Running::start(place, words).await;
    server.register(json!({ "url": receiver.url(), "timeout_ms": 120_000 })).await;
    server.http.post("/v1/events", &json!({ "type": "order.paid", "data": {} })).await.expect(202);
    receiver.received(1).await;
    server
}

/// Sends a signal, and waits until the server has begun to stop for it.
async fn told_to_stop(server: &Running, signal: &str) {
    server.process.signal(signal).await;
    server.process.logs(|line| line.contains("stopping")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_grace_at_once_and_what_was_accepted_is_delivered_after_the_next_start() {
    for (first, second) in [("TERM", "TERM"), ("TERM", "INT"), ("INT", "INT"), ("HUP", "TERM")] {
        let place = Place::fresh().await;
        let answers = [Behaviour::HangBeforeHeaders, Behaviour::Status(204)];
        let receiver = Receiver::behaving(answers.to_vec()).start().await;
        let mut server = in_flight(&place, &receiver, &LONG).await;

        told_to_stop(&server, first).await;
        server.process.signal(second).await;

        assert_eq!(server.process.ended().await.code(), Some(0), "{first}, {second}");
        let log = server.process.errors();
        assert!(log.contains("stopped with work in flight"), "{first}, {second}: {log}");
        assert!(!log.contains("before the store had closed"), "{first}, {second}: {log}");

        let server = Running::start(&place, &[]).await;
        receiver.received(2).await;
        server.settle().await;
        assert_eq!(server.count("delivered").await, 1, "{first}, {second}");
        let requests = receiver.requests();
        assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_behind_another_signal_says_nothing_more() {
    let place = Place::fresh().await;
    let slow = Behaviour::Delay(Duration::from_millis(500), Box::new(Behaviour::Status(204)));
    let receiver = Receiver::behaving(vec![slow]).start().await;
    let mut server = in_flight(&place, &receiver, &LONG).await;

    told_to_stop(&server, "TERM").await;
    server.process.signal("HUP").await;

    assert_eq!(server.process.ended().await.code(), Some(0));
    assert!(!server.process.errors().contains("in flight"), "{}", server.process.errors());
    let server = Running::start(&place, &[]).await;
    assert_eq!((server.count("delivered").await, receiver.count()), (1, 1), "it was waited for and recorded");
}

/// A stop with this grace is over before a writer gives up waiting for a database that another program has locked: ten
/// seconds.
const SHORT: [&str; 2] = ["--grace", "2s"];
const SOON: Duration = Duration::from_secs(8);

/// Stops a server whose store cannot close, and answers what it said.
async fn stopped_in_time(server: &mut Running) -> String {
    let clock = RealEnv::new();
    server.process.signal("TERM").await;
    assert_eq!(server.process.ended().await.code(), Some(0));
    let (took, log) = (clock.elapsed(), server.process.errors());
    assert!(took < SOON, "it took {took:?}:\n{log}");
    assert!(log.contains("stopped before the store had closed"), "{log}");
    log
}

/// Keeps a database locked for writers, as an operator does who forgot to end a transaction.
const LOCK: &str = "import signal, sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None); \
     db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); signal.pause()";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_locked_holds_a_stop_up_no_longer_than_the_grace_and_nothing_is_lost() {
    let place = Place::embedded();
    let receiver = Receiver::healthy().counting().start().await;
    let mut server = Running::start(&place, &SHORT).await;
    server.register(json!({ "url": receiver.url() })).await;
    let load = Load::start(&server, "load", 24);
    load.reached(200).await;
    let database = place.data_dir().join("posthaste.db");
    let mut other = Process::start("python3", &["-c", LOCK, database.to_str().expect("UTF-8")], &[]);
    other.prints("locked").await;

    stopped_in_time(&mut server).await;

    other.kill().await;
    let accepted = load.accepted().await;
    let server = Running::start(&place, &[]).await;
    all_arrive(&receiver, &accepted).await;
    server.settle().await;
    assert_eq!(server.count("failed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_says_nothing_holds_a_stop_up_no_longer_than_the_grace_and_nothing_is_lost() {
    let (place, database) = (Place::embedded(), Database::fresh().await);
    let wire = Proxy::to(database.upstream());
    let url = database.url_at(wire.address());
    let words = ["--database-url", &url, "--lease", "1s", SHORT[0], SHORT[1]];
    let answers = [Behaviour::HangBeforeHeaders, Behaviour::Status(204)];
    let receiver = Receiver::behaving(answers.to_vec()).start().await;
    let mut server = in_flight(&place, &receiver, &words).await;
    wire.cut(Cut::Silent).await;

    stopped_in_time(&mut server).await;

    wire.heal().await;
    let server = Running::start(&place, &words).await;
    receiver.received(2).await;
    server.settle().await;
    assert_eq!(server.count("delivered").await, 1);
}
