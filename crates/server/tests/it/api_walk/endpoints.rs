//! Endpoints: what they show, what they get and what is sent to them besides.

use serde_json::{Value, json};
use testkit::receiver::Receiver;

use super::{has_members, is_id};
use crate::gateway::{Gateway, text};

#[tokio::test]
async fn an_endpoint_shows_what_was_asked_for() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let asked = json!({
        "url": "http://127.0.0.1:1/hook",
        "name": "Shop",
        "events": ["order.*", "invoice.paid"],
        "tenant": "t1",
        "headers": { "x-shop": "7" },
        "rate_limit": { "requests": 100, "per": "1s" },
        "ordering": "fifo",
        "timeout_ms": 2500,
        "retry": { "schedule": ["1s", "5m", "2h"] },
        "metadata": { "owner": "me" },
    });
    let made = project.register(asked.clone()).await;
    is_id(&made["id"], "ep_");
    assert!(text(&made["secret"]).starts_with("whsec_"), "{made:#}");
    let shown = project.show(&made).await;
    for (member, value) in asked.as_object().expect("an object") {
        assert_eq!((&made[member], &shown[member]), (value, value), "{member}");
    }
    has_members(&shown, &["id", "status", "disabled_reason", "failure_count", "last_delivery"]);
    assert_eq!((&shown["status"], &shown["failure_count"]), (&json!("active"), &json!(0)));
    assert_eq!((&shown["disabled_reason"], &shown["last_delivery"]), (&Value::Null, &Value::Null));
    assert!(shown.get("secret").is_none_or(Value::is_null), "the secret is shown once");

    // Some of it changes, the rest stays; null clears.
    let path = format!("/v1/endpoints/{}", text(&made["id"]));
    let change = json!({ "name": "Shop 2", "events": ["*"], "rate_limit": null, "tenant": null, "metadata": null });
    let changed = project.http.patch(&path, &change).await.expect(200);
    for (member, value) in change.as_object().expect("an object") {
        assert_eq!(changed[member], *value, "{member}");
    }
    for member in ["url", "headers", "ordering", "timeout_ms", "retry", "status"] {
        assert_eq!(changed[member], shown[member], "{member}");
    }
    assert_eq!(project.show(&made).await, changed);
    project.http.delete(&path).await.expect(204);
    assert_eq!(project.http.get(&path).await.expect(404)["code"], "not_found");
    assert!(project.list("/v1/endpoints").await.is_empty());
}

#[tokio::test]
async fn an_endpoint_gets_the_types_it_names() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let all = Receiver::healthy().start().await;
    let unnamed = Receiver::healthy().start().await;
    let orders = Receiver::healthy().start().await;
    let two = Receiver::healthy().start().await;
    project.register(json!({ "url": all.url(), "events": ["*"] })).await;
    project.register(json!({ "url": unnamed.url() })).await;
    project.register(json!({ "url": orders.url(), "events": ["order.*"] })).await;
    project.register(json!({ "url": two.url(), "events": ["order.paid", "invoice.sent"] })).await;

    for (event_type, deliveries) in
        [("order.paid", 4), ("order.line.added", 3), ("order", 2), ("orders.paid", 2), ("invoice.sent", 3), ("a", 2)]
    {
        let answer = project.send_event(json!({ "type": event_type, "data": {} })).await;
        assert_eq!(answer["deliveries"], deliveries, "{event_type}");
    }
    gateway.at_rest().await;
    assert_eq!([all.count(), unnamed.count(), orders.count(), two.count()], [6, 6, 2, 2]);
}

#[tokio::test]
async fn tenants_get_their_own_events_and_nobody_elses() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let mut receivers = Vec::new();
    for tenant in [json!("t1"), json!("t2"), json!(null)] {
        let receiver = Receiver::healthy().start().await;
        project.register(json!({ "url": receiver.url(), "tenant": tenant })).await;
        receivers.push(receiver);
    }
    for (tenant, deliveries) in [(json!("t1"), 2), (json!("t2"), 2), (json!("t3"), 1), (json!(null), 1)] {
        let answer = project.send_event(json!({ "type": "a", "data": { "of": tenant }, "tenant": tenant })).await;
        assert_eq!(answer["deliveries"], deliveries, "{tenant}");
    }
    gateway.at_rest().await;
    let got = |receiver: &Receiver| -> Vec<Value> {
        let mut tenants: Vec<Value> =
            receiver.requests().iter().map(|request| request.json()["data"]["of"].clone()).collect();
        tenants.sort_by_key(Value::to_string);
        tenants
    };
    assert_eq!(got(&receivers[0]), [json!("t1")]);
    assert_eq!(got(&receivers[1]), [json!("t2")]);
    assert_eq!(got(&receivers[2]), [json!("t1"), json!("t2"), json!("t3"), json!(null)]);
    assert_eq!(project.list("/v1/deliveries?tenant=t1").await.len(), 2);
}

