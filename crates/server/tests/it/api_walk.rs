//! A walk through the contract's routes: what is asked for comes back, by its name, in its shape.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::behaviour::Behaviour;
use testkit::http::Http;
use testkit::patiently;
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, Project, list, span, text, time};

/// Fails unless `value` is an object with exactly these members.
#[track_caller]
fn has_members(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "no {member} in {value:#}");
    }
}

/// An id of ours: a prefix and 26 characters or so of base 32.
#[track_caller]
fn is_id(value: &Value, prefix: &str) {
    let id = text(value);
    let rest = id.strip_prefix(prefix).unwrap_or_else(|| panic!("{id} does not begin with {prefix}"));
    assert!(rest.len() >= 20 && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{id}");
}

/// A UUID of version 7.
#[track_caller]
fn is_uuid(value: &Value) {
    let id = text(value);
    let shape: String = id.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "{id}");
    assert_eq!(&id[14..15], "7", "{id}");
}

#[tokio::test]
async fn projects_are_made_shown_changed_and_deleted() {
    let gateway = Gateway::new().start().await;
    let admin = gateway.admin();
    let made = admin.post("/v1/projects", &json!({ "name": "Acme Shop", "dialect": "standard" })).await.expect(201);
    has_members(&made, &["id", "slug", "name", "dialect", "api_key"]);
    is_id(&made["id"], "prj_");
    assert_eq!((&made["name"], &made["dialect"]), (&json!("Acme Shop"), &json!("standard")));
    let (slug, key) = (text(&made["slug"]), text(&made["api_key"]));
    assert!(!slug.is_empty() && !slug.contains(' '), "{slug}");

    let path = format!("/v1/projects/{}", text(&made["id"]));
    let shown = admin.get(&path).await.expect(200);
    assert_eq!((&shown["slug"], &shown["name"]), (&made["slug"], &made["name"]));
    assert!(!admin.get(&path).await.text().contains(&key), "the key is shown once");
    assert!(!admin.get("/v1/projects").await.text().contains(&key), "the key is shown once");

    let changed = admin.patch(&path, &json!({ "name": "Acme" })).await.expect(200);
    assert_eq!((&changed["name"], &changed["slug"]), (&json!("Acme"), &made["slug"]));
    let taken = admin.post("/v1/projects", &json!({ "name": "Another", "slug": slug })).await.expect(409);
    assert_eq!(taken["code"], "conflict");

    let own = Http::new(gateway.url()).key(&key);
    own.post("/v1/events", &json!({ "type": "a", "data": {} })).await.expect(202);
    assert_eq!(list(&admin.clone().header("posthaste-project", &slug), "/v1/events").await.len(), 1);
    assert_eq!(list(&admin, "/v1/events").await.len(), 0, "the admin's project is `default` unless another is named");

    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(own.get("/v1/events").await.expect(401)["code"], "unauthorized");
}

#[tokio::test]
async fn the_default_project_is_there_and_speaks_standard() {
    let gateway = Gateway::new().start().await;
    let projects = list(&gateway.admin(), "/v1/projects").await;
    assert_eq!(projects.len(), 1);
    assert_eq!((&projects[0]["slug"], &projects[0]["dialect"]), (&json!("default"), &json!("standard")));
}

#[tokio::test]
async fn keys_are_made_shown_without_their_secret_and_revoked() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let scopes = json!(["events:write", "endpoints:write", "read", "sources:write", "admin", "portal"]);
    let made = project.http.post("/v1/keys", &json!({ "name": "all", "scopes": scopes })).await.expect(201);
    has_members(&made, &["id", "name", "scopes", "api_key"]);
    is_id(&made["id"], "key_");
    assert_eq!((&made["name"], &made["scopes"]), (&json!("all"), &scopes));
    let secret = text(&made["api_key"]);

    let path = format!("/v1/keys/{}", text(&made["id"]));
    for path in [&path, "/v1/keys"] {
        let answer = project.http.get(path).await;
        assert!(answer.status == 200 && answer.text().contains(&text(&made["id"])), "{}", answer.text());
        assert!(!answer.text().contains(&secret) && !answer.text().contains("api_key"), "{}", answer.text());
    }
    let own = Http::new(gateway.url()).key(&secret);
    assert_eq!(own.get("/v1/events").await.status, 200);
    project.http.delete(&path).await.expect(204);
    assert_eq!(own.get("/v1/events").await.expect(401)["code"], "unauthorized");
    assert_eq!(project.http.get(&path).await.status, 404);
}

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

