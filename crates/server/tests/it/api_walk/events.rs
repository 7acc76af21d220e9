//! Events, as they were sent and as they are listed.

use serde_json::json;
use testkit::receiver::Receiver;

use super::{is_id, is_uuid};
use crate::gateway::{Gateway, text, time};

#[tokio::test]
async fn an_event_is_shown_with_all_that_was_sent_and_its_deliveries() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let event = json!({
        "type": "order.paid",
        "data": { "id": 7, "price": 1.5, "name": "é€𝄞", "none": null, "list": [1, [2]] },
        "occurred_at": "2026-01-04T23:59:59.5Z",
        "summary": "Order 7 was paid",
        "workflow": { "id": "w1" },
        "brand": { "id": "b1", "name": "Brand" },
    });
    let unwanted = project.send_event(event.clone()).await;
    assert_eq!(unwanted, json!({ "id": unwanted["id"], "type": "order.paid", "deliveries": 0 }));
    is_id(&unwanted["id"], "evt_");
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let wanted = project.send_event(event.clone()).await;
    assert_eq!(wanted["deliveries"], 1);
    gateway.at_rest().await;

    let shown = project.http.get(&format!("/v1/events/{}", text(&wanted["id"]))).await.expect(200);
    for member in ["type", "data", "summary", "workflow", "brand"] {
        assert_eq!(shown[member], event[member], "{member}");
    }
    assert_eq!(shown["occurred_at"], "2026-01-04T23:59:59.500Z");
    assert_eq!(time(&shown["created_at"]), gateway.now());
    let deliveries = shown["deliveries"].as_array().expect("a list");
    assert_eq!((deliveries.len(), &deliveries[0]["status"]), (1, &json!("delivered")));
    is_uuid(&deliveries[0]["id"]);
    assert!(shown.to_string().contains(&text(&endpoint["id"])));
    let shown = project.http.get(&format!("/v1/events/{}", text(&unwanted["id"]))).await.expect(200);
    assert_eq!(shown["deliveries"], json!([]));

    // What the receiver got says the same.
    let body = receiver.requests()[0].json();
    assert_eq!((&body["type"], &body["data"]), (&event["type"], &event["data"]));
    assert_eq!(body["timestamp"], "2026-01-04T23:59:59.500Z");
}

#[tokio::test]
async fn events_are_listed_by_type_tenant_and_time() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let mut ids = Vec::new();
    for (event_type, tenant) in [("a.one", json!(null)), ("a.two", json!("t1")), ("a.two", json!("t2"))] {
        let event = json!({ "type": event_type, "data": {}, "tenant": tenant });
        ids.push(text(&project.send_event(event).await["id"]));
        gateway.advance("1h").await;
    }
    for (query, expected) in [
        ("", &[0, 1, 2][..]),
        ("type=a.two", &[1, 2]),
        ("type=a.none", &[]),
        ("tenant=t1", &[1]),
        ("type=a.two&tenant=t2", &[2]),
        ("since=2026-01-05T09:30:00Z", &[1, 2]),
        ("until=2026-01-05T10:30:00Z", &[0, 1]),
        ("since=2026-01-05T09:30:00Z&until=2026-01-05T10:30:00Z", &[1]),
    ] {
        let mut found: Vec<String> =
            project.list(&format!("/v1/events?{query}")).await.iter().map(|event| text(&event["id"])).collect();
        found.sort();
        let mut wanted: Vec<String> = expected.iter().map(|position| ids[*position].clone()).collect();
        wanted.sort();
        assert_eq!(found, wanted, "{query}");
    }
}
