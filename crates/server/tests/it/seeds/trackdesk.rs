//! Trackdesk's page on webhooks, statement by statement.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use testkit::behaviour::Behaviour;
use testkit::http::Answer;
use testkit::receiver::Receiver;

use super::{is_refused_at, only_request};
use crate::gateway::{Gateway, Project, faults, span, text, time};

const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

async fn affiliates(gateway: &Gateway) -> Project<'_> {
    gateway.project_speaking("affiliates", "trackdesk").await
}

/// The page's ten types, and data that has all that it says the payload contains.
fn events() -> Vec<(&'static str, Value)> {
    let ticket = |status: &str, note: Value| {
        json!({
            "account_email": "ada@example.com",
            "source_public_id": "k7Hq2x",
            "ticket": {
                "id": "tk_552",
                "status": status,
                "field_answers": [{ "field": "Order number", "answer": "SO-1042" }],
                "note": note,
                "created_at": "2026-01-04T09:30:00Z",
                "updated_at": "2026-01-05T08:59:00Z",
            },
        })
    };
    let affiliate = json!({ "id": "k7Hq2x", "email": "ada@example.com", "status": "APPROVED", "tier": "Silver" });
    let mut affiliate_changed = affiliate.clone();
    affiliate_changed["original_status"] = json!("PENDING");
    affiliate_changed["new_status"] = json!("APPROVED");
    let conversion = json!({
        "id": "cv_93", "status": "PENDING", "amount": 49.9, "currency": "EUR",
        "affiliate_id": "k7Hq2x", "offer_id": "of_21", "click_id": "cl_7f",
    });
    let mut conversion_changed = conversion.clone();
    conversion_changed["original_status"] = json!("PENDING");
    conversion_changed["new_status"] = json!("REJECTED");
    let coupon = json!({
        "id": "cp_88", "code": "ADA20", "revenue_origin_id": "ro_3", "affiliate": affiliate,
        "offer": { "id": "of_21", "name": "Spring sale" },
    });
    let tiers = json!({
        "email": "ada@example.com", "public_id": "k7Hq2x", "original_tier_name": "Silver", "new_tier_name": "Gold",
    });
    vec![
        ("affiliate.created", affiliate),
        ("affiliate.status_changed", affiliate_changed),
        ("affiliate.tier_changed", tiers),
        ("affiliate_ticket.created", ticket("OPEN", Value::Null)),
        ("affiliate_ticket.updated", ticket("RESOLVED", json!("Commission corrected."))),
        ("click.created", json!({ "id": "cl_7f", "affiliate_id": "k7Hq2x", "offer_id": "of_21" })),
        ("conversion.created", conversion),
        ("conversion.status_changed", conversion_changed),
        ("coupon.created", coupon),
        ("settlement.created", json!({ "id": "st_1", "affiliate_id": "k7Hq2x", "amount": 312.4, "currency": "EUR" })),
    ]
}

fn data_of(event_type: &str) -> Value {
    let found = events().into_iter().find(|(name, _)| *name == event_type);
    found.unwrap_or_else(|| panic!("the page has no {event_type}")).1
}

/// The places of `data` named so are all required, and what it has comes to a webhook of that type as it is.
async fn carries(event_type: &str, places: &[&str]) {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    project.register(json!({ "url": receiver.url(), "events": [event_type] })).await;
    let data = data_of(event_type);

    project.send(event_type, data.clone()).await;
    gateway.at_rest().await;
    let request = only_request(&receiver);
    assert_eq!((&request.json()["type"], &request.json()["data"]), (&json!(event_type), &data));

    for place in places {
        let problem = send_refused(&project, event_type, without(&data, place)).await;
        is_refused_at(&problem, "schema_violation", &format!("/data{place}"));
    }
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 1, "what is refused is not sent");
    assert_eq!(project.list("/v1/events").await.len(), 1);
}

async fn send_refused(project: &Project<'_>, event_type: &str, data: Value) -> Value {
    project.http.post("/v1/events", &json!({ "type": event_type, "data": data })).await.expect(422)
}

fn without(data: &Value, place: &str) -> Value {
    let mut data = data.clone();
    let (parent, name) = place.rsplit_once('/').expect("a pointer");
    let removed = data.pointer_mut(parent).expect("it is there").as_object_mut().expect("an object").remove(name);
    assert!(removed.is_some(), "{place} is not in {data}");
    data
}

