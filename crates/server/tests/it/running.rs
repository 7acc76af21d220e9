//! The program itself, as an operator runs it, and load on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Method;
use serde_json::{Value, json};
use testkit::http::Http;
use testkit::process::Process;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::place::Place;

pub(crate) const KEY: &str = "the-admin-key-of-a-test";

/// `posthaste serve`, on a port that the system chose.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) http: Http,
}

impl Running {
    /// One that may send to receivers on this machine, without TLS.
    pub(crate) async fn start<'a>(place: &'a Place, words: &[&'a str]) -> Self {
        let loose = ["--allow-http", "--allow-network", "127.0.0.0/8"];
        Self::start_with(place, loose.iter().chain(words).copied()).await
    }

    /// One that may send to public addresses only, with TLS.
    pub(crate) async fn start_strict(place: &Place) -> Self {
        Self::start_with(place, []).await
    }

    /// As [`start`](Self::start), where `program` and its first words start the program themselves.
    pub(crate) async fn start_by(place: &Place, program: &str, words: &[&str]) -> Self {
        let loose = ["--allow-http", "--allow-network", "127.0.0.0/8"];
        Self::run(place, program, words, loose).await
    }

    async fn start_with<'a>(place: &'a Place, words: impl IntoIterator<Item = &'a str>) -> Self {
        Self::run(place, env!("CARGO_BIN_EXE_posthaste"), &[], words).await
    }

    async fn run<'a>(
        place: &'a Place,
        program: &str,
        before: &[&'a str],
        words: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let always = ["serve", "--listen", "127.0.0.1:0"];
        let words: Vec<&str> = before.iter().copied().chain(always).chain(place.flags()).chain(words).collect();
        let variables = [("POSTHASTE_ADMIN_KEY", KEY)];
        let mut process = Process::start(program, &words, &variables);
        let line = process.prints("listening on ").await;
        let url = line.trim_start_matches("listening on ").to_owned();
        Self { process, http: Http::new(url).key(KEY) }
    }

    pub(crate) async fn register(&self, endpoint: Value) -> Value {
        self.http.post("/v1/endpoints", &endpoint).await.expect(201)
    }

    /// How many deliveries have that status, as far as the first page goes.
    pub(crate) async fn count(&self, status: &str) -> usize {
        let page = self.http.get(&format!("/v1/deliveries?limit=250&status={status}")).await.expect(200);
        page["data"].as_array().expect("a list").len()
    }

    /// Asks until nothing is pending.
    pub(crate) async fn settle(&self) {
        while self.count("pending").await > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Events sent as fast as they are taken, each with an id of its own.
pub(crate) struct Load {
    senders: JoinSet<Vec<String>>,
    accepted: Arc<AtomicUsize>,
    progress: Arc<Notify>,
}

impl Load {
    /// Starts `connections` senders, whose ids begin with `name`. Each stops when it is not answered.
    pub(crate) fn start(server: &Running, name: &str, connections: usize) -> Self {
        let accepted = Arc::new(AtomicUsize::new(0));
        let progress = Arc::new(Notify::new());
        let mut senders = JoinSet::new();
        for sender in 0..connections {
            let http = Http::new(server.http.base()).key(KEY);
            let (accepted, progress, name) = (accepted.clone(), progress.clone(), format!("{name}-{sender}"));
            senders.spawn(async move {
                let mut ids = Vec::new();
                for number in 0_u64.. {
                    let id = format!("{name}-{number}");
                    let event = json!({ "type": "load.sent", "id": id, "data": { "number": number } });
                    match http.try_send(Method::POST, "/v1/events", event.to_string().into()).await {
                        Ok(answer) if answer.status == 202 => ids.push(id),
                        // It is going down, or gone: nothing more will be taken.
                        Ok(_) | Err(_) => break,
                    }
                    accepted.fetch_add(1, Ordering::Relaxed);
                    progress.notify_waiters();
                }
                ids
            });
        }
        Self { senders, accepted, progress }
    }

    /// Waits until so many events were accepted.
    pub(crate) async fn reached(&self, count: usize) {
        let accepted = || self.accepted.load(Ordering::Relaxed);
        let reached = async {
            loop {
                let more = self.progress.notified();
                if accepted() >= count {
                    return;
                }
                more.await;
            }
        };
        testkit::patiently(reached, || format!("{} events were accepted, not {count}", accepted())).await;
    }

    /// The ids of all that were answered `202`, once every sender has stopped.
    pub(crate) async fn accepted(self) -> Vec<String> {
        self.senders.join_all().await.into_iter().flatten().collect()
    }
}
