//! Roles: which routes a node answers and which workers it has. Only nodes that share a PostgreSQL may lack some.

use hyper::Method;
use serde_json::json;
use testkit::process::Process;
use testkit::receiver::Receiver;

use crate::cluster::doctor;
use crate::gateway::text;
use crate::place::Place;
use crate::running::{KEY, Running};

/// What a node with these roles answers to.
async fn statuses(node: &Running, paths: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in paths {
        statuses.push(node.http.get(path).await.status);
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_mounts_its_routes_and_starts_its_workers_and_every_node_tells_of_its_health() {
    let place = Place::on_postgres().await;
    let mail = ["--smtp-url", "smtp://127.0.0.1:1", "--smtp-from", "Posthaste <hooks@example.com>"];
    for (roles, workers, has_api) in [
        (None, "engine,mailer,retention,listener", true),
        (Some("api"), "retention,listener", true),
        (Some("deliver"), "engine,mailer,retention,listener", false),
        (Some("receive"), "retention,listener", false),
        (Some("api,deliver"), "engine,mailer,retention,listener", true),
        (Some("api,receive"), "retention,listener", true),
        (Some("receive,deliver"), "engine,mailer,retention,listener", false),
    ] {
        let words: Vec<&str> = roles.into_iter().flat_map(|roles| ["--roles", roles]).chain(mail).collect();
        let mut node = Running::start(&place, &words).await;

        assert_eq!(statuses(&node, &["/healthz", "/readyz"]).await, [200, 200], "{roles:?}");
        let api = ["/v1/projects", "/v1/deliveries", "/v1/cluster", "/openapi.json", "/docs"];
        assert_eq!(statuses(&node, &api).await, [if has_api { 200 } else { 404 }; 5], "{roles:?}");
        let sent = node.http.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await;
        assert_eq!(sent.status, if has_api { 202 } else { 404 }, "{roles:?}");
        if !has_api {
            let problem = sent.json();
            assert_eq!(problem["code"], "not_found");
            assert!(text(&problem["detail"]).contains("role `api`"), "{problem}");
            let lost = node.http.send(Method::POST, "/readyz", hyper::body::Bytes::new()).await;
            assert_eq!((lost.status, lost.header("allow")), (405, Some("GET,HEAD")));
        }
        let started = format!("workers={workers}");
        node.process
            .logs(|line| line.contains("started") && line.split(' ').any(|field| field == started.as_str()))
            .await;
        let is_idle = node.process.errors().contains("nothing can be received from providers yet");
        assert_eq!(is_idle, roles == Some("receive"), "{}", node.process.errors());
        node.process.signal("TERM").await;
        assert_eq!(node.process.ended().await.code(), Some(0), "{roles:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_of_the_api_takes_waits_for_a_node_that_delivers() {
    let place = Place::on_postgres().await;
    let receiver = Receiver::healthy().start().await;
    let api = Running::start(&place, &["--roles", "api"]).await;
    api.register(json!({ "url": receiver.url() })).await;
    let event = api.http.post("/v1/events", &json!({ "type": "order.paid", "data": {} })).await.expect(202);

    let cluster = api.http.get("/v1/cluster").await.expect(200);
    let [node] = cluster["nodes"].as_array().unwrap().as_slice() else { panic!("{cluster}") };
    assert_eq!((&node["delivers"], &node["shards"]), (&json!(false), &json!(0)));
    assert_eq!((&cluster["shards_unassigned"], &cluster["lag"]["pending"]), (&json!(256), &json!(1)));
    let (code, said) = doctor(api.http.base(), KEY, &[]).await;
    assert!(code == Some(1) && said.contains("no node delivers"), "{said}");
    assert_eq!((receiver.count(), api.count("pending").await), (0, 1), "it has no engine");

    let deliver = Running::start(&place, &["--roles", "deliver"]).await;
    receiver.received(1).await;
    api.settle().await;
    assert_eq!(api.count("delivered").await, 1);
    assert_eq!(receiver.requests()[0].header("webhook-id"), event["id"].as_str());

    let (code, said) = doctor(deliver.http.base(), KEY, &[]).await;
    assert!(code == Some(1) && said.contains("ask a node that has the role `api`"), "{said}");
}

#[tokio::test]
async fn a_role_that_there_is_not_is_refused_with_those_that_there_are() {
    let place = Place::embedded();
    let by_flag = (vec!["serve", "--roles", "api,deliverer"], vec![]);
    let by_variable = (vec!["serve"], vec![("POSTHASTE_ROLES", "api,deliverer")]);
    for (words, variables) in [by_flag, by_variable] {
        let words = [words, place.flags()].concat();
        let mut process = Process::start(env!("CARGO_BIN_EXE_posthaste"), &words, &variables);
        assert_eq!(process.ended().await.code(), Some(64));
        let errors = process.errors();
        assert!(errors.contains(r#"roles: "deliverer" is not a role: there are api, deliver and receive"#), "{errors}");
        assert!(!place.data_dir().exists(), "nothing was made");
    }
}