#[tokio::test]
async fn the_events_that_can_be_triggered_are_these_ten_and_no_others() {
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let listed: Vec<String> =
        project.list("/v1/event-types").await.iter().map(|event_type| text(&event_type["name"])).collect();
    let page: Vec<&str> = events().into_iter().map(|(name, _)| name).collect();
    assert_eq!(page.len(), 10);
    assert_eq!(listed, page);
    for other in ["affiliate.deleted", "affiliate", "settlement.paid"] {
        is_refused_at(&send_refused(&project, other, json!({ "id": "x" })).await, "unknown_event_type", "/type");
        let webhook = json!({ "url": "https://example.com/", "events": [other] });
        let problem = project.http.post("/v1/endpoints", &webhook).await.expect(422);
        is_refused_at(&problem, "unknown_event_type", "/events/0");
    }
}

#[tokio::test]
async fn affiliate_created_contains_information_about_the_affiliate() {
    carries("affiliate.created", &["/id"]).await;
}

#[tokio::test]
async fn affiliate_status_changed_contains_the_affiliate_and_the_status_that_was_changed() {
    carries("affiliate.status_changed", &["/id", "/original_status", "/new_status"]).await;
}

#[tokio::test]
async fn affiliate_tier_changed_contains_email_public_id_original_and_new_tier_name() {
    let places = ["/email", "/public_id", "/original_tier_name", "/new_tier_name"];
    carries("affiliate.tier_changed", &places).await;
}

/// What the payload of a ticket's events contains: the account's email, the source's public id, and of the ticket its
/// id, status, field answers, note and timestamps.
const TICKET: [&str; 9] = [
    "/account_email",
    "/source_public_id",
    "/ticket",
    "/ticket/id",
    "/ticket/status",
    "/ticket/field_answers",
    "/ticket/note",
    "/ticket/created_at",
    "/ticket/updated_at",
];

#[tokio::test]
async fn affiliate_ticket_created_contains_account_email_source_public_id_and_the_tickets_details() {
    carries("affiliate_ticket.created", &TICKET).await;
}

#[tokio::test]
async fn affiliate_ticket_updated_contains_the_same_fields_with_the_tickets_new_state() {
    carries("affiliate_ticket.updated", &TICKET).await;
    let fields = |event_type: &str| {
        let data = data_of(event_type);
        let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        (keys(&data), keys(&data["ticket"]))
    };
    assert_eq!(fields("affiliate_ticket.updated"), fields("affiliate_ticket.created"));
    assert_eq!(data_of("affiliate_ticket.updated")["ticket"]["status"], "RESOLVED");
}

#[tokio::test]
async fn click_created_contains_information_about_the_click() {
    carries("click.created", &["/id"]).await;
}

#[tokio::test]
async fn conversion_created_contains_information_about_the_conversion() {
    carries("conversion.created", &["/id"]).await;
}

#[tokio::test]
async fn conversion_status_changed_contains_information_about_the_conversion() {
    carries("conversion.status_changed", &["/id"]).await;
}

#[tokio::test]
async fn coupon_created_contains_id_code_revenue_origin_id_affiliate_and_offer() {
    carries("coupon.created", &["/id", "/code", "/revenue_origin_id", "/affiliate", "/offer"]).await;
}

#[tokio::test]
async fn settlement_created_contains_information_about_the_settlement() {
    carries("settlement.created", &["/id"]).await;
}

#[tokio::test]
async fn webhooks_are_post_requests_with_content_type_application_json() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let types: Vec<&str> = events().into_iter().map(|(name, _)| name).collect();
    project.register(json!({ "url": receiver.url(), "events": types })).await;
    for (event_type, data) in events() {
        project.send(event_type, data).await;
        gateway.at_rest().await;
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 10);
    for (request, (event_type, data)) in requests.iter().zip(events()) {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
        assert_eq!(request.header("content-type"), Some("application/json"), "exactly");
        let body = json!({ "type": event_type, "timestamp": "2026-01-05T09:00:00.000Z", "data": data });
        assert_eq!(request.json(), body);
    }
}

async fn webhook(project: &Project<'_>, url: &str) -> Value {
    project.register(json!({ "url": url, "events": ["click.created"] })).await
}

async fn click(project: &Project<'_>) -> String {
    project.send("click.created", json!({ "id": "cl_1" })).await
}

#[tokio::test]
async fn the_action_that_triggered_an_event_does_not_wait_for_the_receiver() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    webhook(&project, receiver.url()).await;
    let first = click(&project).await;
    receiver.received(1).await;

    let second = project.send_event(json!({ "type": "click.created", "data": { "id": "cl_2" } })).await;

    assert_eq!(second["deliveries"], 1, "it was taken while the first still hangs");
    assert_eq!((receiver.statuses().len(), gateway.now()), (0, testkit::clock::START));
    assert_eq!(project.delivery_of(&first).await["status"], "pending");
}

