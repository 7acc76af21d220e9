//! The helpdesk's page on webhooks, statement by statement: its outgoing ones.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use server::config::Smtp;
use testkit::behaviour::{Behaviour, Reply};
use testkit::receiver::{Received, Receiver};

use super::{forged, is_refused_at, only_request, python_accepts};
use crate::gateway::{Gateway, Project, list, span, text, time};
use crate::postbox::Plan;

const SIGNATURE: &str = "x-webhook-signature";
const SECRET: &str = "only-we-and-the-helpdesk-know";

async fn helpdesk(gateway: &Gateway) -> Project<'_> {
    gateway.project_speaking("support", "helpdesk").await
}

async fn types_of(project: &Project<'_>, group: &str) -> Vec<String> {
    let types = project.list(&format!("/v1/event-types?group={group}")).await;
    types.iter().map(|event_type| text(&event_type["name"])).collect()
}

/// The types of the events that came.
fn types(receiver: &Receiver) -> Vec<String> {
    receiver.requests().iter().map(|request| text(&request.json()["type"])).collect()
}

#[tokio::test]
async fn posts_go_to_ones_urls_when_a_ticket_is_created_or_a_survey_response_submitted() {
    let (one, two) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    project.register(json!({ "url": one.url() })).await;
    project.register(json!({ "url": two.url() })).await;
    project.send("ticket.created", json!({ "ticket": { "id": 1 } })).await;
    gateway.at_rest().await;
    project.send("survey.response.completed", json!({ "response": { "id": 2 } })).await;
    gateway.at_rest().await;
    for receiver in [one, two] {
        assert_eq!(types(&receiver), ["ticket.created", "survey.response.completed"]);
        assert!(receiver.requests().iter().all(|request| request.method == "POST" && request.path == "/hook"));
    }
}

#[tokio::test]
async fn two_webhook_systems_are_available() {
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let types = project.list("/v1/event-types").await;
    let groups: BTreeSet<String> = types.iter().map(|event_type| text(&event_type["group"])).collect();
    assert_eq!(groups.iter().collect::<Vec<_>>(), ["Surveys", "Tickets"]);
}

#[tokio::test]
async fn ticket_webhooks_fire_on_ticket_lifecycle_events_and_new_messages() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let tickets = types_of(&project, "Tickets").await;
    for named in ["ticket.created", "ticket.updated", "ticket.resolved", "ticket.message.created"] {
        assert!(tickets.iter().any(|known| known == named), "no {named} among {tickets:?}");
    }
    project.register(json!({ "url": receiver.url(), "events": ["ticket.*"] })).await;
    for event_type in &tickets {
        project.send(event_type, json!({ "ticket": { "id": 7 } })).await;
        gateway.at_rest().await;
    }
    project.send("survey.response.completed", json!({})).await;
    gateway.at_rest().await;
    assert_eq!(types(&receiver), tickets);
}

#[tokio::test]
async fn survey_webhooks_fire_when_a_survey_response_is_completed() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    assert_eq!(types_of(&project, "Surveys").await, ["survey.response.completed"]);
    project.register(json!({ "url": receiver.url(), "events": ["survey.response.completed"] })).await;
    project.send("ticket.created", json!({})).await;
    project.send("survey.response.completed", json!({ "response": { "score": 9 } })).await;
    gateway.at_rest().await;
    assert_eq!(only_request(&receiver).json()["data"], json!({ "response": { "score": 9 } }));
}

