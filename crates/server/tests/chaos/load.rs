//! A steady load: plain endpoints, some in strict order, one with a rate limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::http::{Http, Method};
use testkit::receiver::Receiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, chance};
use crate::verdict::{Accepted, Verdict};
use crate::wait;

/// Endpoints of each kind, and how often each gets an event.
const PLAIN: usize = 12;
const STRICT: usize = 4;
const EVERY: Duration = Duration::from_millis(100);

/// What the limited endpoint takes a second: more than it is given.
pub(crate) const LIMIT: u32 = 20;

/// How long a node may take to accept an event before another is asked.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long what was accepted may take to arrive, once nothing is harmed any more.
const SETTLED: Duration = Duration::from_secs(60);

pub(crate) struct Load {
    receiver: Receiver,
    accepted: Arc<Mutex<HashMap<String, Accepted>>>,
    harms: Mutex<Vec<Instant>>,
    began: Instant,
    stop: CancellationToken,
    posters: JoinSet<()>,
}

impl Load {
    pub(crate) async fn start(cluster: &Cluster) -> Self {
        let receiver = Receiver::healthy().counting().start().await;
        let door = cluster.door();
        let mut names: Vec<String> = (0..PLAIN).map(|number| format!("plain_{number}")).collect();
        names.extend((0..STRICT).map(|number| format!("strict_{number}")));
        names.push("limited_0".to_owned());
        for name in &names {
            let mut endpoint = json!({ "url": receiver.url(), "events": [name] });
            if name.starts_with("strict") {
                endpoint["ordering"] = json!("fifo");
            }
            if name.starts_with("limited") {
                endpoint["rate_limit"] = json!({ "requests": LIMIT, "per": "1s" });
            }
            door.post("/v1/endpoints", &endpoint).await.expect(201);
        }
        let (accepted, stop) = (Arc::<Mutex<HashMap<_, _>>>::default(), CancellationToken::new());
        let mut posters = JoinSet::new();
        for name in names {
            let doors = cluster.doors.clone();
            posters.spawn(post(name, doors, accepted.clone(), stop.clone()));
        }
        Self { receiver, accepted, harms: Mutex::default(), began: Instant::now(), stop, posters }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Something begins to be harmed, or is not any more.
    pub(crate) fn note_harm(&self) {
        self.harms.lock().unwrap().push(Instant::now());
    }

    /// Stops, and waits until all that was accepted has arrived, or will not any more.
    pub(crate) async fn end(mut self, cluster: &Cluster) -> Verdict {
        self.stop.cancel();
        while self.posters.join_next().await.is_some() {}
        let settled = Instant::now() + SETTLED;
        while Instant::now() < settled && cluster.pending().await > 0 {
            wait(EVERY).await;
        }
        let accepted = std::mem::take(&mut *self.accepted.lock().unwrap());
        Verdict::new(self.began, accepted, self.harms.into_inner().unwrap(), &self.receiver.arrivals())
    }
}

/// Posts one event after the other, each until a node has accepted it, under an id by which it is known again.
async fn post(
    name: String,
    doors: Arc<RwLock<Vec<Http>>>,
    accepted: Arc<Mutex<HashMap<String, Accepted>>>,
    stop: CancellationToken,
) {
    let mut number = 0;
    let mut due = Instant::now();
    while !stop.is_cancelled() {
        let id = format!("{name}-{number}");
        let event = json!({ "type": name, "id": id, "data": { "number": number } }).to_string();
        loop {
            let door = {
                let doors = doors.read().unwrap();
                doors[chance(doors.len())].clone()
            };
            if takes(&door, &event).await {
                break;
            }
            wait(Duration::from_millis(20)).await;
        }
        accepted.lock().unwrap().insert(id, Accepted { name: name.clone(), number, at: Instant::now() });
        number += 1;
        due = (due + EVERY).max(Instant::now() - EVERY);
        wait(due.saturating_duration_since(Instant::now())).await;
    }
}

async fn takes(door: &Http, event: &str) -> bool {
    let asked = door.try_send(Method::POST, "/v1/events", event.to_owned().into());
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => matches!(answer.status, 200 | 202),
        Ok(Err(_)) | Err(_) => false,
    }
}
