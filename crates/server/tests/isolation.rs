//! No endpoint can harm another: nine receivers do not notice that a tenth never answers. A test binary of its own, so
//! that nothing else runs beside it; it takes a good minute.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::behaviour::Behaviour;
use testkit::http::Http;
use testkit::receiver::Receiver;
use tokio::task::JoinSet;

#[path = "it/place.rs"]
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod place;
#[path = "it/running.rs"]
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod running;

use place::Place;
use running::{KEY, Running};

/// Between two events: 200 a second.
const BETWEEN: Duration = Duration::from_millis(5);

/// Events in a window: five seconds of them. Windows with and without the tenth take turns, so that a noisy machine
/// disturbs both.
const WINDOW: usize = 1_000;

/// Six windows of each kind make 30 s.
const ROUNDS: usize = 6;

const HEALTHY: usize = 9;

/// Of the nine others, with the tenth, at most so many times what it is without.
const MOST: f64 = 1.5;

/// Shorter waits are taken for this one. Most events arrive before their `202` has been read, and what is left is the
/// scheduler's doing on a machine that load, server and receivers share: half a millisecond more is not harm.
const FLOOR: Duration = Duration::from_millis(2);

/// When each event was posted, and when its `202` was read.
type Times = HashMap<String, (Instant, Instant)>;

#[tokio::test(flavor = "multi_thread")]
async fn nine_receivers_do_not_notice_that_the_tenth_never_answers() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;
    let mut receivers = Vec::new();
    for _ in 0..HEALTHY {
        let receiver = Receiver::healthy().counting().start().await;
        server.register(json!({ "url": receiver.url() })).await;
        receivers.push(receiver);
    }
    let silent = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).counting().start().await;
    let tenth = server.register(json!({ "url": silent.url() })).await;
    let tenth = Tenth { http: server.http.clone(), path: format!("/v1/endpoints/{}", tenth["id"].as_str().unwrap()) };

    let mut load = Load { http: Http::new(server.http.base()).key(KEY), sent: 0 };
    tenth.turn("pause").await;
    load.window(&receivers).await;
    let (mut with, mut without) = (Waits::default(), Waits::default());
    for round in 0..ROUNDS {
        // Now the one first, now the other.
        for silent_takes_part in [round % 2 == 0, round % 2 != 0] {
            tenth.turn(if silent_takes_part { "resume" } else { "pause" }).await;
            let times = load.window(&receivers).await;
            let waits = if silent_takes_part { &mut with } else { &mut without };
            waits.add(&times, &receivers);
        }
    }

    assert!(silent.count() > 0, "the tenth was not even tried");
    let accepted = Comparison::of("accepted to received", with.since_accepted, without.since_accepted);
    let posted = Comparison::of("posted to received", with.since_posted, without.since_posted);
    // Past the test harness, which keeps what passing tests print.
    writeln!(std::io::stderr(), "{accepted}\n{posted}").unwrap();
    for comparison in [accepted, posted] {
        assert!(comparison.ratio() <= MOST, "{comparison}");
    }
}

/// The endpoint whose receiver never answers.
struct Tenth {
    http: Http,
    path: String,
}

impl Tenth {
    async fn turn(&self, verb: &str) {
        self.http.post(&format!("{}/{verb}", self.path), &json!({})).await.expect(200);
    }
}

/// Events at a steady pace, whatever becomes of them.
struct Load {
    http: Http,
    sent: usize,
}

impl Load {
    /// Sends a window's events and waits until the nine have got them all.
    async fn window(&mut self, receivers: &[Receiver]) -> Times {
        let mut ticks = ticks();
        let mut requests = JoinSet::new();
        let padding: Arc<str> = "x".repeat(400).into();
        for number in self.sent..self.sent + WINDOW {
            ticks.tick().await;
            let (http, padding) = (self.http.clone(), padding.clone());
            requests.spawn(async move {
                let id = format!("e{number}");
                let event =
                    json!({ "type": "load.sent", "id": id, "data": { "number": number, "padding": &*padding } });
                let posted = now();
                http.post("/v1/events", &event).await.expect(202);
                (id, (posted, now()))
            });
        }
        self.sent += WINDOW;
        let times = requests.join_all().await.into_iter().collect();
        for receiver in receivers {
            receiver.received(self.sent).await;
        }
        times
    }
}

#[expect(clippy::disallowed_methods, reason = "the pace of a load on a real process is real")]
fn ticks() -> tokio::time::Interval {
    tokio::time::interval(BETWEEN)
}

#[expect(clippy::disallowed_methods, reason = "how long a real process takes is measured on a real clock")]
fn now() -> Instant {
    Instant::now()
}

/// How long events took, of every event to every receiver.
#[derive(Default)]
struct Waits {
    since_posted: Vec<Duration>,
    /// An event may arrive before its sender has read the `202`: that is no wait at all.
    since_accepted: Vec<Duration>,
}

impl Waits {
    fn add(&mut self, times: &Times, receivers: &[Receiver]) {
        let arrivals = receivers.iter().flat_map(Receiver::arrivals);
        let known = arrivals.filter_map(|arrival| Some((arrival.at, times.get(&*arrival.id)?)));
        for (arrived, (posted, accepted)) in known {
            self.since_posted.push(arrived.saturating_duration_since(*posted));
            self.since_accepted.push(arrived.saturating_duration_since(*accepted));
        }
    }
}

struct Comparison {
    what: &'static str,
    with: [Duration; 2],
    without: [Duration; 2],
}

impl Comparison {
    fn of(what: &'static str, with: Vec<Duration>, without: Vec<Duration>) -> Self {
        Self { what, with: quantiles(with), without: quantiles(without) }
    }

    /// How many times longer the p99 is with the silent tenth, as far as it is judged.
    fn ratio(&self) -> f64 {
        self.times_of(FLOOR)
    }

    /// The same, as measured.
    fn measured(&self) -> f64 {
        self.times_of(Duration::from_nanos(1))
    }

    fn times_of(&self, floor: Duration) -> f64 {
        self.with[1].as_secs_f64() / self.without[1].max(floor).as_secs_f64()
    }
}

/// The p50 and the p99.
fn quantiles(mut waits: Vec<Duration>) -> [Duration; 2] {
    assert_eq!(waits.len(), ROUNDS * WINDOW * HEALTHY, "each arrives once");
    waits.sort_unstable();
    [waits[waits.len() / 2], waits[waits.len() * 99 / 100]]
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, with: [with_p50, with_p99], without: [without_p50, without_p99] } = self;
        write!(
            f,
            "{what}, with the silent tenth: p50 {with_p50:.1?} p99 {with_p99:.1?}, without it: p50 {without_p50:.1?} \
             p99 {without_p99:.1?}; p99 times {:.2}, judged as {:.2}",
            self.measured(),
            self.ratio()
        )
    }
}