#[tokio::test]
async fn authentication_and_headers_are_sent_and_secrets_are_not_shown() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for (auth, header, sent) in [
        (json!({ "type": "bearer", "token": "hidden-7" }), "authorization", "Bearer hidden-7"),
        (
            json!({ "type": "basic", "username": "u", "password": "hidden-7" }),
            "authorization",
            "Basic dTpoaWRkZW4tNw==",
        ),
        (json!({ "type": "api_key", "header": "X-Shop-Key", "value": "hidden-7" }), "x-shop-key", "hidden-7"),
    ] {
        let receiver = Receiver::healthy().start().await;
        let asked = json!({ "url": receiver.url(), "auth": auth, "headers": { "x-shop": "seven" }, "events": ["a.b"] });
        let made = project.register(asked).await;
        assert_eq!(made["auth"]["type"], auth["type"]);
        let event = project.send("a.b", json!({})).await;
        gateway.at_rest().await;
        let request = &receiver.requests()[0];
        assert_eq!((request.header(header), request.header("x-shop")), (Some(sent), Some("seven")));

        let secret = text(&made["secret"]);
        let deliveries = project.list(&format!("/v1/deliveries?event={event}&endpoint={}", text(&made["id"]))).await;
        let delivery = project.delivery(&text(&deliveries[0]["id"])).await;
        let told = &delivery["attempts"][0]["request_headers"];
        assert_eq!(told["x-shop"], "seven", "{told}");
        assert!(told.as_object().expect("an object").keys().any(|name| name.eq_ignore_ascii_case(header)), "{told}");
        let everything = [project.show(&made).await, delivery, json!(project.list("/v1/endpoints").await), {
            project
                .http
                .patch(&format!("/v1/endpoints/{}", text(&made["id"])), &json!({ "events": ["none"] }))
                .await
                .json()
        }];
        for shown in everything {
            let shown = shown.to_string();
            assert!(!shown.contains("hidden-7") && !shown.contains("dTpoaWRkZW4tNw"), "{shown}");
            assert!(!shown.contains(&secret), "{shown}");
        }
        assert!(!made["auth"].to_string().contains("hidden-7"), "write-only: {made:#}");
    }
}

#[tokio::test]
async fn headers_of_ones_own_do_not_displace_ours() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for header in
        ["webhook-id", "Webhook-Signature", "webhook-timestamp", "Host", "content-length", "transfer-encoding"]
    {
        let receiver = Receiver::healthy().start().await;
        let asked = json!({ "url": receiver.url(), "headers": { header: "7" }, "events": ["a.b"] });
        let answer = project.http.post("/v1/endpoints", &asked).await;
        if answer.status == 422 {
            let problem = answer.json();
            assert_eq!(problem["errors"][0]["pointer"], format!("/headers/{header}"), "{problem}");
            continue;
        }
        let endpoint = answer.expect(201);
        let event = project.send("a.b", json!({})).await;
        gateway.at_rest().await;
        let request = &receiver.requests()[0];
        assert_eq!(request.header("webhook-id"), Some(event.as_str()), "{header}");
        let sent: Vec<_> = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header)).collect();
        assert!(sent.iter().all(|(_, value)| value != "7"), "{header}: {sent:?}");
        project.http.delete(&format!("/v1/endpoints/{}", text(&endpoint["id"]))).await.expect(204);
    }
}

#[tokio::test]
async fn a_request_goes_to_the_path_and_query_of_its_url() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let url = receiver.url().replace("/hook", "/a%20b/%C3%A9;c?x=1&y=%26&z#fragment");
    project.register(json!({ "url": url })).await;
    project.send("a", json!({})).await;
    gateway.at_rest().await;
    let request = &receiver.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a%20b/%C3%A9;c?x=1&y=%26&z"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("host"), Some(receiver.address().to_string().as_str()));
}