#[tokio::test]
async fn deliveries_are_listed_by_every_filter() {
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await;
    let (good, bad) = (Receiver::healthy().start().await, Receiver::replying([503]).start().await);
    let good = project.register(json!({ "url": good.url() })).await;
    let bad = project.register(json!({ "url": bad.url(), "events": ["a.two"], "tenant": "t1" })).await;
    let (good, bad) = (text(&good["id"]), text(&bad["id"]));
    let one = project.send("a.one", json!({})).await;
    gateway.advance("1h").await;
    let two = text(&project.send_event(json!({ "type": "a.two", "data": {}, "tenant": "t1" })).await["id"]);
    gateway.advance("1h").await;

    for (query, expected) in [
        (String::new(), 3),
        ("status=delivered".to_owned(), 2),
        ("status=failed".to_owned(), 1),
        ("status=pending".to_owned(), 0),
        ("status=cancelled".to_owned(), 0),
        ("event_type=a.two".to_owned(), 2),
        (format!("event={one}"), 1),
        (format!("event={two}"), 2),
        (format!("endpoint={good}"), 2),
        (format!("endpoint={bad}"), 1),
        ("tenant=t1".to_owned(), 2),
        ("status_code=503".to_owned(), 1),
        ("status_code=204".to_owned(), 2),
        ("status_code=500".to_owned(), 0),
        ("since=2026-01-05T09:30:00Z".to_owned(), 2),
        ("until=2026-01-05T09:30:00Z".to_owned(), 1),
        (format!("endpoint={good}&status=delivered&event_type=a.two&tenant=t1&status_code=204"), 1),
    ] {
        assert_eq!(project.list(&format!("/v1/deliveries?{query}")).await.len(), expected, "{query}");
    }
    for (query, expected) in [("", 2), ("status=delivered", 2), ("event_type=a.one", 1), ("status_code=503", 0)] {
        let path = format!("/v1/endpoints/{good}/deliveries?{query}");
        assert_eq!(project.list(&path).await.len(), expected, "{query}");
    }

    let listed = &project.list("/v1/deliveries?status=failed").await[0];
    is_uuid(&listed["id"]);
    has_members(listed, &["id", "status", "next_attempt_at"]);
    let full = project.delivery(&text(&listed["id"])).await;
    assert_eq!(full["attempts"].as_array().map(Vec::len), Some(2));
    let last = project.http.get(&format!("/v1/endpoints/{bad}")).await.expect(200);
    assert_eq!(last["last_delivery"]["id"], listed["id"], "{last:#}");
}

#[tokio::test]
async fn the_body_that_was_sent_is_kept_byte_for_byte() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let odd = r#"{ "type": "a.odd", "data": {"b":1.00,"a" : "\u00e9\u2028", "n":12345678901234567890, "b":2 } }"#;
    project.http.send(Method::POST, "/v1/events", odd.into()).await.expect(202);
    gateway.at_rest().await;
    let sent = receiver.requests()[0].text().to_owned();
    assert_eq!(project.only_delivery().await["request_body"], sent);
    assert!(sent.contains("1.00") && sent.contains("12345678901234567890"), "{sent}");
}

#[tokio::test]
async fn a_test_waits_for_the_attempt_whatever_the_receiver_says() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    for status in [204, 500, 302] {
        let receiver = Receiver::replying([status]).start().await;
        // An endpoint that wants nothing of the kind, and one that is paused, are tested too.
        let endpoint = json!({ "url": receiver.url(), "events": ["never.sent"], "active": status != 500 });
        let endpoint = project.register(endpoint).await;
        let answer = project.ask(&endpoint, "test").await;
        has_members(&answer["delivery"], &["id", "status", "attempts", "request_body"]);
        let attempts = answer["delivery"]["attempts"].as_array().expect("a list");
        assert_eq!((attempts.len(), &attempts[0]["status_code"]), (1, &json!(status)), "{answer:#}");
        let expected = if status == 204 { "delivered" } else { "failed" };
        assert_eq!(answer["delivery"]["status"], expected, "a test is not repeated");
        gateway.advance("1d").await;
        assert_eq!(receiver.count(), 1);
        assert!(receiver.requests()[0].header("webhook-signature").is_some());
    }
}