#[tokio::test]
async fn failed_deliveries_are_retried_automatically_with_exponential_backoff() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    webhook(&project, receiver.url()).await;
    click(&project).await;
    gateway.advance("7d").await;

    let delivery = project.only_delivery().await;
    let attempts = delivery["attempts"].as_array().expect("a list");
    let starts: Vec<_> = attempts.iter().map(|attempt| time(&attempt["started_at"])).collect();
    let waits: Vec<Duration> = starts.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    let planned = ["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"];
    assert_eq!(waits.len(), planned.len(), "{waits:?}");
    for (wait, planned) in waits.iter().zip(planned) {
        let (least, most) = (span(planned).mul_f64(0.9), span(planned).mul_f64(1.1) + Duration::from_millis(1));
        assert!(least <= *wait && *wait <= most, "waited {wait:?}, not {planned}");
    }
    assert_eq!((receiver.count(), &delivery["status"]), (10, &json!("failed")));
}

/// The delivery to a receiver that answers with `status`, after the first attempt.
async fn answered_with(gateway: &Gateway, slug: &str, status: u16) -> Value {
    let receiver = Receiver::replying([status]).start().await;
    let project = gateway.project_speaking(slug, "trackdesk").await;
    webhook(&project, receiver.url()).await;
    click(&project).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 1);
    project.only_delivery().await
}

#[tokio::test]
async fn a_2xx_status_acknowledges_receipt() {
    let gateway = Gateway::new().start().await;
    for status in [200, 201, 202, 204, 206, 299] {
        let delivery = answered_with(&gateway, &format!("status-{status}"), status).await;
        assert_eq!(
            (&delivery["status"], &delivery["next_attempt_at"]),
            (&json!("delivered"), &Value::Null),
            "{status}"
        );
    }
}

#[tokio::test]
async fn any_other_status_counts_as_a_failure_and_is_retried() {
    let gateway = Gateway::new().start().await;
    for status in [300, 301, 302, 304, 307, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 501, 502, 503, 504, 599] {
        let delivery = answered_with(&gateway, &format!("status-{status}"), status).await;
        assert_eq!((&delivery["status"], &delivery["status_code"]), (&json!("pending"), &json!(status)));
        assert_eq!(delivery["attempts"][0]["error"]["kind"], "status", "{status}");
        assert!(time(&delivery["next_attempt_at"]) > gateway.now(), "{status}");
    }
}

#[tokio::test]
async fn a_timeout_counts_as_a_failure_and_is_retried() {
    let hangs = Behaviour::HangBeforeHeaders;
    let receiver = Receiver::behaving(vec![hangs.clone(), hangs, 204.into()]).start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let webhook = webhook(&project, receiver.url()).await;
    click(&project).await;
    receiver.received(1).await;
    for count in [1, 2] {
        gateway.lose_patience("10s").await;
        let delivery = project.only_delivery().await;
        assert_eq!(delivery["attempts"][count - 1]["error"]["kind"], "timeout", "{delivery:#}");
        assert_eq!(delivery["status"], "pending");
        assert_eq!(project.show(&webhook).await["failure_count"], count);
        gateway.env.advance_to(time(&delivery["next_attempt_at"]));
        receiver.received(count + 1).await;
    }
    gateway.at_rest().await;
    assert_eq!(project.only_delivery().await["status"], "delivered");
}

#[tokio::test]
async fn payloads_contain_public_ids_and_no_internal_uuids() {
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let mut judged = 0;
    for (event_type, data) in events() {
        for place in ids(&data, "") {
            for uuid in [UUID.to_owned(), UUID.to_uppercase()] {
                let mut internal = data.clone();
                *internal.pointer_mut(&place).expect("it is there") = json!(uuid);
                let problem = send_refused(&project, event_type, internal).await;
                is_refused_at(&problem, "schema_violation", &format!("/data{place}"));
            }
            judged += 1;
        }
    }
    assert_eq!(judged, 24, "every id of every type");
    assert!(project.list("/v1/events").await.is_empty());
}

/// The places where an id stands.
fn ids(value: &Value, place: &str) -> Vec<String> {
    let Some(members) = value.as_object() else { return Vec::new() };
    let inside = members.iter().flat_map(|(name, member)| {
        let place = format!("{place}/{name}");
        let is_id = name == "id" || name.ends_with("_id");
        if is_id { vec![place] } else { ids(member, &place) }
    });
    inside.collect()
}

