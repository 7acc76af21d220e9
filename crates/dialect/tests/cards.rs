//! Cards in place of the dialect's body: the endpoints that get them, and the dialect's part in them.

mod given;

use std::sync::Arc;

use dialect::Dialect;
use dialect::renderer::Message;
use given::{dialect, endpoint, event, said, standard, text};
use model::endpoint::Settings;
use model::provider::Provider;
use model::url::EndpointUrl;

fn in_form_of(dialect: &Arc<Dialect>, url: &str, change: impl FnOnce(&mut Settings)) -> Message {
    let mut endpoint = endpoint();
    endpoint.settings.url = EndpointUrl::stored(url).expect("a URL");
    change(&mut endpoint.settings);
    said(dialect, &endpoint, event("7"))
}

#[test]
fn chat_services_get_cards_and_automation_services_the_envelope() {
    let discord = "https://discord.com/api/webhooks/1/x";
    let begins = |message: &Message| text(message).chars().take(12).collect::<String>();
    let cases = [
        ("https://hooks.slack.com/services/T0/B0/x", r#"{"blocks":[{"#),
        (discord, r#"{"allowed_me"#),
        ("https://acme.webhook.office.com/webhookb2/1", r#"{"attachment"#),
        ("https://hooks.zapier.com/hooks/catch/1/x/", r#"{"type":"inv"#),
        ("https://hook.eu1.make.com/x", r#"{"type":"inv"#),
        ("https://example.com/", r#"{"type":"inv"#),
    ];
    for (url, expected) in cases {
        let message = in_form_of(&standard(), url, |_| {});
        assert_eq!(begins(&message), expected, "{url}");
        assert_eq!(message.reproducible_by.is_none(), !expected.contains("type"), "{url}: a card is kept");
    }
    let own = in_form_of(&standard(), discord, |settings| settings.template = Some("{}".into()));
    assert_eq!(text(&own), "{}", "an endpoint's template goes before a card");
    let chosen = in_form_of(&standard(), "https://example.com/", |settings| settings.provider = Some(Provider::Slack));
    assert!(text(&chosen).contains("blocks"));
    let without = dialect("[providers]\ncards = false");
    assert_eq!(begins(&in_form_of(&without, discord, |_| {})), r#"{"type":"inv"#);
    let blind = dialect("[providers]\ndetect = false");
    assert_eq!(begins(&in_form_of(&blind, discord, |_| {})), r#"{"type":"inv"#);
}

#[test]
fn a_card_says_what_the_dialect_says_of_the_product_and_the_type() {
    let acme = dialect(
        "title = \"Acme & Sons\"\naccent_color = \"#0a0b0c\"\n[[event_types]]\nname = \"invoice.paid\"\ndescription = \"An invoice was paid.\"",
    );
    let message = in_form_of(&acme, "https://discord.com/api/webhooks/1/x", |_| {});
    let card: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
    let embed = &card["embeds"][0];
    assert_eq!(embed["title"], "Invoice paid");
    assert_eq!(embed["description"], "An invoice was paid.");
    assert_eq!(embed["color"], 0x0a_0b_0c);
    assert_eq!(embed["footer"]["text"], "Acme & Sons · invoice.paid · msg_p5jXN8AQM9LWM0D4loKWxJek");
}
