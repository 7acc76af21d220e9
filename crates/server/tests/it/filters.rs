//! Filters, as customers meet them: what they get, what they are told, what they may write.

use serde_json::{Value, json};
use testkit::receiver::Receiver;

use crate::api_walk::jobs::over;
use crate::gateway::{Gateway, Project, text};

impl Project<'_> {
    async fn sends_orders(&self, data: &[Value]) {
        for data in data {
            self.send("order.paid", data.clone()).await;
        }
    }

    async fn patches(&self, endpoint: &Value, change: Value) -> Value {
        self.http.patch(&format!("/v1/endpoints/{}", text(&endpoint["id"])), &change).await.expect(200)
    }
}

/// What the receiver got, in the order it came.
fn amounts(receiver: &Receiver) -> Vec<Value> {
    receiver.requests().iter().map(|request| request.json()["data"]["amount"].clone()).collect()
}

#[tokio::test]
async fn an_endpoint_gets_the_events_that_its_filter_lets_through() {
    let receiver = Receiver::replying([204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let filter = "event.type == 'order.paid' && event.data.amount > 100";
    let endpoint = project.register(json!({ "url": receiver.url(), "filter": filter })).await;
    assert_eq!(endpoint["filter"], filter);

    let small = project.send_event(json!({ "type": "order.paid", "data": { "amount": 100 } })).await;
    let large = project.send_event(json!({ "type": "order.paid", "data": { "amount": 100.5 } })).await;
    gateway.advance("1s").await;

    assert_eq!((&small["deliveries"], &large["deliveries"]), (&json!(0), &json!(1)));
    assert_eq!(amounts(&receiver), [json!(100.5)]);
    assert_eq!(project.only_delivery().await["notes"], json!([]));
}

#[tokio::test]
async fn an_event_at_which_the_filter_fails_is_delivered_and_the_failure_noted() {
    let receiver = Receiver::replying([204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "filter": "event.data.amount > 100" })).await;

    project.sends_orders(&[json!({ "total": 1 })]).await;
    gateway.advance("1s").await;

    let delivery = project.only_delivery().await;
    assert_eq!(delivery["status"], "delivered");
    assert_eq!(delivery["notes"], json!(["the filter failed: there is no `amount` in this event"]));
}

#[tokio::test]
async fn a_filter_is_changed_and_cleared_from_the_next_event_on() {
    let receiver = Receiver::replying([204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "filter": "false" })).await;
    let order = json!({ "amount": 1 });

    project.sends_orders(std::slice::from_ref(&order)).await;
    let changed = project.patches(&endpoint, json!({ "filter": "event.data.amount == 2" })).await;
    project.sends_orders(&[order.clone(), json!({ "amount": 2 })]).await;
    let cleared = project.patches(&endpoint, json!({ "filter": null })).await;
    project.sends_orders(&[json!({ "amount": 3 })]).await;
    gateway.advance("1s").await;

    assert_eq!((&changed["filter"], &cleared["filter"]), (&json!("event.data.amount == 2"), &Value::Null));
    assert_eq!(project.show(&endpoint).await["filter"], Value::Null);
    let mut got = amounts(&receiver);
    got.sort_by_key(Value::as_i64);
    assert_eq!(got, [json!(2), json!(3)]);
}

#[tokio::test]
async fn a_filter_that_is_not_right_is_refused_with_all_its_mistakes() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": "https://example.com/", "filter": "true" })).await;
    let cases = [
        ("event.data.x >> 1", vec!["column 15: near `>`: this has no place here"]),
        ("event.typ == order", vec!["column 6: an event has no `typ`", "column 14: there is no `order`"]),
        ("event.data.x.lower() == 'a'", vec!["there is no function `lower`; there are size"]),
        ("event.type.matches('(')", vec!["`(` is not a regular expression"]),
        ("event.data.amount + 1", vec!["it does not say yes or no"]),
        (&"(".repeat(5_000), vec!["it has 5000 bytes, and may have 4096"]),
        (&"(".repeat(300), vec!["its brackets stand 300 levels inside each other"]),
        ("", vec!["it is empty"]),
    ];
    for (filter, mistakes) in cases {
        let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
        let asked = json!({ "url": "https://example.com/", "filter": filter });
        for refused in [
            project.http.post("/v1/endpoints", &asked).await.expect(422),
            project.http.patch(&path, &json!({ "filter": filter })).await.expect(422),
        ] {
            assert_eq!(refused["code"], "filter_invalid", "{refused}");
            let errors = refused["errors"].as_array().unwrap();
            assert_eq!(errors.len(), mistakes.len(), "{refused}");
            for (error, mistake) in errors.iter().zip(&mistakes) {
                assert_eq!(error["pointer"], "/filter");
                assert!(text(&error["message"]).contains(mistake), "{error}");
            }
        }
    }
    assert_eq!(project.show(&endpoint).await["filter"], "true");
    assert_eq!(project.list("/v1/endpoints").await.len(), 1);
}

#[tokio::test]
async fn replays_and_recoveries_ask_the_filter() {
    let receiver = Receiver::replying([204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let small = project.send("order.paid", json!({ "amount": 1 })).await;
    let large = project.send("order.paid", json!({ "amount": 2 })).await;
    gateway.advance("1s").await;
    let since = gateway.now() - crate::gateway::span("1h");
    let endpoint = project.register(json!({ "url": receiver.url(), "filter": "event.data.amount == 2" })).await;

    let recover = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
    let job = project.http.post(&recover, &json!({ "since": since })).await.expect(202);
    let job = over(&gateway, &project, &job).await;
    assert_eq!((&job["total"], &job["done"]), (&json!(1), &json!(1)));
    assert_eq!(amounts(&receiver), [json!(2)], "what the filter refuses was not missed");

    for (event, total) in [(small, 0), (large, 1)] {
        let job = project.http.post(&format!("/v1/events/{event}/replay"), &json!({})).await.expect(202);
        let job = over(&gateway, &project, &job).await;
        assert_eq!((&job["total"], &job["done"]), (&json!(total), &json!(total)));
    }
    assert_eq!(amounts(&receiver), [json!(2), json!(2)]);
}

#[tokio::test]
async fn a_test_event_goes_past_the_filter() {
    let receiver = Receiver::replying([204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "filter": "false" })).await;
    let tested = project.ask(&endpoint, "test").await;
    assert_eq!(tested["delivery"]["status"], "delivered");
    assert_eq!(receiver.requests().len(), 1);
}