#[tokio::test]
async fn a_test_of_a_receiver_that_hangs_answers_when_its_time_is_over() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "timeout_ms": 3000 })).await;
    let passing = async {
        receiver.received(1).await;
        gateway.env.advance(span("3s"));
    };
    let (answer, ()) = tokio::join!(project.ask(&endpoint, "test"), passing);
    assert_eq!(answer["delivery"]["attempts"][0]["error"]["kind"], "timeout", "{answer:#}");
}

#[tokio::test]
async fn a_rate_limit_is_a_bucket_that_starts_full() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": receiver.url(), "rate_limit": { "requests": 10, "per": "1s" } })).await;
    let unlimited = Receiver::healthy().start().await;
    project.register(json!({ "url": unlimited.url() })).await;
    let events: Vec<Value> = (0..100).map(|n| json!({ "type": "a", "data": { "n": n } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);

    gateway.at_rest().await;
    assert_eq!((receiver.count(), unlimited.count()), (10, 100), "a full bucket, and nobody else is held up");
    gateway.advance("500ms").await;
    assert!((14..=15).contains(&receiver.count()), "{}", receiver.count());
    gateway.advance("4500ms").await;
    assert!((59..=60).contains(&receiver.count()), "{}", receiver.count());
    gateway.advance("5s").await;
    assert_eq!(receiver.count(), 100);

    // It is full again after a second, and not fuller.
    gateway.advance("1h").await;
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 110);
}

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
async fn pages(http: &Http, path: &str, limit: usize) -> Vec<Value> {
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

#[tokio::test]
async fn health_readiness_and_the_reference_need_no_key() {
    let gateway = Gateway::new().start().await;
    let stranger = Http::new(gateway.url());
    for path in ["/healthz", "/readyz"] {
        assert_eq!(stranger.get(path).await.status, 200, "{path}");
    }
    let document = stranger.get("/openapi.json").await.expect(200);
    assert!(text(&document["openapi"]).starts_with("3.1"));
    for (path, methods) in [
        ("/v1/projects", &["post", "get"][..]),
        ("/v1/projects/{id}", &["get", "patch", "delete"]),
        ("/v1/keys", &["post", "get"]),
        ("/v1/keys/{id}", &["get", "delete"]),
        ("/v1/events", &["post", "get"]),
        ("/v1/events/batch", &["post"]),
        ("/v1/events/{id}", &["get"]),
        ("/v1/events/{id}/replay", &["post"]),
        ("/v1/endpoints", &["post", "get"]),
        ("/v1/endpoints/{id}", &["get", "patch", "delete"]),
        ("/v1/endpoints/{id}/pause", &["post"]),
        ("/v1/endpoints/{id}/resume", &["post"]),
        ("/v1/endpoints/{id}/test", &["post"]),
        ("/v1/endpoints/{id}/rotate-secret", &["post"]),
        ("/v1/endpoints/{id}/recover", &["post"]),
        ("/v1/endpoints/{id}/deliveries", &["get"]),
        ("/v1/deliveries", &["get"]),
        ("/v1/deliveries/{id}", &["get"]),
        ("/v1/deliveries/{id}/retry", &["post"]),
        ("/v1/jobs/{id}", &["get", "delete"]),
        ("/healthz", &["get"]),
        ("/readyz", &["get"]),
    ] {
        for method in methods {
            assert!(document["paths"][path][method].is_object(), "{method} {path} is not described");
        }
    }
    let docs = stranger.get("/docs").await;
    assert_eq!(docs.status, 200);
    assert!(docs.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert!(docs.text().contains("/v1/events"));
}

#[tokio::test]
async fn every_answer_in_the_reference_is_json_and_every_problem_has_a_place_to_read_on() {
    let gateway = Gateway::new().start().await;
    let answer = gateway.admin().get("/v1/endpoints/ep_x").await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    let page = text(&problem["type"]);
    let path = page.split('#').next().expect("a path").trim_start_matches(&gateway.url()).to_owned();
    assert_eq!(gateway.admin().get(&path).await.status, 200, "{page} leads nowhere");
    assert_eq!(answer.header("x-request-id"), problem["request_id"].as_str());
}

/// Asks for a job with an empty or a given body, and answers it.
async fn job(project: &Project<'_>, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let job = project.http.send(Method::POST, path, body).await.expect(202);
    has_members(&job, &["id", "kind", "status", "total", "done", "failed", "created_at"]);
    is_id(&job["id"], "job_");
    assert!(["running", "done"].contains(&text(&job["status"]).as_str()), "{job}");
    job
}

/// The job, when it is over and what it began is done.
pub(crate) async fn over(gateway: &Gateway, project: &Project<'_>, job: &Value) -> Value {
    let path = format!("/v1/jobs/{}", text(&job["id"]));
    let waiting = async {
        loop {
            let job = project.http.get(&path).await.expect(200);
            if job["status"] != "running" {
                gateway.advance("1m").await;
                return job;
            }
            gateway.advance("1s").await;
        }
    };
    patiently(waiting, || format!("the job does not end: {job}")).await
}

#[tokio::test]
async fn a_replay_sends_an_event_again_under_its_own_id() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;
    let event = project.send("order.paid", json!({ "id": 7 })).await;
    gateway.advance("1h").await;
    let late = Receiver::healthy().start().await;
    project.register(json!({ "url": late.url() })).await;

    let replay = job(&project, &format!("/v1/events/{event}/replay"), &Value::Null).await;
    let replay = over(&gateway, &project, &replay).await;
    assert_eq!((&replay["status"], &replay["failed"]), (&json!("done"), &json!(0)), "{replay}");
    assert_eq!(replay["done"], replay["total"]);
    assert_eq!((receiver.count(), late.count()), (2, 1), "it goes to every endpoint that wants it");
    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.header("webhook-id") == Some(&event)));
    assert_eq!(requests[0].body, requests[1].body);
}

