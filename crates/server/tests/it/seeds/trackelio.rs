//! Trackelio's page on webhooks, statement by statement.

use hyper::Method;
use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::certificate::Identity;
use testkit::receiver::{Received, Receiver};

use super::{forged, is_refused_at, only_request, python_accepts};
use crate::gateway::{Gateway, Project, text};

const SIGNATURE: &str = "x-trackelio-signature";
const SECRET: &str = "only-we-and-trackelio-know";

async fn feedback(gateway: &Gateway) -> Project<'_> {
    gateway.project_speaking("feedback", "trackelio").await
}

#[tokio::test]
async fn when_a_configured_event_occurs_a_post_request_with_its_details_goes_to_the_url() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    let url = format!("{}?board=7", receiver.url());
    project.register(json!({ "url": url, "events": ["post.created"] })).await;

    project.send("post.created", json!({ "id": "post_1", "title": "Dark mode, please" })).await;
    gateway.at_rest().await;

    let request = only_request(&receiver);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook?board=7"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let details = json!({
        "type": "post.created",
        "timestamp": "2026-01-05T09:00:00.000Z",
        "data": { "id": "post_1", "title": "Dark mode, please" },
    });
    assert_eq!(request.json(), details);
}

#[tokio::test]
async fn the_events_that_can_trigger_deliveries_are_these_seven() {
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    let listed: Vec<(String, String)> = project
        .list("/v1/event-types")
        .await
        .iter()
        .map(|event_type| (text(&event_type["name"]), text(&event_type["description"])))
        .collect();
    let page = [
        ("post.created", "A new feedback post is created"),
        ("post.status_changed", "A post’s status is updated"),
        ("post.assigned", "A post is assigned to a team member"),
        ("comment.created", "A new comment is added to a post"),
        ("nps.submitted", "A user submits an NPS response"),
        ("csat.submitted", "A user submits a CSAT rating"),
        ("conversation.completed", "A messenger conversation is completed"),
    ];
    assert_eq!(listed, page.map(|(name, description)| (name.to_owned(), description.to_owned())));
}

#[tokio::test]
async fn no_other_event_triggers_a_delivery() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    project.register(json!({ "url": receiver.url() })).await;
    for other in ["post.deleted", "post", "post.created.twice", "Post.Created"] {
        let problem = project.http.post("/v1/events", &json!({ "type": other, "data": {} })).await.expect(422);
        is_refused_at(&problem, "unknown_event_type", "/type");
        let endpoint = json!({ "url": receiver.url(), "events": ["post.created", other] });
        let problem = project.http.post("/v1/endpoints", &endpoint).await.expect(422);
        is_refused_at(&problem, "unknown_event_type", "/events/1");
    }
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 0);
    assert!(project.list("/v1/events").await.is_empty());
}

