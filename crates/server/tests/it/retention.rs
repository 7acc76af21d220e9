//! How long data is kept: by the server, by a project, and what is left to see of what has gone.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::http::Answer;
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, Project, faults, text};

/// A receiver that says something when it says that all is well.
async fn talkative() -> Receiver {
    let thanks = Reply { body: b"thanks".to_vec(), ..Reply::status(200) };
    Receiver::behaving(vec![Behaviour::Reply(thanks)]).start().await
}

impl Project<'_> {
    async fn status_of(&self, path: &str) -> u16 {
        self.http.get(path).await.status
    }

    /// Asks for something that needs no body.
    async fn please(&self, path: &str) -> Answer {
        self.http.send(Method::POST, path, Bytes::new()).await
    }

    /// Sets how long the project keeps its data.
    async fn keep(&self, slug: &str, retention: Value) -> Answer {
        self.http.patch(&format!("/v1/projects/{slug}"), &json!({ "retention": retention })).await
    }
}

#[tokio::test]
async fn after_a_month_an_event_and_its_deliveries_are_as_if_they_never_were() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let event = project.send("invoice.paid", json!({ "id": 7 })).await;
    gateway.at_rest().await;
    let delivery = text(&project.only_delivery().await["id"]);
    let (event, delivery) = (format!("/v1/events/{event}"), format!("/v1/deliveries/{delivery}"));

    gateway.advance("28d").await;
    assert_eq!((project.status_of(&event).await, project.status_of(&delivery).await), (200, 200));
    let young = project.send("invoice.paid", json!({ "id": 8 })).await;
    gateway.advance("4d").await;

    for path in [&event, &delivery] {
        assert_eq!(project.http.get(path).await.expect(404)["code"], "not_found");
    }
    assert_eq!(project.please(&format!("{event}/replay")).await.expect(404)["code"], "not_found");
    assert_eq!(project.please(&format!("{delivery}/retry")).await.expect(404)["code"], "not_found");
    let listed = project.list("/v1/events").await;
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!(young)));
    assert_eq!(project.only_delivery().await["event_id"], young.as_str());
}

#[tokio::test]
async fn after_a_week_attempts_have_lost_their_bodies_and_say_so() {
    let receiver = talkative().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "events": ["plain"] })).await;
    project.register(json!({ "url": receiver.url(), "events": ["shaped"], "template": { "a": "b" } })).await;
    let (plain, shaped) = (project.send("plain", json!({})).await, project.send("shaped", json!({})).await);
    gateway.at_rest().await;
    let seen = async |event: &str| {
        let delivery = project.delivery_of(event).await;
        let attempt = &delivery["attempts"][0];
        let answer = (attempt["response_body"].clone(), attempt["body_dropped"].clone());
        (delivery["request_body"].clone(), answer.0, answer.1, attempt["status_code"].clone())
    };
    let sent = seen(&plain).await.0;
    assert!(sent.is_string(), "{sent}");
    assert_eq!(seen(&shaped).await, (json!(r#"{"a":"b"}"#), json!("thanks"), json!(false), json!(200)));

    gateway.advance("9d").await;

    assert_eq!(seen(&plain).await, (sent, json!(""), json!(true), json!(200)), "it is made again from the event");
    assert_eq!(seen(&shaped).await, (Value::Null, json!(""), json!(true), json!(200)));
}

#[tokio::test]
async fn a_delivery_whose_body_was_dropped_is_sent_again_with_a_new_one() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "template": { "id": "{{event.data.id}}" } })).await;
    let event = project.send("invoice.paid", json!({ "id": "seven" })).await;
    gateway.advance("9d").await;
    let delivery = project.delivery_of(&event).await;
    assert_eq!(delivery["request_body"], Value::Null);

    project.please(&format!("/v1/deliveries/{}/retry", text(&delivery["id"]))).await.expect(202);
    gateway.at_rest().await;

    let delivery = project.delivery_of(&event).await;
    assert_eq!(delivery["request_body"], r#"{"id":"seven"}"#);
    let dropped: Vec<&Value> =
        delivery["attempts"].as_array().expect("a list").iter().map(|attempt| &attempt["body_dropped"]).collect();
    assert_eq!(dropped, [true, false]);
    assert_eq!(receiver.requests()[1].body, receiver.requests()[0].body);
}