#[tokio::test]
async fn status_changed_events_include_both_the_original_and_the_new_status() {
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    for event_type in ["affiliate.status_changed", "conversion.status_changed"] {
        let data = data_of(event_type);
        for place in ["/original_status", "/new_status"] {
            let problem = send_refused(&project, event_type, without(&data, place)).await;
            is_refused_at(&problem, "schema_violation", &format!("/data{place}"));
            for no_status in [Value::Null, json!(""), json!(7), json!({})] {
                let mut data = data.clone();
                *data.pointer_mut(place).expect("it is there") = no_status;
                let problem = send_refused(&project, event_type, data).await;
                is_refused_at(&problem, "schema_violation", &format!("/data{place}"));
            }
        }
        let neither = without(&without(&data, "/original_status"), "/new_status");
        let problem = send_refused(&project, event_type, neither).await;
        let mut places: Vec<String> = faults(&problem).into_iter().map(|(place, _)| place).collect();
        places.sort_unstable();
        assert_eq!(places, ["/data/new_status", "/data/original_status"], "{problem:#}");
        project.send(event_type, data).await;
    }
    assert_eq!(project.list("/v1/events").await.len(), 2);
}

#[tokio::test]
async fn one_or_more_event_types_are_selected() {
    let (one, two) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    for none in [json!({ "url": one.url() }), json!({ "url": one.url(), "events": [] })] {
        let problem = project.http.post("/v1/endpoints", &none).await.expect(422);
        is_refused_at(&problem, "invalid_request", "/events");
    }
    assert!(project.list("/v1/endpoints").await.is_empty());
    project.register(json!({ "url": one.url(), "events": ["click.created"] })).await;
    project.register(json!({ "url": two.url(), "events": ["click.created", "settlement.created"] })).await;

    for (event_type, data) in events() {
        project.send(event_type, data).await;
        gateway.at_rest().await;
    }

    let types = |receiver: &Receiver| -> Vec<String> {
        receiver.requests().iter().map(|request| text(&request.json()["type"])).collect()
    };
    assert_eq!(types(&one), ["click.created"]);
    assert_eq!(types(&two), ["click.created", "settlement.created"]);
}

#[tokio::test]
async fn the_webhook_url_is_filled_in() {
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    for (webhook, code) in [
        (json!({ "events": ["click.created"] }), "invalid_request"),
        (json!({ "url": "not a URL", "events": ["click.created"] }), "url_not_allowed"),
    ] {
        is_refused_at(&project.http.post("/v1/endpoints", &webhook).await.expect(422), code, "/url");
    }
}

#[tokio::test]
async fn webhooks_can_be_created_listed_and_deleted() {
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let (first, second) =
        (webhook(&project, "https://one.example/").await, webhook(&project, "https://two.example/").await);
    let listed = async || -> Vec<String> {
        let mut urls: Vec<String> =
            project.list("/v1/endpoints").await.iter().map(|webhook| text(&webhook["url"])).collect();
        urls.sort_unstable();
        urls
    };
    assert_eq!(listed().await, ["https://one.example/", "https://two.example/"]);
    for (webhook, left) in [(&first, vec!["https://two.example/"]), (&second, vec![])] {
        let path = format!("/v1/endpoints/{}", text(&webhook["id"]));
        assert_eq!(project.http.delete(&path).await.expect(204), Value::Null);
        assert_eq!(project.http.get(&path).await.expect(404)["code"], "not_found");
        assert_eq!(listed().await, left);
    }
}

/// Complains unless it is a refusal that says in words why.
#[track_caller]
fn is_refused(answer: &Answer, code: &str, words: &[&str]) {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (409, &json!(code)), "{problem:#}");
    let detail = text(&problem["detail"]).to_lowercase();
    assert!(words.iter().all(|word| detail.contains(word)), "a person wants to read {words:?} in {detail:?}");
}

