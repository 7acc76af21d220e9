//! Cards as they are sent, and the rules that hold for them whatever the event.
//!
//! To accept a card that changed, delete its file in `tests/golden` and run the tests twice: the first run writes it
//! and fails, so that somebody looks.

mod any;
mod golden;
mod limits;
mod markdown;
mod rules;

use model::event::Event;
use model::id::{DeliveryId, ProjectId};
use model::json::Json;
use model::provider::Provider;
use model::time::Timestamp;
use serde_json::{Value, json};

use super::{Branding, card};
use crate::variable::RenderContext;

const SERVICES: [Provider; 3] = [Provider::Slack, Provider::Discord, Provider::TeamsWebhook];

const AT: Timestamp = Timestamp::from_millis(1_769_851_800_120);

fn event(event_type: &str, data: impl Into<std::sync::Arc<str>>) -> Event {
    Event::of(
        "evt_2b1f".parse().unwrap(),
        ProjectId::from_bytes([2; 16]),
        event_type.parse().unwrap(),
        Json::trusted(data),
        AT,
    )
}

const LOOK: Branding<'static> = Branding { signed: "Acme", accent_color: Some("#1a7f37"), description: None };

fn sent(provider: Provider, branding: &Branding<'_>, event: &Event) -> Value {
    let context = RenderContext { event, delivery: DeliveryId::from_bytes([3; 16]), attempt: 1, at: AT };
    let bytes = card(provider, branding, &context).expect("it is sent cards");
    serde_json::from_slice(&bytes).expect("a card is JSON")
}

#[test]
fn automation_services_and_servers_get_the_envelope() {
    let event = event("a.b", "{}");
    let context = RenderContext { event: &event, delivery: DeliveryId::from_bytes([3; 16]), attempt: 1, at: AT };
    for provider in [Provider::Webhook, Provider::Zapier, Provider::Make] {
        assert_eq!(card(provider, &LOOK, &context), None);
    }
}