/// Such an event comes as one request, to an endpoint that asked for it alone, and not to one that asked for all others.
async fn triggers_a_delivery(event_type: &str, data: Value) {
    let (receiver, other) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    project.register(json!({ "url": receiver.url(), "events": [event_type] })).await;
    let all = [
        "post.created",
        "post.status_changed",
        "post.assigned",
        "comment.created",
        "nps.submitted",
        "csat.submitted",
        "conversation.completed",
    ];
    let others: Vec<&str> = all.into_iter().filter(|name| *name != event_type).collect();
    assert_eq!(others.len(), 6);
    project.register(json!({ "url": other.url(), "events": others })).await;

    let sent = json!({ "type": event_type, "data": data });
    assert_eq!(project.send_event(sent).await["deliveries"], 1);
    gateway.at_rest().await;

    let request = only_request(&receiver);
    assert_eq!((&request.json()["type"], &request.json()["data"]), (&json!(event_type), &data));
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn a_new_feedback_post_triggers_post_created() {
    triggers_a_delivery("post.created", json!({ "id": "post_1", "title": "Dark mode" })).await;
}

#[tokio::test]
async fn an_update_of_a_posts_status_triggers_post_status_changed() {
    triggers_a_delivery("post.status_changed", json!({ "id": "post_1", "status": "planned" })).await;
}

#[tokio::test]
async fn assigning_a_post_to_a_team_member_triggers_post_assigned() {
    triggers_a_delivery("post.assigned", json!({ "id": "post_1", "assignee": { "name": "Grace" } })).await;
}

#[tokio::test]
async fn a_new_comment_on_a_post_triggers_comment_created() {
    triggers_a_delivery("comment.created", json!({ "id": "comment_1", "post_id": "post_1", "body": "+1" })).await;
}

#[tokio::test]
async fn an_nps_response_triggers_nps_submitted() {
    triggers_a_delivery("nps.submitted", json!({ "id": "nps_1", "score": 10 })).await;
}

#[tokio::test]
async fn a_csat_rating_triggers_csat_submitted() {
    triggers_a_delivery("csat.submitted", json!({ "id": "csat_1", "rating": 5 })).await;
}

#[tokio::test]
async fn a_completed_messenger_conversation_triggers_conversation_completed() {
    triggers_a_delivery("conversation.completed", json!({ "id": "conversation_1", "messages": 12 })).await;
}

#[tokio::test]
async fn an_endpoint_has_a_url_that_receives_the_requests() {
    let (first, second) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    let problem = project.http.post("/v1/endpoints", &json!({ "events": ["post.created"] })).await.expect(422);
    is_refused_at(&problem, "invalid_request", "/url");

    let endpoint = project.register(json!({ "url": first.url(), "events": ["post.created"] })).await;
    assert_eq!(project.show(&endpoint).await["url"], first.url());
    project.send("post.created", json!({})).await;
    gateway.at_rest().await;
    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    project.http.patch(&path, &json!({ "url": second.url() })).await.expect(200);
    project.send("post.created", json!({})).await;
    project.send("post.created", json!({})).await;
    gateway.at_rest().await;
    assert_eq!((first.count(), second.count()), (1, 2));
}

#[tokio::test]
async fn an_endpoint_subscribes_to_one_or_more_events_and_receives_those() {
    let (one, more) = (Receiver::healthy().start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    project.register(json!({ "url": one.url(), "events": ["nps.submitted"] })).await;
    let two = json!(["nps.submitted", "comment.created"]);
    let endpoint = project.register(json!({ "url": more.url(), "events": two })).await;
    assert_eq!(project.show(&endpoint).await["events"], two, "an array of event types");

    for event_type in ["post.created", "nps.submitted", "csat.submitted", "comment.created"] {
        project.send(event_type, json!({})).await;
        gateway.at_rest().await;
    }

    let types = |receiver: &Receiver| -> Vec<String> {
        receiver.requests().iter().map(|request| text(&request.json()["type"])).collect()
    };
    assert_eq!(types(&one), ["nps.submitted"]);
    assert_eq!(types(&more), ["nps.submitted", "comment.created"]);
}

/// A request to an endpoint that was made with [`SECRET`].
async fn signed_request() -> Received {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    project.register(json!({ "url": receiver.url(), "secret": SECRET })).await;
    let odd =
        r#"{"type": "post.created", "data": { "title" : "\u00e9é€𝄞 <b>", "votes":1.00, "id": 12345678901234567890 }}"#;
    project.http.send(Method::POST, "/v1/events", odd.into()).await.expect(202);
    gateway.at_rest().await;
    only_request(&receiver)
}

#[tokio::test]
async fn the_secret_signs_payloads_with_hmac_sha256() {
    let request = signed_request().await;
    assert_eq!(python_accepts(SIGNATURE, &[(&request, SECRET)]).await, [true]);
}

#[tokio::test]
async fn the_signature_is_in_the_request_headers() {
    let request = signed_request().await;
    let named: Vec<&str> =
        request.headers.iter().filter(|(name, _)| name == SIGNATURE).map(|(_, value)| value.as_str()).collect();
    assert_eq!(named.len(), 1, "{:?}", request.headers);
    let hex = named[0].strip_prefix("sha256=").unwrap_or_else(|| panic!("not sha256=…: {}", named[0]));
    let is_hex = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
    assert!(hex.len() == 64 && hex.bytes().all(is_hex), "not 64 hexadecimal digits: {hex}");
    assert!(request.headers.iter().all(|(_, value)| !value.contains(SECRET)), "{:?}", request.headers);
}

#[tokio::test]
async fn validating_the_signature_tells_unauthorized_requests_from_genuine_ones() {
    let request = signed_request().await;
    let changed = forged(&request, "1.00", "2.00");
    let shortened = Received { body: request.body.slice(..request.body.len() - 1), ..request.clone() };
    let cases = [(&request, SECRET), (&changed, SECRET), (&shortened, SECRET), (&request, "somebody-elses-secret")];
    assert_eq!(python_accepts(SIGNATURE, &cases).await, [true, false, false, false]);
}

#[tokio::test]
async fn every_delivery_is_signed_with_the_secret_that_was_configured() {
    let receiver = Receiver::replying([500, 500, 204]).start().await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = feedback(&gateway).await;
    let endpoint = project.register(json!({ "url": receiver.url(), "secret": SECRET })).await;
    // Two attempts by the schedule, one asked for, a replay, a test.
    let event = project.send("post.created", json!({ "id": "post_1" })).await;
    gateway.advance("1m").await;
    let retry = format!("/v1/deliveries/{}/retry", text(&project.only_delivery().await["id"]));
    project.http.post(&retry, &json!({})).await.expect(202);
    gateway.advance("1m").await;
    project.http.post(&format!("/v1/events/{event}/replay"), &json!({})).await.expect(202);
    // A replay is a job, which no clock waits for.
    receiver.received(4).await;
    gateway.advance("1m").await;
    project.ask(&endpoint, "test").await;

    let requests = receiver.requests();
    assert_eq!(requests.len(), 5);
    let cases: Vec<(&Received, &str)> = requests.iter().map(|request| (request, SECRET)).collect();
    assert_eq!(python_accepts(SIGNATURE, &cases).await, [true; 5]);
}

#[tokio::test]
async fn an_endpoint_without_a_secret_of_ones_own_is_given_one_that_signs() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let secret = text(&endpoint["secret"]);
    assert!(secret.len() >= 24, "too short to be a secret: {secret}");
    project.send("post.created", json!({})).await;
    gateway.at_rest().await;
    assert_eq!(python_accepts(SIGNATURE, &[(&only_request(&receiver), &secret)]).await, [true]);
    assert!(!project.show(&endpoint).await.to_string().contains(&secret), "it is shown once");
}

#[tokio::test]
async fn the_active_toggle_disables_and_enables_an_endpoint_without_deleting_it() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = feedback(&gateway).await;
    let asked = json!({ "url": receiver.url(), "events": ["post.created"], "secret": SECRET, "active": false });
    let endpoint = project.register(asked).await;
    assert_eq!(endpoint["status"], "paused");
    let path = format!("/v1/endpoints/{}", text(&endpoint["id"]));
    for (active, status, deliveries) in [(true, "active", 1), (false, "paused", 0), (true, "active", 1)] {
        let toggled = project.http.patch(&path, &json!({ "active": active })).await.expect(200);
        assert_eq!(toggled["status"], status);
        let kept = (&toggled["id"], &toggled["url"], &toggled["events"]);
        assert_eq!(kept, (&endpoint["id"], &json!(receiver.url()), &json!(["post.created"])));
        let sent = project.send_event(json!({ "type": "post.created", "data": {} })).await;
        assert_eq!(sent["deliveries"], deliveries, "{status}");
        gateway.at_rest().await;
    }
    let requests = receiver.requests();
    let cases: Vec<(&Received, &str)> = requests.iter().map(|request| (request, SECRET)).collect();
    assert_eq!(python_accepts(SIGNATURE, &cases).await, [true, true], "its secret was kept");
}

