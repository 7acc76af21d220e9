//! Event types: listed, put, judged by, and tried out.

use hyper::Method;
use serde_json::{Value, json};
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, Project, faults, text};

fn names(types: &[Value]) -> Vec<String> {
    types.iter().map(|event_type| text(&event_type["name"])).collect()
}

#[tokio::test]
async fn types_are_listed_in_the_dialects_order_and_a_projects_own_behind_them() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    for own in ["zebra.seen", "ant.seen"] {
        project.put(&format!("/v1/event-types/{own}"), &json!({ "group": "Zoo" })).await.expect(201);
    }
    let all = project.list("/v1/event-types").await;
    let expected = [
        "visibility_changed",
        "report_completed",
        "competitor_added",
        "citation_gained",
        "citation_lost",
        "ant.seen",
        "zebra.seen",
    ];
    assert_eq!(names(&all), expected);
    assert_eq!((&all[0]["source"], &all[6]["source"]), (&json!("dialect"), &json!("project")));
    assert!(all[0]["schema"].is_object() && all[0]["example"].is_object() && all[0]["description"].is_string());
    assert_eq!(names(&project.list("/v1/event-types?group=Zoo").await), expected[5..]);

    let mut paged = Vec::new();
    let mut path = "/v1/event-types?limit=3".to_owned();
    loop {
        let page = project.http.get(&path).await.expect(200);
        paged.extend(names(page["data"].as_array().expect("a list")));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/event-types?limit=3&cursor={cursor}");
    }
    assert_eq!(paged, expected);
    for query in ["limit=0", "cursor=%21", "cursor=Z29uZQ", "colour=red"] {
        let problem = project.http.get(&format!("/v1/event-types?{query}")).await.expect(422);
        assert_eq!(problem["code"], "invalid_request", "{query}");
    }
}

#[tokio::test]
async fn a_projects_own_type_holds_over_the_dialects_until_it_is_deleted() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    let path = "/v1/event-types/citation_lost";
    let before = project.http.get(path).await.expect(200);
    let own = json!({ "description": "Gone.", "schema": { "required": ["id"] }, "example": { "id": 1 } });
    let put = project.put(path, &own).await.expect(201);
    let expected = json!({
        "name": "citation_lost", "group": null, "description": "Gone.", "schema": { "required": ["id"] },
        "example": { "id": 1 }, "source": "project",
    });
    assert_eq!(put, expected);
    assert_eq!(project.http.get(path).await.expect(200), expected);
    let event = json!({ "type": "citation_lost", "data": {} });
    assert_eq!(project.http.post("/v1/events", &event).await.expect(422)["code"], "schema_violation");

    let bare = project.put(path, &json!({ "description": null })).await.expect(200);
    assert_eq!((&bare["description"], &bare["schema"]), (&Value::Null, &Value::Null), "what is left out is gone");
    project.http.post("/v1/events", &event).await.expect(202);

    project.http.delete(path).await.expect(204);
    assert_eq!(project.http.get(path).await.expect(200), before);
    let problem = project.http.delete(path).await.expect(409);
    assert_eq!(problem["code"], "not_editable");
    assert!(text(&problem["detail"]).contains("of the dialect trakkr"), "{problem}");
    assert_eq!(project.http.delete("/v1/event-types/never.heard").await.expect(404)["code"], "not_found");
}

#[tokio::test]
async fn a_type_that_does_not_hold_is_refused_with_every_place() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let cases = [
        (json!({ "schema": { "type": "objekt" } }), "/schema/type"),
        (json!({ "schema": { "$ref": "https://example.com/schema.json" } }), "/schema/$ref"),
        (json!({ "schema": { "required": ["id"] }, "example": {} }), "/example/id"),
        (json!({ "description": "x".repeat(2049) }), "/description"),
        (json!({ "group": 7 }), "/group"),
        (json!({ "colour": "red" }), "/colour"),
    ];
    for (body, pointer) in cases {
        let problem = project.put("/v1/event-types/a.b", &body).await.expect(422);
        assert_eq!(
            (&problem["code"], faults(&problem)[0].0.as_str()),
            (&json!("invalid_request"), pointer),
            "{problem}"
        );
    }
    for name in ["posthaste.test", "a..b", "a%20b"] {
        let problem = project.put(&format!("/v1/event-types/{name}"), &json!({})).await.expect(422);
        assert_eq!(problem["code"], "invalid_request", "{name}");
    }
    assert!(project.list("/v1/event-types").await.is_empty(), "nothing of it was stored");
}