#[tokio::test]
async fn existing_webhooks_cannot_be_edited_in_place() {
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let webhook = webhook(&project, "https://one.example/").await;
    let before = project.show(&webhook).await;
    let path = format!("/v1/endpoints/{}", text(&webhook["id"]));
    for change in [
        json!({ "url": "https://two.example/" }),
        json!({ "events": ["settlement.created"] }),
        json!({ "url": "https://two.example/", "events": ["settlement.created"] }),
        json!({ "name": "Clicks" }),
        json!({ "headers": { "x-shop": "7" } }),
        json!({ "timeout_ms": 1000 }),
        json!({ "retry": { "schedule": ["1s"] } }),
        json!({ "metadata": { "crm": 7 } }),
    ] {
        let answer = project.http.patch(&path, &change).await;
        is_refused(&answer, "not_editable", &["delete", "create"]);
    }
    assert_eq!(project.show(&webhook).await, before);
}

#[tokio::test]
async fn to_change_a_webhook_it_is_deleted_and_a_new_one_created() {
    let (old, new) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let webhook = webhook(&project, old.url()).await;
    project.http.delete(&format!("/v1/endpoints/{}", text(&webhook["id"]))).await.expect(204);
    project.register(json!({ "url": new.url(), "events": ["click.created", "conversion.created"] })).await;
    click(&project).await;
    gateway.at_rest().await;
    assert_eq!((old.count(), new.count()), (0, 1));
}

#[tokio::test]
async fn there_is_no_enable_disable_toggle() {
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let webhook = webhook(&project, "https://one.example/").await;
    let path = format!("/v1/endpoints/{}", text(&webhook["id"]));
    let words = ["pause"];
    for active in [false, true] {
        is_refused(&project.http.patch(&path, &json!({ "active": active })).await, "not_pausable", &words);
    }
    for verb in ["pause", "resume"] {
        let answer = project.http.send(Method::POST, &format!("{path}/{verb}"), "".into()).await;
        is_refused(&answer, "not_pausable", &words);
    }
    let inactive = json!({ "url": "https://two.example/", "events": ["click.created"], "active": false });
    is_refused(&project.http.post("/v1/endpoints", &inactive).await, "not_pausable", &words);
    assert_eq!(project.list("/v1/endpoints").await.len(), 1);
    assert_eq!(project.show(&webhook).await["status"], "active");
}

#[tokio::test]
async fn a_saved_webhook_is_always_active() {
    let receiver = Receiver::replying([410, 500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let webhook = webhook(&project, receiver.url()).await;
    assert_eq!(webhook["status"], "active");
    for count in 1..=12 {
        let sent = project.send_event(json!({ "type": "click.created", "data": { "id": "cl_1" } })).await;
        assert_eq!(sent["deliveries"], 1, "after {count} days of failures");
        gateway.advance("1d").await;
        let shown = project.show(&webhook).await;
        assert_eq!((&shown["status"], &shown["disabled_reason"]), (&json!("active"), &Value::Null), "{shown:#}");
    }
    assert!(receiver.count() >= 60, "{} attempts", receiver.count());
    assert_eq!(project.show(&webhook).await["failure_count"], receiver.count());
}

#[tokio::test]
async fn a_webhook_is_active_until_it_is_deleted() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let webhook = webhook(&project, receiver.url()).await;
    let event = click(&project).await;
    gateway.at_rest().await;
    project.http.delete(&format!("/v1/endpoints/{}", text(&webhook["id"]))).await.expect(204);
    let after = project.send_event(json!({ "type": "click.created", "data": { "id": "cl_2" } })).await;
    gateway.advance("7d").await;
    assert_eq!((receiver.count(), &after["deliveries"]), (1, &json!(0)));
    assert_eq!(project.delivery_of(&event).await["status"], "cancelled");
}

/// The page knows none.
#[tokio::test]
async fn a_webhook_has_no_secret_and_no_signature() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = affiliates(&gateway).await;
    let asked = json!({ "url": receiver.url(), "events": ["click.created"], "secret": "long-enough-to-be-one" });
    is_refused_at(&project.http.post("/v1/endpoints", &asked).await.expect(422), "invalid_request", "/secret");
    let webhook = webhook(&project, receiver.url()).await;
    assert!(webhook.get("secret").is_none_or(Value::is_null), "{webhook:#}");
    let rotate = format!("/v1/endpoints/{}/rotate-secret", text(&webhook["id"]));
    assert_eq!(project.http.send(Method::POST, &rotate, "".into()).await.status, 409);
    click(&project).await;
    gateway.at_rest().await;
    let request = only_request(&receiver);
    assert!(request.headers.iter().all(|(name, _)| !name.contains("signature")), "{:?}", request.headers);
}

// "Tools → Webhooks", the page on which webhooks are added, listed and deleted, comes with the pages for people.
// "After registration" and "via Tier Automation, manual change, or any other path" say when Trackdesk itself has such an
// event; Posthaste is told of it.
