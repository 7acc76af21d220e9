//! Projects whose endpoints and events must each be one tenant's, and lists of endpoints by what is known of them.

use serde_json::{Value, json};

use crate::gateway::Gateway;

async fn ids(gateway: &Gateway, query: &str) -> Vec<String> {
    let listed = gateway.ask("GET", &format!("/v1/endpoints?{query}"), None).await.expect(200);
    listed["data"].as_array().unwrap().iter().map(|endpoint| endpoint["id"].as_str().unwrap().to_owned()).collect()
}

/// Those that are made in one millisecond have no order.
fn later(gateway: &Gateway) {
    gateway.env.advance(std::time::Duration::from_millis(1));
}

fn id(endpoint: &Value) -> String {
    endpoint["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn where_tenants_are_required_nothing_without_one_is_taken() {
    let gateway = Gateway::start().await;
    let loose = gateway.endpoint(json!({})).await;
    let required = json!({ "tenants": "required" });
    let project = gateway.ask("PATCH", "/v1/projects/default", Some(required)).await.expect(200);
    assert_eq!(project["tenants"], "required");

    let url = json!({ "url": "https://example.com/hooks" });
    gateway.ask("POST", "/v1/endpoints", Some(url)).await.assert_refused(422, "invalid_request", &["/tenant"]);
    let event = json!({ "type": "a.b", "data": 1 });
    gateway.ask("POST", "/v1/events", Some(event)).await.assert_refused(422, "invalid_request", &["/tenant"]);
    let owned = gateway.endpoint(json!({ "tenant": "acme" })).await;
    let path = format!("/v1/endpoints/{}", id(&owned));
    gateway.ask("PATCH", &path, Some(json!({ "tenant": null }))).await.assert_refused(
        422,
        "invalid_request",
        &["/tenant"],
    );
    gateway.ask("PATCH", &path, Some(json!({ "name": "a" }))).await.expect(200);
    gateway.ask("POST", "/v1/events", Some(json!({ "type": "a.b", "data": 1, "tenant": "acme" }))).await.expect(202);
    let path = format!("/v1/endpoints/{}", id(&loose));
    gateway.ask("PATCH", &path, Some(json!({ "name": "as it was" }))).await.expect(200);

    let optional = json!({ "tenants": "optional" });
    gateway.ask("PATCH", "/v1/projects/default", Some(optional)).await.expect(200);
    gateway.ask("POST", "/v1/events", Some(json!({ "type": "a.b", "data": 1 }))).await.expect(202);
    let wrong = gateway.ask("PATCH", "/v1/projects/default", Some(json!({ "tenants": "maybe" }))).await;
    wrong.assert_refused(422, "invalid_request", &["/tenants"]);
}

#[tokio::test]
async fn an_endpoint_without_a_tenant_beside_others_with_one_is_warned_of() {
    let gateway = Gateway::start().await;
    let first = gateway.endpoint(json!({})).await;
    assert_eq!(first["warnings"], Value::Null, "nobody has a tenant");
    let owned = gateway.endpoint(json!({ "tenant": "acme" })).await;
    assert_eq!(owned["warnings"], Value::Null);
    let loose = gateway.endpoint(json!({})).await;
    assert!(loose["warnings"][0].as_str().unwrap().contains("the events of all tenants"), "{loose}");
}

#[tokio::test]
async fn endpoints_are_listed_by_what_is_known_of_them() {
    let gateway = Gateway::start().await;
    let paid = json!({ "url": "https://example.com/Paid?x=1", "tenant": "acme", "name": "Billing", "events": ["invoice.*"],
        "metadata": { "crm": "c7", "tier": 2, "deep": { "a": 1 } } });
    let paid = id(&gateway.endpoint(paid).await);
    later(&gateway);
    let all = id(&gateway.endpoint(json!({ "tenant": "other", "metadata": { "crm": "c8" }, "active": false })).await);
    later(&gateway);
    let one = id(&gateway.endpoint(json!({ "name": "Orders", "events": ["order.created"] })).await);
    for (query, expected) in [
        ("tenant=acme", vec![&paid]),
        ("status=paused", vec![&all]),
        ("status=active", vec![&one, &paid]),
        ("type=invoice.paid", vec![&all, &paid]),
        ("type=order.created", vec![&one, &all]),
        ("url=https%3A%2F%2Fexample.com%2FPaid%3Fx%3D1", vec![&paid]),
        ("name=Billing", vec![&paid]),
        ("name=billing", vec![]),
        ("q=BILL", vec![&paid]),
        ("q=paid", vec![&paid]),
        ("q=example.com", vec![&one, &all, &paid]),
        ("metadata.crm=c7", vec![&paid]),
        ("metadata.tier=2", vec![&paid]),
        ("metadata.crm=c7&metadata.tier=3", vec![]),
        ("metadata.crm=c7&tenant=acme&status=active&type=invoice.paid", vec![&paid]),
        ("tenant=nobody", vec![]),
    ] {
        assert_eq!(ids(&gateway, query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for (query, pointer) in
        [("status=on", "?status"), ("type=a..b", "?type"), ("metadata.=1", "?metadata."), ("x=1", "?x")]
    {
        let refused = gateway.ask("GET", &format!("/v1/endpoints?{query}"), None).await;
        refused.assert_refused(422, "invalid_request", &[pointer]);
    }
}

#[tokio::test]
async fn a_key_that_only_reads_does_not_find_out_what_is_masked() {
    let gateway = Gateway::start().await;
    gateway.endpoint(json!({ "url": "https://example.com/hook?token=s3cr3t" })).await;
    let key = gateway.key(&["read"]).await;
    let found = async |query: &str| {
        let listed = gateway.ask_as(&key, "GET", &format!("/v1/endpoints?q={query}"), None).await.expect(200);
        listed["data"].as_array().unwrap().len()
    };
    assert_eq!((found("example.com/hook").await, found("s3cr3t").await), (1, 0));
}

#[tokio::test]
async fn pages_of_a_filtered_list_follow_each_other() {
    let gateway = Gateway::start().await;
    let mut made = Vec::new();
    for number in 0..7 {
        let tenant = if number % 2 == 0 { "even" } else { "odd" };
        later(&gateway);
        made.push((tenant, id(&gateway.endpoint(json!({ "tenant": tenant })).await)));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = gateway.ask("GET", &format!("/v1/endpoints?tenant=even&limit=2{cursor}"), None).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(id));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = made.into_iter().rev().filter(|(tenant, _)| *tenant == "even").map(|(_, id)| id).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn jobs_are_listed_newest_first() {
    let gateway = Gateway::start().await;
    let endpoint = id(&gateway.endpoint(json!({})).await);
    let mut made = Vec::new();
    for _ in 0..3 {
        let since = json!({ "since": "2026-01-01T00:00:00Z" });
        let job = gateway.ask("POST", &format!("/v1/endpoints/{endpoint}/recover"), Some(since)).await.expect(202);
        later(&gateway);
        made.insert(0, id(&job));
    }
    let page = gateway.ask("GET", "/v1/jobs?limit=2", None).await.expect(200);
    let next = page["next_cursor"].as_str().unwrap();
    let rest = gateway.ask("GET", &format!("/v1/jobs?limit=2&cursor={next}"), None).await.expect(200);
    let listed = [&page, &rest].map(|page| page["data"].as_array().unwrap().clone()).concat();
    assert_eq!(listed.iter().map(id).collect::<Vec<_>>(), made);
    let (_, key) = gateway.project("other").await;
    assert_eq!(gateway.ask_as(&key, "GET", "/v1/jobs", None).await.expect(200)["data"], json!([]));
}