/// An endpoint with a past: one event was delivered, one failed, one was missed.
async fn with_a_past<'a>(gateway: &'a Gateway, receiver: &Receiver) -> (Project<'a>, Value, [String; 3]) {
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "retry": { "schedule": ["1s"] } })).await;
    let delivered = project.send("a.delivered", json!({})).await;
    gateway.advance("1m").await;
    let failed = project.send("a.failed", json!({})).await;
    gateway.advance("1m").await;
    project.ask(&endpoint, "pause").await;
    let missed = project.send("a.missed", json!({})).await;
    project.ask(&endpoint, "resume").await;
    gateway.advance("1m").await;
    assert_eq!(receiver.statuses(), [204, 500, 500]);
    (project, endpoint, [delivered, failed, missed])
}

#[tokio::test]
async fn recover_sends_what_failed_what_was_missed_or_both() {
    for (only, expected) in [("failed", &[1][..]), ("missed", &[2]), ("all", &[1, 2])] {
        let receiver = Receiver::replying([204, 500, 500, 204]).start().await;
        let gateway = Gateway::new().start().await;
        let (project, endpoint, events) = with_a_past(&gateway, &receiver).await;
        let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
        let recovery = job(&project, &path, &json!({ "since": "2026-01-05T09:00:00Z", "only": only })).await;
        let recovery = over(&gateway, &project, &recovery).await;

        assert_eq!(recovery["status"], "done", "{recovery}");
        assert_eq!((&recovery["total"], &recovery["done"]), (&json!(expected.len()), &json!(expected.len())), "{only}");
        let mut sent: Vec<String> = receiver.requests()[3..]
            .iter()
            .map(|request| request.header("webhook-id").unwrap_or("").to_owned())
            .collect();
        sent.sort();
        let mut wanted: Vec<String> = expected.iter().map(|position| events[*position].clone()).collect();
        wanted.sort();
        assert_eq!(sent, wanted, "{only}");
        for position in expected {
            let deliveries = project.list(&format!("/v1/deliveries?event={}", events[*position])).await;
            assert!(deliveries.iter().any(|delivery| delivery["status"] == "delivered"), "{only}: {deliveries:?}");
        }
    }
}