#[tokio::test]
async fn deliveries_are_paused_during_maintenance_and_go_on_after_it() {
    let receiver = Receiver::replying([503, 204]).start().await;
    let gateway = Gateway::new().retry(["10s"]).start().await;
    let project = feedback(&gateway).await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let before = project.send("post.created", json!({})).await;
    gateway.at_rest().await;

    project.ask(&endpoint, "pause").await;
    gateway.advance("6h").await;
    assert_eq!(receiver.count(), 1);
    assert_eq!(project.delivery_of(&before).await["status"], "pending");

    project.ask(&endpoint, "resume").await;
    gateway.at_rest().await;
    assert_eq!(project.delivery_of(&before).await["status"], "delivered");
    project.send("comment.created", json!({})).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 3);
}

#[tokio::test]
async fn the_status_code_of_every_delivery_is_tracked() {
    let receiver = Receiver::replying([201, 418, 502, 200]).start().await;
    let gateway = Gateway::new().retry(["1s", "1s"]).start().await;
    let project = feedback(&gateway).await.endpoint(receiver.url()).await;
    let at_once = project.send("post.created", json!({})).await;
    gateway.at_rest().await;
    let at_last = project.send("post.created", json!({})).await;
    gateway.advance("1m").await;

    let codes = async |event: &str| {
        let delivery = project.delivery_of(event).await;
        let attempts = delivery["attempts"].as_array().expect("a list");
        let codes: Vec<Value> = attempts.iter().map(|attempt| attempt["status_code"].clone()).collect();
        (delivery["status_code"].clone(), codes)
    };
    assert_eq!(codes(&at_once).await, (json!(201), vec![json!(201)]));
    assert_eq!(codes(&at_last).await, (json!(200), vec![json!(418), json!(502), json!(200)]));
}