#[tokio::test]
async fn data_that_does_not_fit_its_types_schema_is_refused_with_every_place() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let schema = json!({
        "type": "object", "required": ["id"],
        "properties": { "id": { "type": "string" }, "lines": { "items": { "properties": { "sku": { "type": "string" } } } } },
    });
    project.put("/v1/event-types/order.paid", &json!({ "schema": schema })).await.expect(201);
    let bad = json!({ "type": "order.paid", "data": { "id": 7, "lines": [{}, { "sku": 1 }], "more": true } });
    let problem = project.http.post("/v1/events", &bad).await.expect(422);
    assert_eq!(problem["code"], "schema_violation");
    let told = faults(&problem);
    let mut places: Vec<&str> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/data/id", "/data/lines/1/sku"]);
    assert!(told.iter().all(|(_, message)| message.contains("a string")), "{told:?}");

    let good = json!({ "type": "order.paid", "data": { "id": "o1", "more": true } });
    let none = json!({ "type": "order.paid", "data": null });
    let results = project.http.post("/v1/events/batch", &json!([good, bad, none])).await.expect(200);
    let results = results["results"].as_array().expect("a list");
    assert!(results[0]["id"].is_string(), "{results:?}");
    for refused in &results[1..] {
        assert_eq!(refused["error"]["code"], "schema_violation", "{results:?}");
    }
}

#[tokio::test]
async fn a_closed_catalogue_takes_its_own_types_and_the_projects_and_suggests_near_ones() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    let send = |name: &str| json!({ "type": name, "brand": { "id": "b1" }, "data": {} });
    for (name, hint) in [("report_complete", "did you mean report_completed"), ("order.paid", "GET /v1/event-types")] {
        let problem = project.http.post("/v1/events", &send(name)).await.expect(422);
        assert_eq!((&problem["code"], faults(&problem)[0].0.as_str()), (&json!("unknown_event_type"), "/type"));
        assert!(faults(&problem)[0].1.contains(hint), "{problem}");
    }
    let endpoint = json!({ "url": "https://example.com/", "events": ["report_complete"] });
    let problem = project.http.post("/v1/endpoints", &endpoint).await.expect(422);
    assert!(faults(&problem)[0].1.contains("did you mean report_completed"), "{problem}");

    project.put("/v1/event-types/order.paid", &json!({})).await.expect(201);
    project.http.post("/v1/events", &send("order.paid")).await.expect(202);
}

#[tokio::test]
async fn where_members_of_data_are_spread_data_is_an_object() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("stock", "tracktile").await;
    project.put("/v1/event-types/own.type", &json!({})).await.expect(201);
    let problem = project.http.post("/v1/events", &json!({ "type": "own.type", "data": [1] })).await.expect(422);
    assert_eq!((&problem["code"], faults(&problem)[0].0.as_str()), (&json!("schema_violation"), "/data"));
    let problem = project.put("/v1/event-types/own.type", &json!({ "example": 7 })).await.expect(422);
    assert_eq!(faults(&problem)[0].0, "/example");
}

#[tokio::test]
async fn brand_and_tenant_complete_each_other_where_the_dialect_has_tenants() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    let event = |more: Value| {
        let mut event = json!({ "type": "citation_lost", "data": {} });
        event.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        event
    };
    let cases = [
        (json!({ "brand": { "id": "b1", "name": "B" } }), json!("b1"), json!({ "id": "b1", "name": "B" })),
        (json!({ "tenant": "b1" }), json!("b1"), json!({ "id": "b1" })),
        (json!({ "tenant": "b1", "brand": { "name": "B" } }), json!("b1"), json!({ "name": "B" })),
        (json!({}), Value::Null, Value::Null),
    ];
    for (more, tenant, brand) in cases {
        let id = text(&project.send_event(event(more.clone())).await["id"]);
        let shown = project.http.get(&format!("/v1/events/{id}")).await.expect(200);
        assert_eq!((&shown["tenant"], &shown["brand"]), (&tenant, &brand), "{more}");
    }
    for (more, pointer) in [
        (json!({ "tenant": "b1", "brand": { "id": "b2" } }), "/tenant"),
        (json!({ "brand": { "id": 7 } }), "/brand/id"),
        (json!({ "brand": { "id": "" } }), "/brand/id"),
    ] {
        let problem = project.http.post("/v1/events", &event(more)).await.expect(422);
        assert_eq!(
            (&problem["code"], faults(&problem)[0].0.as_str()),
            (&json!("invalid_request"), pointer),
            "{problem}"
        );
    }
    let standard = gateway.project("shop").await;
    let id = text(&standard.send_event(json!({ "type": "a", "data": {}, "brand": { "id": "b1" } })).await["id"]);
    assert_eq!(standard.http.get(&format!("/v1/events/{id}")).await.expect(200)["tenant"], Value::Null);
}

async fn test(project: &Project<'_>, endpoint: &Value, wish: Value) -> Value {
    let path = format!("/v1/endpoints/{}/test", text(&endpoint["id"]));
    project.http.post(&path, &wish).await.expect(200)["delivery"].clone()
}