#[tokio::test]
async fn recover_heeds_since_and_until_and_what_the_endpoint_wants() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let mut events = Vec::new();
    for event_type in ["a.first", "a.second", "b.third", "a.fourth"] {
        events.push(project.send(event_type, json!({})).await);
        gateway.advance("1h").await;
    }
    project.send_event(json!({ "type": "a.of_a_tenant", "data": {}, "tenant": "t1" })).await;
    let endpoint = project.register(json!({ "url": receiver.url(), "events": ["a.*"] })).await;
    let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
    let window = json!({ "since": "2026-01-05T09:30:00Z", "until": "2026-01-05T12:30:00Z", "only": "missed" });
    let recovery = job(&project, &path, &window).await;
    assert_eq!(over(&gateway, &project, &recovery).await["total"], 2);
    let sent: Vec<String> =
        receiver.requests().iter().map(|request| request.header("webhook-id").unwrap_or("").to_owned()).collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.contains(&events[1]) && sent.contains(&events[3]), "{sent:?}");

    // What was recovered is missed no more.
    let recovery = job(&project, &path, &window).await;
    assert_eq!(over(&gateway, &project, &recovery).await["total"], 0);
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn a_recovery_that_is_cancelled_ends() {
    const MISSED: usize = 5_000;
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let events: Vec<Value> = (0..MISSED).map(|n| json!({ "type": "a", "data": { "n": n } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    gateway.advance("1m").await;
    // So slow that the recovery, which does not crowd out what comes meanwhile, is not over by itself.
    let slow = json!({ "url": receiver.url(), "rate_limit": { "requests": 1, "per": "24h" } });
    let endpoint = project.register(slow).await;
    let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
    let recovery = job(&project, &path, &json!({ "since": "2026-01-05T00:00:00Z", "only": "missed" })).await;
    assert_eq!((&recovery["status"], &recovery["total"]), (&json!("running"), &json!(MISSED)));
    let path = format!("/v1/jobs/{}", text(&recovery["id"]));
    project.http.delete(&path).await.expect(204);

    let cancelled = over(&gateway, &project, &recovery).await;
    assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
    let made = pages(&project.http, "/v1/deliveries?", 250).await.len();
    assert!(made < MISSED, "all of it was done in spite of that");
    gateway.advance("1h").await;
    assert_eq!(pages(&project.http, "/v1/deliveries?", 250).await.len(), made);
    assert_eq!(project.http.get(&path).await.expect(200), cancelled);
}

#[tokio::test]
async fn a_recovery_does_not_crowd_out_what_comes_meanwhile() {
    const MISSED: usize = 2_500;
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let events: Vec<Value> = (0..MISSED).map(|n| json!({ "type": "a", "data": { "n": n } })).collect();
    project.http.post("/v1/events/batch", &json!(events)).await.expect(200);
    gateway.advance("1m").await;
    let slow = json!({ "url": receiver.url(), "rate_limit": { "requests": 100, "per": "1s" } });
    let endpoint = project.register(slow).await;
    let path = format!("/v1/endpoints/{}/recover", text(&endpoint["id"]));
    let recovery = job(&project, &path, &json!({ "since": "2026-01-05T00:00:00Z", "only": "missed" })).await;
    gateway.advance("5s").await;
    let live = project.send("live", json!({})).await;
    // Throttled, it has a bounded number of deliveries waiting: sent long before the 25 seconds are over.
    gateway.advance("14s").await;
    assert_eq!(project.delivery_of(&live).await["status"], "delivered");
    let recovery = over(&gateway, &project, &recovery).await;
    assert_eq!((&recovery["status"], &recovery["done"]), (&json!("done"), &json!(MISSED)), "{recovery}");
    assert_eq!(receiver.count(), MISSED + 1);
}
