//! One event is one event, however often it is sent; a batch is taken item by item.

use hyper::Method;
use serde_json::{Value, json};
use testkit::http::{Answer, Http};
use testkit::receiver::Receiver;
use tokio::task::JoinSet;

use crate::gateway::{Gateway, Project, text};

/// Sends the same fifty times at once.
async fn fifty_at_once(http: &Http, event: &Value) -> Vec<Answer> {
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        let (http, event) = (http.clone(), event.clone());
        requests.spawn(async move { http.post("/v1/events", &event).await });
    }
    requests.join_all().await
}

/// One was accepted, the others were told of it.
#[track_caller]
fn are_one_event(answers: &[Answer]) -> String {
    let accepted: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 202).collect();
    let repeated = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((accepted.len(), repeated), (1, answers.len() - 1), "{}", answers[0].text());
    for answer in answers {
        assert_eq!(answer.json(), accepted[0].json(), "the same key gives the first answer again");
    }
    text(&accepted[0].json()["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_in_fifty_parallel_requests_makes_one_event() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let http = project.http.clone().header("idempotency-key", "order-7-paid,once!");

    let id = are_one_event(&fifty_at_once(&http, &json!({ "type": "order.paid", "data": { "id": 7 } })).await);
    gateway.at_rest().await;

    let events = project.list("/v1/events").await;
    assert_eq!((events.len(), &events[0]["id"]), (1, &json!(id)));
    assert_eq!((project.deliveries().await.len(), receiver.count()), (1, 1));
    assert_eq!(receiver.requests()[0].header("webhook-id"), Some(id.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_in_fifty_parallel_requests_makes_one_event() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;

    let event = json!({ "id": "order-7_paid", "type": "order.paid", "data": { "id": 7 } });
    let id = are_one_event(&fifty_at_once(&project.http, &event).await);
    gateway.at_rest().await;

    assert_eq!(id, "order-7_paid");
    assert_eq!(project.list("/v1/events").await.len(), 1);
    assert_eq!((project.deliveries().await.len(), receiver.count()), (1, 1));
}

#[tokio::test]
async fn the_first_answer_comes_again_long_after_and_whatever_has_changed() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let http = project.http.clone().header("idempotency-key", "k");
    let event = json!({ "type": "order.paid", "data": {} });
    let first = http.post("/v1/events", &event).await.expect(202);
    gateway.advance("10h").await;
    project.ask(&endpoint, "pause").await;
    assert_eq!(http.post("/v1/events", &event).await.expect(200), first);
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict_and_stores_nothing() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let keyed = project.http.clone().header("idempotency-key", "k");
    keyed.post("/v1/events", &json!({ "type": "order.paid", "data": { "id": 7 } })).await.expect(202);
    let named = json!({ "id": "e1", "type": "order.paid", "data": { "id": 8 } });
    project.send_event(named.clone()).await;
    gateway.at_rest().await;
    let before = (project.list("/v1/events").await, project.deliveries().await);

    let other_data = json!({ "type": "order.paid", "data": { "id": 9 } });
    let other_type = json!({ "type": "order.sent", "data": { "id": 7 } });
    let conflicts = [
        keyed.post("/v1/events", &other_data).await,
        keyed.post("/v1/events", &other_type).await,
        project.http.post("/v1/events", &json!({ "id": "e1", "type": "order.paid", "data": {} })).await,
        project.http.post("/v1/events", &json!({ "id": "e1", "type": "order.sent", "data": { "id": 8 } })).await,
    ];
    for answer in conflicts {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.expect(409)["code"], "idempotency_conflict");
    }
    gateway.at_rest().await;
    assert_eq!((project.list("/v1/events").await, project.deliveries().await), before);
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn keys_and_ids_of_one_project_mean_nothing_in_another() {
    let gateway = Gateway::new().start().await;
    let (one, other) = (gateway.project("one").await, gateway.project("other").await);
    for project in [&one, &other] {
        let http = project.http.clone().header("idempotency-key", "k");
        http.post("/v1/events", &json!({ "type": "a", "data": {} })).await.expect(202);
        project.send_event(json!({ "id": "e1", "type": "a", "data": {} })).await;
        assert_eq!(project.list("/v1/events").await.len(), 2);
    }
}

#[tokio::test]
async fn ids_and_keys_have_a_shape() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for id in ["", "with space", "umläut", "a/b", "a.b", "evt:1", &"x".repeat(65)] {
        let problem = project.http.post("/v1/events", &json!({ "id": id, "type": "a", "data": {} })).await.expect(422);
        assert_eq!((&problem["code"], &problem["errors"][0]["pointer"]), (&json!("invalid_request"), &json!("/id")));
    }
    project.send_event(json!({ "id": "x".repeat(64), "type": "a", "data": {} })).await;

    let event = json!({ "type": "a", "data": {} });
    let too_long = project.http.clone().header("idempotency-key", &"k".repeat(256));
    let problem = too_long.post("/v1/events", &event).await.expect(422);
    assert_eq!(problem["code"], "invalid_request");
    assert!(text(&problem["errors"][0]["pointer"]).to_lowercase().contains("idempotency-key"), "{problem}");
    let longest = project.http.clone().header("idempotency-key", &"k".repeat(255));
    longest.post("/v1/events", &event).await.expect(202);
    assert_eq!(project.list("/v1/events").await.len(), 2);
}

#[tokio::test]
async fn a_key_may_be_a_sentence() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let http = project.http.clone().header("idempotency-key", "order 7 was paid");
    let event = json!({ "type": "order.paid", "data": {} });
    let first = http.post("/v1/events", &event).await.expect(202);
    assert_eq!(http.post("/v1/events", &event).await.expect(200), first);
}