fn saying(status: u16, body: &str) -> Behaviour {
    Reply::status(status).body(body).into()
}

#[tokio::test]
async fn the_response_body_of_every_delivery_is_tracked() {
    let answers = vec![saying(500, "the CRM is down"), saying(200, "{\"ticket\": \"Ä-7\"}")];
    let receiver = Receiver::behaving(answers).start().await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = feedback(&gateway).await.endpoint(receiver.url()).await;
    project.send("post.created", json!({})).await;
    gateway.advance("1m").await;
    let delivery = project.only_delivery().await;
    let bodies = [&delivery["attempts"][0]["response_body"], &delivery["attempts"][1]["response_body"]];
    assert_eq!(bodies, [&json!("the CRM is down"), &json!("{\"ticket\": \"Ä-7\"}")]);
}

#[tokio::test]
async fn consecutive_failures_are_counted_for_each_endpoint() {
    let failing = Receiver::replying([500, 404, 503, 200, 500]).start().await;
    let healthy = Receiver::healthy().start().await;
    let gateway = Gateway::new().retry(["1m", "1m", "1m"]).start().await;
    let project = feedback(&gateway).await;
    let counted = project.register(json!({ "url": failing.url() })).await;
    let other = project.register(json!({ "url": healthy.url() })).await;
    assert_eq!(project.show(&counted).await["failure_count"], 0);

    project.send("post.created", json!({})).await;
    for running in [1, 2, 3, 0] {
        gateway.at_rest().await;
        assert_eq!(project.show(&counted).await["failure_count"], running);
        assert_eq!(project.show(&other).await["failure_count"], 0);
        gateway.advance("70s").await;
    }
    project.send("post.created", json!({})).await;
    gateway.at_rest().await;
    assert_eq!(project.show(&counted).await["failure_count"], 1, "it begins anew after a success");
}

#[tokio::test]
async fn the_delivery_log_shows_why_an_endpoint_is_consistently_failing() {
    let answers = vec![saying(401, "who are you?"), saying(403, "not you"), saying(500, "out of order")];
    let (failing, healthy) = (Receiver::behaving(answers).start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().retry(["1s", "1s"]).start().await;
    let project = feedback(&gateway).await;
    let endpoint = project.register(json!({ "url": failing.url() })).await;
    project.register(json!({ "url": healthy.url() })).await;
    let event = project.send("nps.submitted", json!({ "score": 3 })).await;
    gateway.advance("1m").await;

    let path = format!("/v1/endpoints/{}/deliveries", text(&endpoint["id"]));
    let log = project.list(&format!("{path}?status=failed")).await;
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0]["event_id"], &log[0]["status_code"]), (&json!(event), &json!(500)));
    assert_eq!(project.list(&path).await, log, "the other endpoint's are not in it");
    let delivery = project.delivery(&text(&log[0]["id"])).await;
    let told: Vec<(Value, Value)> = delivery["attempts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|attempt| (attempt["status_code"].clone(), attempt["response_body"].clone()))
        .collect();
    let said = [(401, "who are you?"), (403, "not you"), (500, "out of order")];
    assert_eq!(told, said.map(|(status, body)| (json!(status), json!(body))));
}

/// A receiver that passes for that host, and a gateway that believes it.
async fn service(host: &str) -> (Receiver, Gateway) {
    let receiver = Receiver::healthy().tls(Identity::valid_for([host])).start().await;
    let gateway = Gateway::new().resolving_here().trusting(receiver.ca_pem()).start().await;
    (receiver, gateway)
}