#[tokio::test]
async fn what_waits_for_a_paused_endpoint_waits_however_long_it_takes() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let later = gateway.now() + std::time::Duration::from_secs(60);
    let event = json!({ "type": "invoice.paid", "data": {}, "deliver_at": later });
    let event = text(&project.send_event(event).await["id"]);
    project.ask(&endpoint, "pause").await;

    gateway.advance("60d").await;
    assert_eq!(project.delivery_of(&event).await["status"], "pending");

    project.ask(&endpoint, "resume").await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 1);
    gateway.advance("3d").await;
    assert_eq!(project.status_of(&format!("/v1/events/{event}")).await, 404);
}

#[tokio::test]
async fn an_idempotency_key_is_forgotten_with_its_event() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let http = project.http.clone().header("idempotency-key", "order-7");
    let event = json!({ "type": "order.paid", "data": {} });
    let first = http.post("/v1/events", &event).await.expect(202);
    gateway.advance("28d").await;
    assert_eq!(http.post("/v1/events", &event).await.expect(200)["id"], first["id"]);
    gateway.advance("4d").await;
    assert_ne!(http.post("/v1/events", &event).await.expect(202)["id"], first["id"]);
}

#[tokio::test]
async fn the_configuration_says_how_long_and_a_project_may_say_otherwise() {
    let period = |text: &str| text.parse().expect("a period");
    let gateway = Gateway::new().configured(move |config| config.retention.contents = period("3d")).start().await;
    let (usual, long) = (gateway.project("usual").await, gateway.project("long").await);
    let kept = long.keep("long", json!({ "contents": "10d" })).await.expect(200);
    assert_eq!(kept["retention"], json!({ "contents": "10d", "attempt_bodies": null }));
    for project in [&usual, &long] {
        project.send("invoice.paid", json!({})).await;
    }
    let left = async || (usual.list("/v1/events").await.len(), long.list("/v1/events").await.len());

    gateway.advance("5d").await;
    assert_eq!(left().await, (0, 1));

    long.keep("long", Value::Null).await.expect(200);
    gateway.advance("2h").await;
    assert_eq!(left().await, (0, 0));
}

#[tokio::test]
async fn a_project_shows_how_long_it_keeps_its_data_and_changes_a_part_of_it() {
    let gateway = Gateway::new().start().await;
    let servers = json!({ "contents": null, "attempt_bodies": null });
    let made = gateway.admin().post("/v1/projects", &json!({ "name": "Usual" })).await.expect(201);
    assert_eq!(made["retention"], servers);
    let asked = json!({ "name": "Own", "retention": { "contents": "90d", "attempt_bodies": "0s" } });
    let made = gateway.admin().post("/v1/projects", &asked).await.expect(201);
    assert_eq!(made["retention"], asked["retention"]);

    let path = format!("/v1/projects/{}", text(&made["id"]));
    let admin = gateway.admin();
    let change = async |retention: Value| admin.patch(&path, &json!({ "retention": retention })).await;
    let changed = change(json!({ "contents": "forever" })).await.expect(200);
    assert_eq!(changed["retention"], json!({ "contents": "forever", "attempt_bodies": "0s" }));
    let changed = change(json!({ "attempt_bodies": null })).await.expect(200);
    assert_eq!(changed["retention"], json!({ "contents": "forever", "attempt_bodies": null }));
    admin.patch(&path, &json!({ "name": "Other" })).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200)["retention"]["contents"], "forever");

    let refused = change(json!({ "contents": "1h", "attempt_bodies": "soon" })).await.expect(422);
    let places: Vec<String> = faults(&refused).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/retention/contents", "/retention/attempt_bodies"]);
    change(json!({ "content": "90d" })).await.expect(422);
    change(json!("90d")).await.expect(422);
    assert_eq!(change(Value::Null).await.expect(200)["retention"], servers);
}
