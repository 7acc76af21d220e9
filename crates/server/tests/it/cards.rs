//! Chat services: what they publish of their messages accepts our cards, and their answers are understood.

use serde_json::{Value, json};
use testkit::behaviour::{Behaviour, Reply};
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, span, text, time};
use crate::peers::{adaptive_card_schema, golden_cards, python};

/// Reads blocks with Slack's own SDK, which must know all there is in them, and has it check their limits.
const SLACK_SDK: &str = r#"
import json, sys
from slack_sdk.models.blocks import Block
for line in sys.stdin:
    blocks = json.loads(line)
    try:
        read = Block.parse_all(blocks)
        for block in read:
            block.validate_json()
        print(json.dumps("ok" if [block.to_dict() for block in read] == blocks else "it is read as something else"))
    except Exception as error:
        print(json.dumps(str(error)))
"#;

#[tokio::test]
async fn slacks_sdk_accepts_our_blocks() {
    let cards = golden_cards("slack");
    let mut lines: Vec<Value> = cards.iter().map(|(_, card)| card["blocks"].clone()).collect();
    let header = json!({ "type": "plain_text", "text": "x".repeat(151) });
    lines.push(json!([{ "type": "header", "text": header }]));

    let mut answers = python(SLACK_SDK, &lines).await;

    let long = text(&answers.pop().expect("an answer to each"));
    assert!(long.contains("150"), "it checks nothing: {long}");
    for ((name, _), answer) in cards.iter().zip(answers) {
        assert_eq!(answer, "ok", "{name}");
    }
}

#[tokio::test]
async fn microsofts_schema_accepts_our_adaptive_cards() {
    let schema = jsonschema::validator_for(&adaptive_card_schema().await).expect("a schema");
    for (name, message) in golden_cards("teams") {
        let mut card = message["attachments"][0]["content"].clone();
        let findings: Vec<String> = schema.iter_errors(&card).map(|error| error.to_string()).collect();
        assert!(findings.is_empty(), "{name}: {findings:?}");
        card["body"][0]["inlines"][0]["weight"] = "heavy".into();
        assert!(!schema.is_valid(&card), "it checks nothing");
    }
}

/// An endpoint of that provider on this machine.
fn endpoint(receiver: &Receiver, provider: &str) -> Value {
    json!({ "url": receiver.url(), "provider": provider })
}

async fn answering(replies: impl IntoIterator<Item = Reply>) -> Receiver {
    Receiver::behaving(replies.into_iter().map(Behaviour::from).collect()).start().await
}

#[tokio::test]
async fn an_endpoint_of_a_chat_service_gets_a_card() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(endpoint(&receiver, "discord")).await;

    project.send("invoice.paid", json!({ "id": "inv_7" })).await;
    gateway.at_rest().await;

    let card: Value = serde_json::from_slice(&receiver.requests()[0].body).unwrap();
    assert_eq!(card["embeds"][0]["title"], "Invoice paid");
    let shown: Value = serde_json::from_str(&text(&project.only_delivery().await["request_body"])).unwrap();
    assert_eq!(shown, card, "a delivery shows what was sent");
}

#[tokio::test]
async fn a_card_is_signed_with_the_projects_name_as_it_is_now() {
    let gateway = Gateway::new().start().await;
    let asked = json!({ "name": "Acme Billing", "slug": "acme" });
    let made = gateway.admin().post("/v1/projects", &asked).await.expect(201);
    let http = testkit::http::Http::new(gateway.url()).key(&text(&made["api_key"]));
    let mut all = Vec::new();
    for provider in ["slack", "discord", "teams_webhook"] {
        let receiver = Receiver::healthy().start().await;
        http.post("/v1/endpoints", &endpoint(&receiver, provider)).await.expect(201);
        all.push(receiver);
    }
    for (number, name) in ["Acme Billing", "Acme Payments"].into_iter().enumerate() {
        gateway.admin().patch("/v1/projects/acme", &json!({ "name": name })).await.expect(200);
        http.post("/v1/events", &json!({ "type": "invoice.paid", "data": {} })).await.expect(202);
        gateway.advance("2s").await;
        for receiver in &all {
            let card = receiver.requests()[number].text().to_owned();
            assert!(card.contains(&format!("{name} · invoice.paid")), "{card}");
            assert!(!card.contains("Standard Webhooks"), "{card}");
        }
    }
}

#[tokio::test]
async fn discord_gets_a_message_again_when_it_says() {
    let limited = json!({ "message": "You are being rate limited.", "retry_after": 2.5, "global": false });
    let receiver = answering([Reply::status(429).body(limited.to_string()), Reply::status(204)]).await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await;
    project.register(endpoint(&receiver, "discord")).await;

    project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;

    let attempt = &project.only_delivery().await["attempts"][0];
    assert_eq!(time(&attempt["next_attempt_at"]), gateway.now() + span("2500ms"), "which is later than the schedule's");
    assert!(text(&attempt["error"]["message"]).contains("asks for a pause of 2.5s"));
    gateway.advance("3s").await;
    assert_eq!(project.only_delivery().await["status"], "delivered");
}

#[tokio::test]
async fn discord_gets_nothing_more_before_it_takes_more() {
    let last = Reply::status(204).header("x-ratelimit-remaining", "0").header("x-ratelimit-reset-after", "20.0");
    let receiver = answering([last, Reply::status(204)]).await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(endpoint(&receiver, "discord")).await;

    project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;
    project.send("invoice.paid", json!({})).await;
    gateway.advance("19s").await;
    assert_eq!(receiver.count(), 1);
    gateway.advance("1s").await;
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn slack_gets_a_message_a_second_unless_the_endpoint_says_otherwise() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(endpoint(&receiver, "slack")).await;

    project.send("invoice.paid", json!({})).await;
    project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 1);
    gateway.advance("1s").await;
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn a_slack_webhook_that_was_removed_disables_its_endpoint() {
    let receiver = answering([Reply::status(404).body("no_service")]).await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let registered = project.register(endpoint(&receiver, "slack")).await;

    project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;

    assert_eq!(project.only_delivery().await["status"], "failed");
    let endpoint = project.show(&registered).await;
    assert_eq!(endpoint["status"], "disabled");
    assert_eq!(
        endpoint["disabled_reason"],
        "the receiver answered 404 no_service: the webhook was removed or disabled"
    );
}

#[tokio::test]
async fn a_message_that_slack_cannot_read_is_not_sent_again() {
    let receiver = answering([Reply::status(400).body("invalid_blocks")]).await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let registered = project.register(endpoint(&receiver, "slack")).await;

    project.send("invoice.paid", json!({})).await;
    gateway.advance("1h").await;

    assert_eq!((receiver.count(), &project.only_delivery().await["status"]), (1, &json!("failed")));
    assert_eq!(project.show(&registered).await["status"], "active");
}

#[tokio::test]
async fn an_error_of_teams_inside_a_200_is_a_failure() {
    let inside =
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 500 with ContextId x";
    let receiver = answering([Reply::status(200).body(inside), Reply::status(202)]).await;
    let gateway = Gateway::new().retry(["1s"]).start().await;
    let project = gateway.project("acme").await;
    project.register(endpoint(&receiver, "teams_webhook")).await;

    project.send("invoice.paid", json!({})).await;
    gateway.at_rest().await;

    let attempt = &project.only_delivery().await["attempts"][0];
    assert_eq!((&attempt["status_code"], &attempt["error"]["kind"]), (&json!(200), &json!("status")));
    assert_eq!(attempt["response_body"], inside);
    gateway.advance("2s").await;
    assert_eq!(project.only_delivery().await["status"], "delivered");
}
