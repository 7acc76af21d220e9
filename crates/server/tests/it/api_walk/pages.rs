//! Lists come in pages.

use serde_json::{Value, json};
use testkit::http::Http;
use testkit::receiver::Receiver;

use super::has_members;
use crate::gateway::{Gateway, list, text};

#[tokio::test]
async fn lists_come_in_pages_without_gaps_or_repeats() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for number in 0..8 {
        let events = if number == 0 { json!(["*"]) } else { json!(["never"]) };
        project.register(json!({ "url": receiver.url(), "events": events })).await;
        project.http.post("/v1/keys", &json!({ "name": "k", "scopes": ["read"] })).await.expect(201);
    }
    // All at one moment, so that time alone orders nothing.
    let events: Vec<Value> = (0..8).map(|n| json!({ "type": "a", "data": { "n": n } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    gateway.at_rest().await;
    let endpoint = text(&project.deliveries().await[0]["endpoint_id"]);
    for slug in ["p1", "p2", "p3", "p4", "p5", "p6"] {
        gateway.project(slug).await;
    }

    let admin = gateway.admin();
    for (path, http) in [
        ("/v1/events?", &project.http),
        ("/v1/events?type=a&", &project.http),
        ("/v1/deliveries?", &project.http),
        ("/v1/deliveries?status=delivered&", &project.http),
        (&format!("/v1/endpoints/{endpoint}/deliveries?"), &project.http),
        ("/v1/endpoints?", &project.http),
        ("/v1/keys?", &project.http),
        ("/v1/projects?", &admin),
    ] {
        let all = list(http, &format!("{path}limit=250")).await;
        assert!(all.len() >= 8, "{path} {}", all.len());
        for limit in [1, 3, 7, all.len()] {
            assert_eq!(pages(http, path, limit).await, all, "{path}limit={limit}");
        }
        let page = http.get(&format!("{path}limit=250")).await.expect(200);
        has_members(&page, &["data", "next_cursor"]);
        assert_eq!(page["next_cursor"], Value::Null, "{path}");
    }
}

/// All there is, page by page.
pub(super) async fn pages(http: &Http, path: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = http.get(&format!("{path}limit={limit}{cursor}")).await.expect(200);
        let data = page["data"].as_array().expect("a list");
        assert!(data.len() <= limit);
        all.extend_from_slice(data);
        match page["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(data.len(), limit, "only the last page is short");
                cursor = format!(
                    "&cursor={}",
                    percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC)
                );
            }
            None => return all,
        }
    }
}

#[tokio::test]
async fn what_comes_meanwhile_does_not_disturb_the_pages() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for number in 0..6 {
        project.send("a", json!({ "n": number })).await;
    }
    let before = project.list("/v1/events").await;
    let first = project.http.get("/v1/events?limit=3").await.expect(200);
    for number in 6..9 {
        project.send("a", json!({ "n": number })).await;
    }
    let second =
        project.http.get(&format!("/v1/events?limit=3&cursor={}", text(&first["next_cursor"]))).await.expect(200);
    let seen: Vec<Value> =
        [&first, &second].iter().flat_map(|page| page["data"].as_array().expect("a list").clone()).collect();
    assert_eq!(seen, before);
}

#[tokio::test]
async fn a_page_has_fifty_unless_asked_otherwise_and_250_at_most() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let events: Vec<Value> = (0..300).map(|_| json!({ "type": "a", "data": {} })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    assert_eq!(project.list("/v1/events").await.len(), 50);
    assert_eq!(project.list("/v1/events?limit=250").await.len(), 250);
}