#[tokio::test]
async fn an_event_makes_a_delivery_record_and_a_post_to_each_active_webhook_that_is_subscribed() {
    let receivers = [(); 4].map(|()| Receiver::healthy());
    let mut started = Vec::new();
    for receiver in receivers {
        started.push(receiver.start().await);
    }
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let mut webhooks = Vec::new();
    for (receiver, (events, active)) in started.iter().zip([
        (json!(["ticket.created"]), true),
        (json!(["ticket.created", "ticket.closed"]), true),
        (json!(["ticket.created"]), false),
        (json!(["ticket.closed"]), true),
    ]) {
        webhooks.push(project.register(json!({ "url": receiver.url(), "events": events, "active": active })).await);
    }
    let sent = project.send_event(json!({ "type": "ticket.created", "data": {} })).await;
    gateway.at_rest().await;

    assert_eq!(sent["deliveries"], 2);
    assert_eq!(started.iter().map(Receiver::count).collect::<Vec<_>>(), [1, 1, 0, 0]);
    let records = project.list(&format!("/v1/deliveries?event={}", text(&sent["id"]))).await;
    let recorded: BTreeSet<String> = records.iter().map(|record| text(&record["endpoint_id"])).collect();
    assert_eq!(recorded, webhooks[..2].iter().map(|webhook| text(&webhook["id"])).collect());
    assert!(records.iter().all(|record| record["status"] == "delivered" && record["event_type"] == "ticket.created"));
}

/// The one request to a webhook that was made so, of a ticket with odd data; and the id of its delivery.
async fn request_to(mut webhook: Value) -> (Received, String) {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    webhook["url"] = json!(receiver.url());
    project.register(webhook).await;
    let odd = r#"{"type": "ticket.created", "data": { "ticket" : {"subject": "\u00e9é€𝄞 <b>", "n":1.00}}}"#;
    project.http.send(hyper::Method::POST, "/v1/events", odd.into()).await.expect(202);
    gateway.at_rest().await;
    (only_request(&receiver), text(&project.only_delivery().await["id"]))
}

#[tokio::test]
async fn a_request_has_a_json_payload_with_the_events_details() {
    let (request, _) = request_to(json!({})).await;
    let details = json!({
        "type": "ticket.created",
        "timestamp": "2026-01-05T09:00:00.000Z",
        "data": { "ticket": { "subject": "éé€𝄞 <b>", "n": 1.0 } },
    });
    assert_eq!(request.json(), details);
}

#[tokio::test]
async fn a_request_has_headers_for_event_type_delivery_id_and_signature() {
    let (request, delivery) = request_to(json!({ "secret": SECRET })).await;
    assert_eq!(request.header("x-webhook-event"), Some("ticket.created"));
    assert_eq!(request.header("x-webhook-delivery"), Some(delivery.as_str()));
    assert_eq!(python_accepts(SIGNATURE, &[(&request, SECRET)]).await, [true]);
}

/// How long it was from each attempt to the next.
fn waits(delivery: &Value) -> Vec<Duration> {
    let attempts = delivery["attempts"].as_array().expect("a list");
    let starts: Vec<_> = attempts.iter().map(|attempt| time(&attempt["started_at"])).collect();
    starts.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

#[tokio::test]
async fn a_failed_delivery_is_retried_after_1s_5s_30s_5m_30m_and_2h() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await.endpoint(receiver.url()).await;
    project.send("ticket.created", json!({})).await;
    gateway.advance("30d").await;
    let delivery = project.only_delivery().await;
    assert_eq!(waits(&delivery), ["1s", "5s", "30s", "5m", "30m", "2h"].map(span), "exactly");
    assert_eq!((&delivery["status"], receiver.count()), (&json!("failed"), 7));
}

#[tokio::test]
async fn whatever_makes_a_delivery_fail_it_is_retried_after_the_first_second() {
    let gateway = Gateway::new().start().await;
    for status in [301, 400, 401, 404, 408, 410, 422, 429, 500, 503] {
        let receiver = Receiver::replying([status, 204]).start().await;
        let project = gateway.project_speaking(&format!("status-{status}"), "helpdesk").await;
        let project = project.endpoint(receiver.url()).await;
        project.send("ticket.created", json!({})).await;
        gateway.advance("999ms").await;
        assert_eq!(receiver.statuses(), [status]);
        gateway.advance("1ms").await;
        assert_eq!(receiver.statuses(), [status, 204]);
        assert_eq!(project.only_delivery().await["status"], "delivered");
    }
}

