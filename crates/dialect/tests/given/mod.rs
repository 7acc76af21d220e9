//! An endpoint and an event for tests.

#![allow(dead_code, reason = "every test file takes what it needs")]

use std::sync::Arc;

use dialect::Dialect;
use dialect::renderer::{Message, Renderer};
use model::attempt::Failure;
use model::delivery::Due;
use model::endpoint::{Endpoint, Settings, Status};
use model::event::Event;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::json::Json;
use model::secret::{Secret, Secrets};
use model::time::Timestamp;
use model::url::EndpointUrl;

/// The example secret of the Standard Webhooks specification and its libraries.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const AT: Timestamp = Timestamp::from_millis(1_614_265_330_000);
/// A seed of 32 bytes.
pub(crate) const PRIVATE: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

pub(crate) fn secret(text: &str) -> Secret {
    Secret::stored(text.into())
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint {
        id: EndpointId::from_bytes([1; 16]),
        project: ProjectId::from_bytes([2; 16]),
        settings: Settings {
            name: Some("Billing".into()),
            secrets: Secrets::of(secret(SECRET)),
            ..Settings::of(EndpointUrl::stored("https://example.com/hook").expect("a URL"))
        },
        status: Status::Active,
        disabled_reason: None,
        created_at: AT,
        updated_at: AT,
    }
}

pub(crate) fn with_secrets(secrets: Secrets) -> Endpoint {
    let mut endpoint = endpoint();
    endpoint.settings.secrets = secrets;
    endpoint
}

pub(crate) fn event(data: &str) -> Event {
    Event::of(
        "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().expect("an id"),
        ProjectId::from_bytes([2; 16]),
        "invoice.paid".parse().expect("a type"),
        Json::trusted(data),
        AT,
    )
}

pub(crate) fn due(event: Event) -> Due {
    Due {
        id: DeliveryId::from_bytes([3; 16]),
        endpoint: EndpointId::from_bytes([1; 16]),
        event: Arc::new(event),
        attempts: 1,
        schedule_start: 0,
        manual: false,
        planned_at: None,
        order_key: AT,
        next_attempt_at: AT,
    }
}

pub(crate) fn standard() -> Arc<Dialect> {
    dialect::built_in("standard").expect("it comes with us")
}

/// A dialect of these lines, `name` aside.
pub(crate) fn dialect(lines: &str) -> Arc<Dialect> {
    let text = format!("name = \"acme\"\n{lines}");
    Arc::new(Dialect::parse(&text).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}")))
}

pub(crate) fn speak(dialect: &Arc<Dialect>, endpoint: &Endpoint, event: Event) -> Result<Message, Failure> {
    Renderer::new(dialect, endpoint).render(&due(event), AT)
}

pub(crate) fn said(dialect: &Arc<Dialect>, endpoint: &Endpoint, event: Event) -> Message {
    speak(dialect, endpoint, event).unwrap_or_else(|failure| panic!("{failure:?}"))
}

pub(crate) fn header<'m>(message: &'m Message, name: &str) -> &'m str {
    let found: Vec<&str> =
        message.headers.iter().filter(|header| *header.name == *name).map(|header| &*header.value).collect();
    assert_eq!(found.len(), 1, "{name} stands once");
    found[0]
}

pub(crate) fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.body).expect("JSON is UTF-8")
}
