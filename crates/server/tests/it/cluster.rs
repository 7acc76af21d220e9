//! What operators see of the nodes: `GET /v1/cluster` and `posthaste doctor`.

use serde_json::{Value, json};
use testkit::behaviour::Reply;
use testkit::postgres::{Options, Server};
use testkit::process::Process;
use testkit::proxy::Upstream;
use testkit::receiver::{Received, Receiver};

use crate::gateway::Gateway;
use crate::place::Place;
use crate::running::{KEY, Running};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_alone_holds_everything_and_keeps_up() {
    let gateway = Gateway::new().start().await;

    let cluster = gateway.admin().get("/v1/cluster").await.expect(200);

    let [node] = cluster["nodes"].as_array().unwrap().as_slice() else { panic!("{cluster}") };
    assert_eq!((&node["id"], &node["shards"]), (&cluster["node"], &json!(256)));
    assert_eq!((&node["alive"], &node["delivers"]), (&json!(true), &json!(true)));
    assert_eq!(cluster["shards_unassigned"], 0);
    assert!(cluster["clock_offset_ms"].is_i64(), "{cluster}");
    let lag = json!({ "oldest_due_at": null, "late_ms": 0, "pending": 0, "pending_is_more": false });
    assert_eq!(cluster["lag"], lag);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_are_for_the_admin_alone() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;

    project.http.get("/v1/cluster").await.expect(403);
    testkit::http::Http::new(gateway.url()).get("/v1/cluster").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_healthy_server_fine() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;

    let (code, output) = doctor(server.http.base(), KEY, &[]).await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("fine   leases") && output.trim_end().ends_with("All is well."), "{output}");

    let (code, output) = doctor(server.http.base(), KEY, &["--output", "json"]).await;
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &report["ok"]), (Some(0), &json!(true)), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_it_was_not_shown_and_what_is_not_there() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;

    let (code, output) = doctor(server.http.base(), "no-key-of-theirs", &[]).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("WRONG  key") && output.contains("--api-key"), "{output}");

    server.process.kill().await;
    let (code, output) = doctor(server.http.base(), KEY, &[]).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("WRONG  server") && output.contains("posthaste serve"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_way_to_a_database_elsewhere_is_said_in_the_log_and_by_the_doctor() {
    let postgres = Server::start(Options { tcp: true, ..Options::default() }).await;
    let database = postgres.fresh().await;
    let Upstream::Tcp(here) = database.upstream() else { panic!("it listens on TCP") };
    let port: u16 = here.rsplit_once(':').unwrap().1.parse().unwrap();
    let place = Place::embedded();
    // Both lead to this machine, and only the first says so.
    for (host, is_open) in [([127, 0, 0, 1], false), ([0, 0, 0, 0], true)] {
        let url = database.url_at((host, port).into());
        let mut server = Running::start(&place, &["--database-url", &url]).await;
        let (code, output) = doctor(server.http.base(), KEY, &[]).await;
        let (said, remedy) = ("is in clear text unless the server offers TLS", "sslmode=verify-full");
        let log = server.process.errors();
        assert_eq!((output.contains(said), log.contains(said)), (is_open, is_open), "{output}\n{log}");
        assert!(!is_open || output.contains(remedy) && log.contains(remedy) && code != Some(0), "{output}\n{log}");
        server.process.signal("TERM").await;
        server.process.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_that_a_proxy_resolves_names() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &["--proxy", "http://127.0.0.1:9", "--proxy-resolves"]).await;
    let (code, output) = doctor(server.http.base(), KEY, &[]).await;
    assert!(output.contains("only names and literal addresses are judged here"), "{output}");
    assert_eq!(code, Some(0), "it was chosen: {output}");
}

pub(crate) async fn doctor(server: &str, key: &str, words: &[&str]) -> (Option<i32>, String) {
    let words: Vec<&str> = ["doctor", "--server", server].iter().chain(words).copied().collect();
    let mut process = Process::start(env!("CARGO_BIN_EXE_posthaste"), &words, &[("POSTHASTE_API_KEY", key)]);
    let code = process.ended().await.code();
    (code, process.output())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_when_most_endpoints_fail() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;
    let broken = Receiver::replying([500]).start().await;
    for _ in 0..3 {
        server.register(json!({ "url": broken.url(), "retry": { "schedule": [] } })).await;
    }
    server.http.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    server.settle().await;

    let (code, output) = doctor(server.http.base(), KEY, &["--output", "json"]).await;
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &report["ok"]), (Some(1), &json!(false)), "{output}");
    let checks = report["checks"].as_array().unwrap();
    let told = checks.iter().find(|check| check["check"] == "endpoints").unwrap();
    assert_eq!(told["found"], "3 of 3 active endpoints failing, 0 disabled");
    assert!(told["remedy"].as_str().unwrap().contains("deliveries list"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_knows_a_posthaste_from_other_servers() {
    let replies: [fn(&Received) -> Reply; 4] = [
        |_| Reply::status(200).body("<html>It works</html>"),
        |_| Reply::status(200).body("{}"),
        |request| {
            if request.path == "/healthz" { Reply::status(200).body("{\"status\":\"ok\"}") } else { Reply::status(404) }
        },
        |request| match request.path.as_str() {
            "/healthz" | "/readyz" => Reply::status(200).body("{\"status\":\"ok\"}"),
            _ => Reply::status(401).body("Log in first"),
        },
    ];
    for reply in replies {
        let stranger = Receiver::with(reply).start().await;
        let base = format!("http://{}", stranger.address());
        let (code, output) = doctor(&base, KEY, &[]).await;
        assert_eq!(code, Some(1), "{output}");
        assert!(output.contains("is not Posthaste"), "{output}");
        assert!(output.contains("that `posthaste serve` printed"), "{output}");
    }
}