#[tokio::test]
async fn a_webhooks_own_retry_policy_goes_before_the_default_one() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let webhook = project.register(json!({ "url": receiver.url(), "retry": { "schedule": ["2s", "7m"] } })).await;
    assert_eq!(webhook["retry"], json!({ "schedule": ["2s", "7m"] }));
    project.send("ticket.created", json!({})).await;
    gateway.advance("30d").await;
    assert_eq!(waits(&project.only_delivery().await), ["2s", "7m"].map(span));
    assert_eq!(receiver.count(), 3);
}

/// A webhook that fails once for each event, and again a day later.
async fn failing(project: &Project<'_>, receiver: &Receiver) -> Value {
    let events = json!(["ticket.*", "survey.*"]);
    project.register(json!({ "url": receiver.url(), "events": events, "retry": { "schedule": ["1d"] } })).await
}

async fn fail(gateway: &Gateway, project: &Project<'_>, times: usize) {
    for _ in 0..times {
        project.send("ticket.created", json!({})).await;
        gateway.at_rest().await;
    }
}

#[tokio::test]
async fn after_10_consecutive_failures_the_webhook_is_disabled() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let webhook = failing(&project, &receiver).await;
    fail(&gateway, &project, 9).await;
    let shown = project.show(&webhook).await;
    assert_eq!((&shown["status"], &shown["failure_count"]), (&json!("active"), &json!(9)), "{shown:#}");

    fail(&gateway, &project, 1).await;
    let shown = project.show(&webhook).await;
    assert_eq!((&shown["status"], &shown["failure_count"]), (&json!("disabled"), &json!(10)), "{shown:#}");
    assert!(text(&shown["disabled_reason"]).contains("10"), "{shown:#}");

    let next = project.send_event(json!({ "type": "ticket.created", "data": {} })).await;
    gateway.advance("30d").await;
    assert_eq!((&next["deliveries"], receiver.count()), (&json!(0), 10), "nothing is sent any more");
}

#[tokio::test]
async fn attempts_at_one_delivery_are_failures_of_their_own() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let webhook = project.register(json!({ "url": receiver.url() })).await;
    project.send("ticket.created", json!({})).await;
    gateway.advance("3h").await;
    assert_eq!(project.show(&webhook).await["failure_count"], 7);
    project.send("ticket.closed", json!({})).await;
    gateway.advance("5s").await;
    assert_eq!(project.show(&webhook).await["status"], "active");
    gateway.advance("1s").await;
    assert_eq!((&project.show(&webhook).await["status"], receiver.count()), (&json!("disabled"), 10));
}

#[tokio::test]
async fn failures_that_are_not_consecutive_disable_nothing() {
    let answers = [[500; 9].as_slice(), &[200], &[500; 9], &[204], &[500; 9]].concat();
    let receiver = Receiver::replying(answers).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let webhook = failing(&project, &receiver).await;
    fail(&gateway, &project, 29).await;
    let shown = project.show(&webhook).await;
    assert_eq!((&shown["status"], &shown["failure_count"]), (&json!("active"), &json!(9)), "{shown:#}");
    assert_eq!(receiver.count(), 29);
}