async fn send_batch(project: &Project<'_>, events: &[Value]) -> Vec<Value> {
    let answer = project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    answer["results"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_item_among_ten_thousand_is_named_by_position_and_the_others_are_accepted() {
    const BAD: usize = 4_711;
    let receiver = Receiver::healthy().counting().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let mut events: Vec<Value> =
        (0..10_000).map(|n| json!({ "id": format!("e{n}"), "type": "count.up", "data": { "number": n } })).collect();
    events[BAD]["type"] = json!("not a type");

    let results = send_batch(&project, &events).await;
    assert_eq!(results.len(), 10_000);
    for (position, result) in results.iter().enumerate() {
        if position == BAD {
            assert_eq!(result["error"]["code"], "invalid_request", "{result}");
            assert_eq!(result["error"]["status"], 422);
            let pointer = text(&result["error"]["errors"][0]["pointer"]);
            assert!(pointer.ends_with("/type"), "{pointer}");
            assert!(result.get("id").is_none_or(Value::is_null), "{result}");
        } else {
            assert_eq!(result["id"], format!("e{position}"), "{result}");
            assert_eq!(result["deliveries"], 1);
            assert!(result.get("error").is_none_or(Value::is_null), "{result}");
        }
    }
    receiver.received(9_999).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 9_999);
    assert_eq!(project.http.get(&format!("/v1/events/e{BAD}")).await.status, 404);
    assert_eq!(project.http.get("/v1/events/e9999").await.status, 200);
}

#[tokio::test]
async fn ten_thousand_and_one_items_are_refused_and_nothing_is_stored() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let events = vec![json!({ "type": "a", "data": {} }); 10_001];
    let lines = events.iter().map(|event| format!("{event}\n")).collect::<String>();
    let ndjson = project.http.clone().header("content-type", "application/x-ndjson");
    for answer in [
        project.http.post("/v1/events/batch", &json!(events)).await,
        ndjson.send(Method::POST, "/v1/events/batch", lines.into()).await,
    ] {
        let (status, problem) = (answer.status, answer.json());
        let said = (status, problem["code"].as_str().expect("a code"));
        assert!([(413, "payload_too_large"), (422, "invalid_request")].contains(&said), "{problem}");
        assert!(problem.to_string().contains("10000") || problem.to_string().contains("10,000"), "{problem}");
    }
    assert!(project.list("/v1/events").await.is_empty());
}

/// The results in an answer, which is lines where lines were asked for.
fn results(answer: &Answer) -> Vec<Value> {
    match answer.header("content-type") {
        Some("application/x-ndjson") => {
            answer.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
        }
        _ => answer.json()["results"].as_array().expect("a list").clone(),
    }
}

