//! What is asked for is answered, no more of it is read, and a project that asks for much is answered in its turn.

use serde_json::{Value, json};
use testkit::receiver::Receiver;
use tokio::task::JoinSet;

use crate::gateway::{Gateway, text};

/// Large enough that two copies of it show.
const LARGE: usize = 200_000;

#[tokio::test]
async fn a_body_that_is_sent_again_is_kept_once_and_shown_where_it_is_asked_for() {
    let receiver = Receiver::replying([500, 502, 503, 204]).start().await;
    let gateway = Gateway::new().retry(["1s", "1s", "1s"]).start().await;
    let project = gateway.project("acme").await;
    let template = json!({ "all": "{{event.data.all}}" });
    project.register(json!({ "url": receiver.url(), "template": template })).await;
    project.send("invoice.paid", json!({ "all": "x".repeat(LARGE) })).await;
    for _ in 0..3 {
        gateway.advance("2s").await;
    }

    let whole = project.only_delivery().await;
    let path = format!("/v1/deliveries/{}", text(&whole["id"]));
    let without = project.http.get(&format!("{path}?bodies=false")).await.expect(200);

    assert_eq!(whole["status"], "delivered", "{without:#}");
    assert_eq!(text(&whole["request_body"]), receiver.requests()[3].text());
    assert!(without.get("request_body").is_none());
    let attempts = without["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|attempt| attempt.get("response_body").is_none()));
    assert_eq!(attempts[3]["status_code"], 204);
    let problem = project.http.get(&format!("{path}?bodies=perhaps")).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "?bodies");
}

#[tokio::test]
async fn what_many_requests_show_at_once_is_answered_by_and_by() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let event = project.send("invoice.paid", json!({ "all": "x".repeat(LARGE) })).await;
    let mut asking = JoinSet::new();
    for _ in 0..60 {
        let (http, path) = (project.http.clone(), format!("/v1/events/{event}"));
        asking.spawn(async move { http.get(&path).await.expect(200) });
    }
    let shown: Vec<Value> = asking.join_all().await;
    assert!(shown.iter().all(|event| text(&event["data"]["all"]).len() == LARGE));
    assert!(project.list("/v1/events").await[0].get("data").is_none());
}