#[tokio::test]
async fn an_admins_system_is_notified_when_a_webhook_is_disabled() {
    let (receiver, admins) = (Receiver::replying([500]).start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    project.register(json!({ "url": admins.url(), "events": ["posthaste.endpoint.disabled"] })).await;
    let webhook = failing(&project, &receiver).await;
    fail(&gateway, &project, 9).await;
    assert_eq!(admins.count(), 0);
    fail(&gateway, &project, 1).await;
    gateway.advance("1m").await;
    let told = only_request(&admins);
    assert_eq!(told.header("x-webhook-event"), Some("posthaste.endpoint.disabled"));
    assert_eq!(told.json()["type"], "posthaste.endpoint.disabled");
    assert!(told.text().contains(&text(&webhook["id"])), "which webhook? {}", told.text());
}

#[tokio::test]
async fn an_admin_is_notified_by_mail_when_a_webhook_is_disabled() {
    let plan = Plan::new();
    let smtp = Smtp {
        url: Some(format!("smtp://{}", plan.place()).parse().expect("a mail server")),
        from: Some("hooks@gateway.example".parse().expect("an address")),
    };
    let mut postbox = plan.open().await;
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().configured(|config| config.smtp = smtp).start().await;
    let project = helpdesk(&gateway).await;
    let projects = list(&gateway.admin(), "/v1/projects").await;
    let support = projects.iter().find(|project| project["slug"] == "support").expect("it was made");
    let path = format!("/v1/projects/{}", text(&support["id"]));
    gateway.admin().patch(&path, &json!({ "admins": ["oncall@example.com"] })).await.expect(200);
    let webhook = failing(&project, &receiver).await;

    fail(&gateway, &project, 9).await;
    assert!(!postbox.heard().contains("mail"), "nine are not ten");
    fail(&gateway, &project, 1).await;

    let mail = postbox.mail(1).await;
    assert_eq!(mail.0["to"], json!(["oncall@example.com"]));
    assert!(mail.header("subject").contains("disabled"), "{}", mail.header("subject"));
    for part in [text(&webhook["id"]), receiver.url().to_owned(), "10".to_owned()] {
        assert!(mail.text().contains(&part), "{part:?} is not in\n{}", mail.text());
    }
}

/// A gateway that may send to public addresses only, with TLS.
async fn strict() -> Gateway {
    Gateway::new().configured(|config| config.network.policy = Default::default()).start().await
}

/// Complains unless the URL is refused for a new webhook and for one that is there.
async fn is_refused(project: &Project<'_>, webhook: &Value, url: &str) {
    let path = format!("/v1/endpoints/{}", text(&webhook["id"]));
    let asked = json!({ "url": url });
    for answer in [project.http.post("/v1/endpoints", &asked).await, project.http.patch(&path, &asked).await] {
        assert_eq!(answer.status, 422, "{url}: {}", answer.text());
        is_refused_at(&answer.json(), "url_not_allowed", "/url");
    }
}

#[tokio::test]
async fn webhook_urls_must_use_https() {
    let gateway = strict().await;
    let project = helpdesk(&gateway).await;
    let webhook = project.register(json!({ "url": "https://example.com/hook" })).await;
    for url in
        ["http://example.com/hook", "HTTP://example.com/", "http://8.8.8.8/", "ftp://example.com/", "example.com"]
    {
        is_refused(&project, &webhook, url).await;
    }
    let problem = project.http.post("/v1/endpoints", &json!({ "url": "http://example.com/" })).await.json();
    assert!(text(&problem["errors"][0]["message"]).to_lowercase().contains("https"), "{problem:#}");
    assert_eq!(project.list("/v1/endpoints").await.len(), 1);
    assert_eq!(project.show(&webhook).await["url"], "https://example.com/hook");
}

async fn are_refused(urls: &[&str]) {
    let gateway = strict().await;
    let project = helpdesk(&gateway).await;
    let webhook = project.register(json!({ "url": "https://example.com/" })).await;
    for url in urls {
        is_refused(&project, &webhook, url).await;
    }
    assert_eq!(project.list("/v1/endpoints").await.len(), 1);
}

#[tokio::test]
async fn urls_that_point_to_localhost_are_rejected() {
    are_refused(&[
        "https://localhost/",
        "https://LocalHost:8443/hook",
        "https://app.localhost/",
        "https://127.0.0.1/",
        "https://127.8.9.10:8443/",
        "https://2130706433/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
    ])
    .await;
}

#[tokio::test]
async fn urls_that_point_to_private_ips_are_rejected() {
    are_refused(&[
        "https://10.0.0.1/",
        "https://10.255.255.255/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.168.1.1:8443/hook",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[::ffff:10.0.0.1]/",
    ])
    .await;
}

#[tokio::test]
async fn urls_with_internal_dns_suffixes_are_rejected() {
    are_refused(&[
        "https://db.internal/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://Printer.Local./",
        "https://api.default.svc/",
        "https://a.b.c.SVC:8443/hook",
    ])
    .await;
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_ip_is_not_connected_to() {
    let receiver = Receiver::healthy().start().await;
    let gateway =
        Gateway::new().configured(|config| config.network.policy = Default::default()).resolving_here().start().await;
    let project = helpdesk(&gateway).await;
    let url = receiver.url_as("innocent.example").replace("http:", "https:");
    project.register(json!({ "url": url })).await;
    project.send("ticket.created", json!({})).await;
    gateway.at_rest().await;
    let delivery = project.only_delivery().await;
    assert_eq!(delivery["attempts"][0]["error"]["kind"], "blocked", "{delivery:#}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn requests_time_out_after_10_seconds() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await.endpoint(receiver.url()).await;
    project.send("ticket.created", json!({})).await;
    receiver.received(1).await;
    gateway.env.advance(span("9999ms"));
    assert_eq!(project.only_delivery().await["attempts"], json!([]), "it has a millisecond left");
    gateway.lose_patience("1ms").await;
    let attempt = project.only_delivery().await["attempts"][0].clone();
    assert_eq!((&attempt["error"]["kind"], &attempt["duration_ms"]), (&json!("timeout"), &json!(10_000)));
    assert_eq!(time(&attempt["next_attempt_at"]), gateway.now() + span("1s"));
}

#[tokio::test]
async fn response_bodies_are_captured_up_to_4096_bytes() {
    let gateway = Gateway::new().start().await;
    for (length, kept, truncated) in
        [(0, 0, false), (4_095, 4_095, false), (4_096, 4_096, false), (4_097, 4_096, true), (100_000, 4_096, true)]
    {
        for status in [200, 500] {
            let body = "0123456789abcdef".repeat(length / 16 + 1)[..length].to_owned();
            let receiver = Receiver::behaving(vec![Reply::status(status).body(body.clone()).into()]).start().await;
            let project = gateway.project_speaking(&format!("body-{length}-{status}"), "helpdesk").await;
            let project = project.endpoint(receiver.url()).await;
            project.send("ticket.created", json!({})).await;
            gateway.at_rest().await;
            let attempt = project.only_delivery().await["attempts"][0].clone();
            assert_eq!(attempt["status_code"], status);
            assert_eq!(text(&attempt["response_body"]), body[..kept], "of {length} bytes");
            assert_eq!(attempt["response_truncated"], truncated, "of {length} bytes");
        }
    }
}

#[tokio::test]
async fn with_a_secret_every_delivery_has_a_signature() {
    let receiver = Receiver::replying([500, 500, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let webhook = project.register(json!({ "url": receiver.url(), "secret": SECRET })).await;
    project.send("ticket.created", json!({ "ticket": { "id": 1 } })).await;
    gateway.advance("1m").await;
    let retry = format!("/v1/deliveries/{}/retry", text(&project.only_delivery().await["id"]));
    project.http.post(&retry, &json!({})).await.expect(202);
    gateway.at_rest().await;
    project.ask(&webhook, "test").await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 5);
    let cases: Vec<(&Received, &str)> = requests.iter().map(|request| (request, SECRET)).collect();
    assert_eq!(python_accepts(SIGNATURE, &cases).await, [true; 5]);
}

#[tokio::test]
async fn without_a_secret_there_is_no_signature() {
    let (request, _) = request_to(json!({})).await;
    assert_eq!(request.header(SIGNATURE), None, "{:?}", request.headers);
    assert!(request.headers.iter().all(|(name, _)| !name.contains("signature")), "{:?}", request.headers);
}

#[tokio::test]
async fn the_steps_of_verifying_accept_what_was_sent_and_nothing_else() {
    let (request, _) = request_to(json!({ "secret": SECRET })).await;
    let signature = request.header(SIGNATURE).expect("it has a secret");
    let hex = signature.strip_prefix("sha256=").unwrap_or_else(|| panic!("not sha256=…: {signature}"));
    let is_hex = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
    assert!(hex.len() == 64 && hex.bytes().all(is_hex), "not 64 hexadecimal digits: {hex}");
    let changed = forged(&request, "1.00", "1.01");
    let reformatted = Received { body: request.json().to_string().into(), ..request.clone() };
    assert_ne!(reformatted.body, request.body, "the raw body is not what a library would print");
    let cases = [(&request, SECRET), (&changed, SECRET), (&reformatted, SECRET), (&request, "somebody-elses-secret")];
    assert_eq!(python_accepts(SIGNATURE, &cases).await, [true, false, false, false]);
}

#[tokio::test]
async fn every_request_has_content_type_application_json() {
    let (request, _) = request_to(json!({})).await;
    let types: Vec<&str> =
        request.headers.iter().filter(|(name, _)| name == "content-type").map(|(_, value)| value.as_str()).collect();
    assert_eq!(types, ["application/json"]);
}

#[tokio::test]
async fn every_request_has_the_event_type_in_x_webhook_event() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await.endpoint(receiver.url()).await;
    for event_type in ["ticket.created", "ticket.message.created", "survey.response.completed"] {
        project.send(event_type, json!({})).await;
        gateway.at_rest().await;
    }
    let told: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| request.header("x-webhook-event").unwrap_or("none").to_owned())
        .collect();
    assert_eq!(told, ["ticket.created", "ticket.message.created", "survey.response.completed"]);
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let is_hex = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.concat().bytes().all(is_hex)
}

#[tokio::test]
async fn every_delivery_has_a_unique_id_in_x_webhook_delivery_a_uuid() {
    let (one, two) = (Receiver::replying([500, 204]).start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await.endpoint(one.url()).await.endpoint(two.url()).await;
    project.send("ticket.created", json!({})).await;
    gateway.advance("1m").await;
    project.send("ticket.created", json!({})).await;
    gateway.advance("1m").await;

    let ids = |receiver: &Receiver| -> Vec<String> {
        let id = |request: &Received| request.header("x-webhook-delivery").expect("every request has it").to_owned();
        receiver.requests().iter().map(id).collect()
    };
    let (ones, twos) = (ids(&one), ids(&two));
    assert_eq!((ones.len(), twos.len()), (3, 2));
    assert_eq!(ones[0], ones[1], "a retry is the same delivery");
    let unique: BTreeSet<String> = ones.into_iter().chain(twos).collect();
    assert_eq!(unique.len(), 4);
    assert!(unique.iter().all(|id| is_uuid(id)), "{unique:?}");
    assert_eq!(unique, project.deliveries().await.iter().map(|delivery| text(&delivery["id"])).collect());
}

#[tokio::test]
async fn custom_headers_of_the_webhook_are_in_every_request() {
    let receiver = Receiver::replying([500, 204]).start().await;
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    let headers = json!({ "X-Team": "billing", "x-environment": "live; region=eu" });
    project.register(json!({ "url": receiver.url(), "headers": headers, "secret": SECRET })).await;
    project.send("ticket.created", json!({})).await;
    gateway.advance("1m").await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request.header("x-team"), Some("billing"));
        assert_eq!(request.header("x-environment"), Some("live; region=eu"));
        assert_eq!(request.header("x-webhook-event"), Some("ticket.created"));
        assert!(request.header("x-webhook-delivery").is_some() && request.header(SIGNATURE).is_some());
    }
}

#[tokio::test]
async fn custom_headers_do_not_displace_the_standard_ones() {
    let gateway = Gateway::new().start().await;
    let project = helpdesk(&gateway).await;
    for header in ["Content-Type", "X-Webhook-Event", "x-webhook-delivery", "X-WEBHOOK-SIGNATURE"] {
        let asked = json!({ "url": "https://example.com/", "headers": { header: "mine" } });
        let problem = project.http.post("/v1/endpoints", &asked).await.expect(422);
        is_refused_at(&problem, "invalid_request", &format!("/headers/{header}"));
    }
}

// "Incoming webhooks", with inbound email, email delivery status and the providers (SendGrid, Twilio SMS and WhatsApp,
// Meta WhatsApp, MessageBird, AWS SES, Gupshup, Vonage, Plivo), comes with the issue on incoming webhooks. The related
// pages on configuring ticket and survey webhooks as screens come with the pages for people.
