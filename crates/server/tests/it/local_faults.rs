//! What this machine lacks is no fault of a receiver's: deliveries wait and are tried again, and nothing is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::resolve::{Error, Lookup, Resolve};
use model::local_fault::LocalFault;
use serde_json::{Value, json};
use testkit::receiver::{Nobody, Receiver};

use crate::gateway::{Gateway, text};
use crate::place::Place;
use crate::running::{KEY, Running};

/// A machine whose name servers cannot be reached for a while.
#[derive(Default)]
struct Flaky {
    is_well: AtomicBool,
}

impl Resolve for Flaky {
    fn resolve<'a>(&'a self, _: &'a str) -> Lookup<'a> {
        let found = if self.is_well.load(Ordering::Relaxed) {
            Ok(vec![[127, 0, 0, 1].into()])
        } else {
            Err(Error::Local(LocalFault::NameServersUnreachable))
        };
        Box::pin(std::future::ready(found))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_waits_a_second_for_what_this_machine_lacks_and_no_attempt_is_counted() {
    let receiver = Receiver::healthy().start().await;
    let machine = Arc::new(Flaky::default());
    let gateway = Gateway::new().retry(["1h"]).with_resolver(machine.clone()).start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url_as("hooks.example") })).await;
    for _ in 0..20 {
        project.send("invoice.paid", json!({})).await;
    }
    gateway.advance("5s").await;
    let deliveries = project.deliveries().await;
    assert!(deliveries.iter().all(|delivery| delivery["status"] == "pending"), "{deliveries:?}");
    assert_eq!(project.show(&endpoint).await["failure_count"], 0);
    let notices = gateway.admin().get("/v1/cluster").await.expect(200)["notices"].clone();
    assert_eq!((&notices[0]["code"], &notices[0]["level"]), (&json!("name_servers_unreachable"), &json!("warning")));
    assert!(text(&notices[0]["message"]).contains("none of this machine's name servers can be reached"), "{notices}");

    machine.is_well.store(true, Ordering::Relaxed);
    gateway.advance("1s").await;
    assert_eq!(receiver.count(), 20);
    for delivery in project.deliveries().await {
        let attempts = project.delivery(&text(&delivery["id"])).await["attempts"].clone();
        assert_eq!((&delivery["status"], attempts.as_array().map(Vec::len)), (&json!("delivered"), Some(1)));
    }
}

/// A server that may have so many files open.
async fn limited(place: &Place, open_files: u64) -> Running {
    let program = env!("CARGO_BIN_EXE_posthaste");
    let script = format!("ulimit -n {open_files} && exec \"$0\" \"$@\"");
    Running::start_by(place, "sh", &["-c", &script, program]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_open_files_are_no_attempts() {
    const HANGING: usize = 100;
    let place = Place::fresh().await;
    let (nobody, receiver) = (Nobody::silent(), Receiver::healthy().start().await);
    let server = limited(&place, 96).await;
    for _ in 0..HANGING {
        let endpoint =
            json!({ "url": nobody.url(), "events": ["hang"], "timeout_ms": 2000, "retry": { "schedule": [] } });
        server.register(endpoint).await;
    }
    server.register(json!({ "url": receiver.url(), "events": ["go"], "retry": { "schedule": [] } })).await;
    server.http.post("/v1/events", &json!({ "type": "hang", "data": {} })).await.expect(202);
    loop {
        let cluster = server.http.get("/v1/cluster").await.expect(200);
        if cluster["notices"]
            .as_array()
            .is_some_and(|notices| notices.iter().any(|notice| notice["code"] == "open_files"))
        {
            break;
        }
        tokio::task::yield_now().await;
    }
    server.http.post("/v1/events", &json!({ "type": "go", "data": {} })).await.expect(202);
    receiver.received(1).await;
    server.settle().await;

    let deliveries = server.http.get("/v1/deliveries?limit=250").await.expect(200)["data"].clone();
    let deliveries: Vec<Value> = deliveries.as_array().unwrap().clone();
    assert_eq!(deliveries.len(), HANGING + 1);
    for delivery in &deliveries {
        let shown = server.http.get(&format!("/v1/deliveries/{}", text(&delivery["id"]))).await.expect(200);
        let kinds: Vec<_> =
            shown["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["error"]["kind"]).collect();
        let expected = if shown["event_type"] == "go" { Value::Null } else { json!("timeout") };
        assert_eq!(kinds, [&expected], "{shown:#}");
    }
    let log = server.process.errors();
    let said = log.matches("as many files and connections open as it may").count();
    assert!((1..=3).contains(&said), "it is said once in a while, not {said} times:\n{log}");
    let (code, output) = crate::cluster::doctor(server.http.base(), KEY, &[]).await;
    assert!(code != Some(0) && output.contains("ulimit -Hn"), "{output}");
}

#[test]
fn every_fault_has_a_name_words_and_a_remedy() {
    for fault in LocalFault::ALL {
        assert!(!fault.code().is_empty() && fault.to_string().starts_with(|first: char| first.is_lowercase()));
        assert!(fault.remedy().len() > 20, "{fault}");
    }
}