#[tokio::test]
async fn a_batch_may_come_as_lines() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let lines = concat!(
        r#"{"id": "e0", "type": "a.b", "data": {"n": 0}}"#,
        "\n",
        r#"{"id": "e1", "type": "a.b", "data": {"n": 1}"#,
        "\r\n",
        r#"{"id": "e2", "type": "a.b", "data": {"n": 2}, "colour": "red"}"#,
        "\n",
        r#"{"id": "e3", "type": "a.b", "data": {"n": 3}}"#,
    );
    let ndjson = project.http.clone().header("content-type", "application/x-ndjson");
    let answer = ndjson.send(Method::POST, "/v1/events/batch", lines.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let results = results(&answer);
    assert_eq!(results.len(), 4, "{}", answer.text());
    assert_eq!((&results[0]["id"], &results[3]["id"]), (&json!("e0"), &json!("e3")));
    assert_eq!(results[1]["error"]["code"], "invalid_json");
    assert_eq!(results[2]["error"]["code"], "invalid_request");
    assert!(text(&results[2]["error"]["errors"][0]["pointer"]).ends_with("/colour"), "{}", results[2]);
    assert_eq!(project.list("/v1/events").await.len(), 2);
}

#[tokio::test]
async fn a_batch_sent_twice_makes_each_event_once() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let mut events: Vec<Value> =
        (0..10).map(|n| json!({ "id": format!("e{n}"), "type": "count.up", "data": { "number": n } })).collect();
    let first = send_batch(&project, &events).await;
    assert_eq!(send_batch(&project, &events).await, first);

    // One of them has changed meanwhile, and one is new.
    events[3]["data"] = json!({ "number": -3 });
    events.push(json!({ "id": "e10", "type": "count.up", "data": {} }));
    let third = send_batch(&project, &events).await;
    assert_eq!(third[3]["error"]["code"], "idempotency_conflict", "{}", third[3]);
    assert_eq!(third[10]["id"], "e10");
    gateway.at_rest().await;
    assert_eq!((project.list("/v1/events").await.len(), receiver.count()), (11, 11));
}

#[tokio::test]
async fn an_id_that_comes_twice_in_a_batch_is_one_event() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let event = |number: u8| json!({ "id": "same", "type": "a", "data": { "number": number } });
    let results = send_batch(&project, &[event(1), event(1), event(2)]).await;
    assert_eq!((&results[0]["id"], &results[1]["id"]), (&json!("same"), &json!("same")));
    assert_eq!(results[2]["error"]["code"], "idempotency_conflict", "{}", results[2]);
    assert_eq!(project.list("/v1/events").await.len(), 1);
}

#[tokio::test]
async fn what_is_no_batch_is_refused() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for (body, code) in [
        ("{}", "invalid_request"),
        (r#"{"type": "a", "data": {}}"#, "invalid_request"),
        (r#""a""#, "invalid_request"),
        (r#"[{"type": "a", "data": {}}"#, "invalid_json"),
        (r#"[{"type": "a", "data": {}},]"#, "invalid_json"),
    ] {
        let answer = project.http.send(Method::POST, "/v1/events/batch", body.into()).await;
        assert_eq!(answer.json()["code"], code, "{body}: {}", answer.text());
    }
    let results = send_batch(&project, &[json!(7), json!(null), json!({}), json!([])]).await;
    assert!(results.iter().all(|result| result["error"]["code"] == "invalid_request"), "{results:?}");
    assert!(project.list("/v1/events").await.is_empty());
}

#[tokio::test]
async fn a_batch_with_more_bytes_than_the_operator_allows_is_refused_whole() {
    let gateway = Gateway::new().configured(|config| config.api.max_batch_bytes = 1024).start().await;
    let project = gateway.project("acme").await;
    let event = json!({ "type": "a", "data": "x".repeat(400) });

    let taken = project.http.post("/v1/events/batch", &json!([event, event])).await.expect(200);
    let refused = project.http.post("/v1/events/batch", &json!([event, event, event])).await.expect(413);

    assert_eq!(taken["results"].as_array().unwrap().len(), 2);
    assert_eq!(refused["detail"], "The body has more than the 1024 bytes that are taken here.");
    assert_eq!(project.list("/v1/events").await.len(), 2);
}
