//! Which of a project's endpoints a list is of. All of it is in memory.

use std::collections::HashMap;

use model::endpoint::{Endpoint, Status};
use model::subscription::{EventType, Names};
use serde_json::value::RawValue;
use web::caller::Grant;
use web::problem::Problem;
use web::query::Query;

use crate::sight::Sight;

/// What an endpoint is looked for by. What is not said fits all.
#[derive(Default)]
pub(super) struct Filter {
    tenant: Option<String>,
    status: Option<Status>,
    event_type: Option<EventType>,
    url: Option<String>,
    name: Option<String>,
    /// In small letters.
    part: Option<String>,
    metadata: Vec<(String, String)>,
}

impl Filter {
    pub(super) fn take(query: &mut Query, grant: Grant<'_>, names: Names) -> Result<Self, Problem> {
        Ok(Self {
            tenant: grant.tenant_of_list(query.take("tenant"))?,
            status: query.take_with("status", status),
            event_type: query.take_with("type", |text| names.event_type(text)),
            url: query.take("url"),
            name: query.take("name"),
            part: query.take("q").map(|part: String| part.to_lowercase()),
            metadata: query.take_all("metadata."),
        })
    }

    pub(super) fn fits(&self, endpoint: &Endpoint, sight: Sight) -> bool {
        let settings = &endpoint.settings;
        let is =
            |wanted: &Option<String>, has: Option<&str>| wanted.as_deref().is_none_or(|wanted| has == Some(wanted));
        is(&self.tenant, settings.tenant.as_deref())
            && self.status.is_none_or(|status| status == endpoint.status)
            && is(&self.url, Some(settings.url.as_str()))
            && is(&self.name, settings.name.as_deref())
            && self.event_type.as_ref().is_none_or(|event_type| settings.events.wants(event_type))
            && self.part.as_deref().is_none_or(|part| has_part(endpoint, part, sight))
            && self.fits_metadata(endpoint)
    }

    fn fits_metadata(&self, endpoint: &Endpoint) -> bool {
        if self.metadata.is_empty() {
            return true;
        }
        let Some(metadata) = &endpoint.settings.metadata else { return false };
        let Ok(members) = serde_json::from_str::<HashMap<String, &RawValue>>(metadata.as_str()) else { return false };
        self.metadata.iter().all(|(key, wanted)| members.get(key).is_some_and(|value| says(value.get(), wanted)))
    }
}

fn status(text: &str) -> Result<Status, &'static str> {
    match text {
        "active" => Ok(Status::Active),
        "paused" => Ok(Status::Paused),
        "disabled" => Ok(Status::Disabled),
        _ => Err("a status is active, paused or disabled"),
    }
}

/// What is masked is not to be found out by asking for its parts.
fn has_part(endpoint: &Endpoint, part: &str, sight: Sight) -> bool {
    let in_name = endpoint.settings.name.as_deref().is_some_and(|name| name.to_lowercase().contains(part));
    in_name || sight.url(&endpoint.settings).to_lowercase().contains(part)
}

/// Whether a member's value is a text that says `wanted`, or is written like it.
fn says(value: &str, wanted: &str) -> bool {
    match serde_json::from_str::<String>(value) {
        Ok(text) => text == wanted,
        Err(_) => value == wanted,
    }
}