#[tokio::test]
async fn a_test_sends_the_example_of_a_type_and_is_marked_as_a_test() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    let endpoint = json!({ "url": receiver.url(), "events": ["citation_lost"], "tenant": "b1" });
    let endpoint = project.register(endpoint).await;

    let delivery = test(&project, &endpoint, json!({})).await;
    assert_eq!((&delivery["event_type"], &delivery["status"]), (&json!("citation_lost"), &json!("delivered")));
    let request = receiver.requests().remove(0);
    assert_eq!(request.header("posthaste-test"), Some("true"));
    let example = project.http.get("/v1/event-types/citation_lost").await.expect(200)["example"].clone();
    assert_eq!((&request.json()["event"]["data"], &request.json()["brand"]), (&example, &json!({ "id": "b1" })));
    let event = project.http.get(&format!("/v1/events/{}", text(&delivery["event_id"]))).await.expect(200);
    assert_eq!((&event["test"], &event["tenant"]), (&json!(true), &json!("b1")));

    let delivery = test(&project, &endpoint, json!({ "event_type": "report_completed" })).await;
    assert_eq!(delivery["event_type"], "report_completed");
    assert_eq!(
        test(&project, &endpoint, json!({ "event_type": "posthaste.test" })).await["event_type"],
        "posthaste.test"
    );

    let sent = project.send_event(json!({ "type": "citation_lost", "tenant": "b1", "data": {} })).await;
    gateway.at_rest().await;
    assert_eq!(receiver.requests()[3].header("posthaste-test"), None, "what happened is no test");
    let listed = project.list("/v1/events").await;
    let real = listed.iter().find(|event| event["id"] == sent["id"]).expect("it is listed");
    assert_eq!(real["test"], false);
}

#[tokio::test]
async fn a_test_takes_what_the_endpoint_is_sent_else_what_there_is_else_a_plain_one() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "events": ["order.*"] })).await;
    assert_eq!(test(&project, &endpoint, json!({})).await["event_type"], "posthaste.test");
    project.put("/v1/event-types/invoice.paid", &json!({ "example": { "id": 1 } })).await.expect(201);
    project.put("/v1/event-types/order.made", &json!({})).await.expect(201);
    assert_eq!(test(&project, &endpoint, json!({})).await["event_type"], "invoice.paid");
    project.put("/v1/event-types/order.paid", &json!({ "example": { "id": 2 } })).await.expect(201);
    assert_eq!(test(&project, &endpoint, json!({})).await["event_type"], "order.paid");

    let path = format!("/v1/endpoints/{}/test", text(&endpoint["id"]));
    for (wish, code) in [
        (json!({ "event_type": "order.made" }), "invalid_request"),
        (json!({ "event_type": "order.pay" }), "unknown_event_type"),
        (json!({ "event_type": "order pay" }), "invalid_request"),
    ] {
        let problem = project.http.post(&path, &wish).await.expect(422);
        assert_eq!((&problem["code"], faults(&problem)[0].0.as_str()), (&json!(code), "/event_type"), "{problem}");
    }
    project.http.send(Method::POST, &path, "{\"type\":1}".into()).await.expect(422);
}

#[tokio::test]
async fn endpoints_that_stay_as_they_are_say_so_when_they_are_made_and_when_they_are_changed() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("desk", "trackdesk").await;
    let url = receiver.url();
    for events in [json!(null), json!([])] {
        let problem = project.http.post("/v1/endpoints", &json!({ "url": url, "events": events })).await.expect(422);
        assert_eq!(faults(&problem)[0].0, "/events", "{problem}");
    }
    let problem = project.http.post("/v1/endpoints", &json!({ "url": url })).await.expect(422);
    assert!(faults(&problem)[0].1.contains("at least one event type"), "{problem}");
    let endpoint = json!({ "url": url, "events": ["affiliate.created"], "active": false });
    let problem = project.http.post("/v1/endpoints", &endpoint).await.expect(409);
    assert_eq!(problem["code"], "not_pausable");

    let endpoint = project.register(json!({ "url": url, "events": ["affiliate.created"] })).await;
    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    let problem = project.http.patch(&path, &json!({ "events": ["click.created"] })).await.expect(409);
    assert_eq!(problem["code"], "not_editable");
    assert!(text(&problem["detail"]).contains("delete it and create another"), "{problem}");
    assert_eq!(project.http.patch(&path, &json!({ "active": false })).await.expect(409)["code"], "not_pausable");
}

#[tokio::test]
async fn an_event_without_a_summary_has_its_types_description_on_one_line() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    let described = json!({ "description": "A citation was lost.\nLook at once.\n" });
    project.put("/v1/event-types/citation_lost", &described).await.expect(201);
    project.register(json!({ "url": receiver.url() })).await;
    project.send_event(json!({ "type": "citation_lost", "data": {}, "tenant": "b1" })).await;
    gateway.at_rest().await;
    assert_eq!(receiver.requests()[0].json()["summary"], "A citation was lost. Look at once.");
}