#[tokio::test]
async fn slack_gets_a_message_when_new_feedback_is_submitted_or_a_post_changes_status() {
    let (slack, gateway) = service("hooks.slack.com").await;
    let project = feedback(&gateway).await;
    let url = format!("https://hooks.slack.com:{}/services/T0/B0/x", slack.address().port());
    let endpoint = project.register(json!({ "url": url, "events": ["post.created", "post.status_changed"] })).await;
    assert_eq!(endpoint["provider"], "slack");

    project.send("post.created", json!({ "title": "Dark mode" })).await;
    project.send("comment.created", json!({ "body": "+1" })).await;
    project.send("post.status_changed", json!({ "title": "Dark mode", "status": "planned" })).await;
    gateway.advance("1m").await;

    let messages: Vec<Value> = slack.requests().iter().map(Received::json).collect();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    for (message, headline, facts) in [
        (&messages[0], "Post created", &["Dark mode"][..]),
        (&messages[1], "Post status changed", &["Dark mode", "planned"][..]),
    ] {
        let header = json!({ "type": "plain_text", "text": headline, "emoji": false });
        assert_eq!(message["blocks"][0], json!({ "type": "header", "text": header }), "{message:#}");
        let shown = message["blocks"].to_string();
        assert!(facts.iter().all(|fact| shown.contains(fact)), "{facts:?} in {message:#}");
        assert!(message.get("type").is_none() && message.get("data").is_none(), "Slack knows no such members");
    }
}

#[tokio::test]
async fn discord_gets_notifications_in_a_channel() {
    let (discord, gateway) = service("discord.com").await;
    let project = feedback(&gateway).await;
    let url = format!("https://discord.com:{}/api/webhooks/7/x", discord.address().port());
    let endpoint = project.register(json!({ "url": url, "events": ["csat.submitted"] })).await;
    assert_eq!(endpoint["provider"], "discord");

    project.send("csat.submitted", json!({ "rating": 5, "comment": "@everyone look" })).await;
    gateway.at_rest().await;

    let message = only_request(&discord).json();
    let embeds = message["embeds"].as_array().expect("embeds");
    assert_eq!((embeds.len(), &embeds[0]["title"]), (1, &json!("Csat submitted")), "{message:#}");
    let rating = json!({ "name": "rating", "value": "5", "inline": true });
    assert!(embeds[0]["fields"].as_array().expect("fields").contains(&rating), "{message:#}");
    assert_eq!(message["allowed_mentions"], json!({ "parse": [] }));
}

#[tokio::test]
async fn zapiers_webhook_trigger_gets_the_event_as_it_is() {
    let (zapier, gateway) = service("hooks.zapier.com").await;
    let project = feedback(&gateway).await;
    let url = format!("https://hooks.zapier.com:{}/hooks/catch/1/x/", zapier.address().port());
    let endpoint = project.register(json!({ "url": url, "secret": SECRET })).await;
    assert_eq!(endpoint["provider"], "zapier");

    project.send("nps.submitted", json!({ "score": 9 })).await;
    gateway.at_rest().await;

    let request = only_request(&zapier);
    let plain = json!({ "type": "nps.submitted", "timestamp": "2026-01-05T09:00:00.000Z", "data": { "score": 9 } });
    assert_eq!((request.path.as_str(), request.json()), ("/hooks/catch/1/x/", plain));
    assert_eq!(python_accepts(SIGNATURE, &[(&request, SECRET)]).await, [true]);
}

#[tokio::test]
async fn events_are_forwarded_to_ones_own_api() {
    let (api, gateway) = service("ci.example").await;
    let project = feedback(&gateway).await;
    let url = api.url_as("ci.example").replace("/hook", "/api/builds?token=7");
    let auth = json!({ "type": "bearer", "token": "let-me-in" });
    let endpoint = project.register(json!({ "url": url, "auth": auth, "headers": { "x-pipeline": "crm" } })).await;
    assert_eq!(endpoint["provider"], "webhook");

    project.send("post.status_changed", json!({ "id": "post_1", "status": "shipped" })).await;
    gateway.at_rest().await;

    let request = only_request(&api);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/builds?token=7"));
    assert_eq!(request.header("authorization"), Some("Bearer let-me-in"));
    assert_eq!(request.header("x-pipeline"), Some("crm"));
    assert_eq!(request.json()["data"], json!({ "id": "post_1", "status": "shipped" }));
}

// Every statement of the page is tested here. What it leaves to a screen (the settings as a form, the log as a table)
// comes with the pages for people.
