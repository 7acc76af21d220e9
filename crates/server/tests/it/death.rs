//! The process dies, at once or politely: what was answered `202` arrives.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::env::Env as _;
use serde_json::json;
use server::env::RealEnv;
use server::lifecycle;
use server::wire::{self, Externals};
use testkit::clock::TestEnv;
use testkit::http::Http;
use testkit::patiently;
use testkit::receiver::Receiver;

use crate::gateway::text;
use crate::place::Place;
use crate::running::{Load, Running};

const ROUNDS: usize = 20;
const CONNECTIONS: usize = 24;

/// A moment to die at, in accepted events.
fn at_random(env: &TestEnv, most: f64) -> usize {
    (env.dice() * most) as usize + 1
}

pub(crate) async fn all_arrive(receiver: &Receiver, accepted: &[String]) {
    loop {
        let arrivals = receiver.arrivals();
        let seen = arrivals.len();
        let arrived: HashSet<Box<str>> = arrivals.into_iter().map(|arrival| arrival.id).collect();
        if accepted.iter().all(|id| arrived.contains(id.as_str())) {
            return;
        }
        // One more than was looked at, not than there are by now.
        receiver.received(seen + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_arrives_though_the_server_is_killed_twenty_times() {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().counting().start().await;
    let dice = TestEnv::new();
    let mut accepted = Vec::new();

    for round in 0..ROUNDS {
        let server = Running::start(&place, &[]).await;
        if round == 0 {
            server.register(json!({ "url": receiver.url() })).await;
        }
        let load = Load::start(&server, &format!("round{round}"), CONNECTIONS);
        load.reached(at_random(&dice, 800.0)).await;
        server.process.kill().await;
        accepted.extend(load.accepted().await);
    }

    let server = Running::start(&place, &[]).await;
    all_arrive(&receiver, &accepted).await;
    server.settle().await;
    assert!(accepted.len() >= ROUNDS);
    assert_eq!(server.count("failed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sigterm_what_is_in_flight_is_finished_and_nothing_is_sent_twice() {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().counting().start().await;
    let mut server = Running::start(&place, &[]).await;
    server.register(json!({ "url": receiver.url() })).await;

    let load = Load::start(&server, "load", CONNECTIONS);
    load.reached(at_random(&TestEnv::new(), 1500.0)).await;
    server.process.signal("TERM").await;
    let status = server.process.ended().await;
    assert_eq!(status.code(), Some(0), "{}", server.process.errors());
    let accepted = load.accepted().await;

    let server = Running::start(&place, &[]).await;
    all_arrive(&receiver, &accepted).await;
    server.settle().await;
    let mut times: HashMap<Box<str>, usize> = HashMap::new();
    for arrival in receiver.arrivals() {
        *times.entry(arrival.id).or_default() += 1;
    }
    let repeated: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(repeated.is_empty(), "sent more than once: {repeated:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_goes_on_after_the_server_was_killed() {
    const MISSED: usize = 3_000;
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().counting().start().await;
    let server = Running::start(&place, &[]).await;
    let ids: Vec<String> = (0..MISSED).map(|number| format!("missed-{number}")).collect();
    let events: Vec<_> = ids.iter().map(|id| json!({ "id": id, "type": "was.missed", "data": {} })).collect();
    server.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    let endpoint = server.register(json!({ "url": receiver.url() })).await;
    let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
    let job = server.http.post(&path, &json!({ "since": "2020-01-01T00:00:00Z", "only": "missed" })).await.expect(202);
    receiver.received(at_random(&TestEnv::new(), MISSED as f64 / 2.0)).await;
    server.process.kill().await;

    let server = Running::start(&place, &[]).await;
    all_arrive(&receiver, &ids).await;
    server.settle().await;
    let path = format!("/v1/jobs/{}", text(&job["id"]));
    let over = async {
        loop {
            let job = server.http.get(&path).await.expect(200);
            if job["status"] != "running" {
                return job;
            }
        }
    };
    let job = patiently(over, || "the job does not end".to_owned()).await;
    assert_eq!(
        (&job["status"], &job["total"], &job["done"]),
        (&json!("done"), &json!(MISSED), &json!(MISSED)),
        "{job}"
    );
}

/// The endpoints of all deliveries of an event.
async fn recipients(http: &Http, event: &str) -> Vec<String> {
    let (mut recipients, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = http.get(&format!("/v1/deliveries?event={event}&limit=250{cursor}")).await.expect(200);
        let listed = page["data"].as_array().expect("a list");
        recipients.extend(listed.iter().map(|delivery| text(&delivery["endpoint_id"])));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return recipients,
        }
    }
}

/// How many deliveries of these events there are on data that no server works at: one that delivers nothing, and so makes
/// nothing, is asked.
async fn made(place: &Place, events: &[String]) -> usize {
    let mut config = place.config();
    (config.listen, config.roles.deliver) = ((std::net::Ipv4Addr::LOCALHOST, 0).into(), false);
    let env = Arc::new(RealEnv::new());
    let onlooker = wire::start(&config, Externals::real(env.clone())).await.expect("it starts");
    let http = Http::new(format!("http://{}", onlooker.address)).key(&onlooker.admin_key.text);
    let mut made = 0;
    for event in events {
        made += recipients(&http, event).await.len();
    }
    lifecycle::stop(onlooker, env, config.delivery.grace, std::future::pending).await;
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_goes_on_after_the_server_was_killed_and_makes_each_delivery_once() {
    const ENDPOINTS: usize = 300;
    const EVENTS: usize = 40;
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().counting().start().await;
    let mut server = Running::start(&place, &[]).await;
    for _ in 0..ENDPOINTS {
        server.register(json!({ "url": receiver.url() })).await;
    }
    let mut events: Vec<String> = Vec::new();
    loop {
        assert!(events.len() < 10 * EVENTS, "it is never killed while it makes them");
        let ids: Vec<String> =
            (events.len()..events.len() + EVENTS).map(|number| format!("fan-out-{number}")).collect();
        let batch: Vec<_> = ids.iter().map(|id| json!({ "id": id, "type": "a", "data": {} })).collect();
        let before = receiver.count();
        server.http.post("/v1/events/batch", &json!(batch)).await.expect(200);
        receiver.received(before + 1).await;
        server.process.kill().await;
        let made = made(&place, &ids).await;
        assert!(made > 0, "one was delivered");
        events.extend(ids);
        server = Running::start(&place, &[]).await;
        if made < EVENTS * ENDPOINTS {
            break;
        }
    }

    for event in &events {
        let all = async {
            loop {
                let recipients = recipients(&server.http, event).await;
                if recipients.len() >= ENDPOINTS {
                    return recipients;
                }
            }
        };
        let recipients = patiently(all, || format!("the deliveries of {event} are not all made")).await;
        let each: HashSet<&String> = recipients.iter().collect();
        assert_eq!((recipients.len(), each.len()), (ENDPOINTS, ENDPOINTS), "{event}: one for each endpoint");
    }
    server.settle().await;
    assert_eq!((server.count("failed").await, server.count("cancelled").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_directory_is_told_so_and_exits() {
    let place = Place::embedded();
    let _server = Running::start(&place, &[]).await;

    let words = [&["serve", "--listen", "127.0.0.1:0"], place.flags().as_slice()].concat();
    let mut second = testkit::process::Process::start(env!("CARGO_BIN_EXE_posthaste"), &words, &[]);
    let status = second.ended().await;

    assert_eq!(status.code(), Some(1));
    assert!(second.errors().contains("is in use by another posthaste process"), "{}", second.errors());
}
