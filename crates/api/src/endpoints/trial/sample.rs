//! The event that a test sends: a type's example, as if it had happened to whom the endpoint belongs.

use dialect::Dialect;
use dialect::catalogue::Known;
use model::endpoint::Endpoint;
use model::env::Env;
use model::event::Event;
use model::id::EventId;
use model::json::Json;
use model::subscription::EventType;
use rules::event_types;
use rules::events::fit::brand_of;
use serde_json::json;
use web::problem::Problem;

use super::wish::Wish;

/// What is sent where no type has an example.
const PLAIN: &str = "posthaste.test";

pub(super) fn event(endpoint: &Endpoint, dialect: &Dialect, wish: Wish, env: &dyn Env) -> Result<Event, Problem> {
    let (event_type, data) = match wish.event_type {
        Some(name) if name != PLAIN => event_types::example(&name, dialect)?,
        Some(_) => plain(endpoint),
        None => usual(endpoint, dialect),
    };
    let tenant = endpoint.settings.tenant.clone();
    let now = env.now();
    Ok(Event {
        brand: tenant.as_deref().filter(|_| dialect.endpoints.tenant.is_some()).map(brand_of),
        tenant,
        summary: Some("This is a test: nothing happened.".to_owned()),
        test: true,
        ..Event::of(EventId::new(env), endpoint.project, event_type, data, now)
    })
}

/// Of a type that the endpoint is sent anyway, if there is one.
fn usual(endpoint: &Endpoint, dialect: &Dialect) -> (EventType, Json) {
    let wanted = |known: &&Known| endpoint.settings.events.wants(&known.event_type.name);
    let types = || dialect.catalogue.types();
    let found = types().filter(wanted).find_map(example).or_else(|| types().find_map(example));
    found.unwrap_or_else(|| plain(endpoint))
}

fn example(known: &Known) -> Option<(EventType, Json)> {
    Some((known.event_type.name.clone(), known.event_type.example.clone()?))
}

fn plain(endpoint: &Endpoint) -> (EventType, Json) {
    let data = json!({
        "message": "This is a test of your webhook endpoint. Nothing happened.",
        "test": true,
        "endpoint_id": endpoint.id,
    });
    (PLAIN.parse().expect("this is an event type"), Json::trusted(data.to_string()))
}
