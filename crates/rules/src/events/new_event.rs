//! An event as a caller writes it, and whether it can be taken.

use std::time::Duration;

use aws_lc_rs::digest;
use dialect::Dialect;
use model::env::Env;
use model::event::Event;
use model::id::EventId;
use model::invalid::Faults;
use model::json::Json;
use model::project::{Project, Tenants};
use model::rejection::{Rejection, judged};
use model::subscription::{EventType, Names, OPERATIONAL};
use model::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::fit::{self, Owner};
use crate::endpoints::tenant;
use crate::event_types::Hints;

/// Bytes that a request may have besides `data`.
pub const ENVELOPE: usize = 64 * 1024;

/// An event that is to be delivered later waits at most so long.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);

const LONGEST_SUMMARY: usize = 4096;

// What is left out is not written into the fingerprint, so that a request is the same request under a later version
// that knows more fields.
/// An event to send.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEvent, example = json!({ "type": "invoice.paid", "data": { "id": "inv_1", "amount": 4200 } }))]
pub struct NewEvent<'a> {
    /// What happened: words of letters, digits and underscores between full stops. Where the dialect's `[catalogue]` has
    /// `names = "any"`, 1 to 128 visible ASCII characters without `*` and commas.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false, value_type = String, example = "invoice.paid")]
    event_type: Option<String>,
    /// The payload: any JSON value, delivered as it is written here.
    #[serde(borrow, default, deserialize_with = "present")]
    #[schema(required = true, value_type = Value, example = json!({ "id": "inv_1", "amount": 4200 }))]
    data: Option<&'a RawValue>,
    /// The event's own id, `[A-Za-z0-9_-]{1,64}`: receivers see it as `webhook-id`. One is made if none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "inv_1-paid")]
    id: Option<String>,
    /// Whose event it is: endpoints of that tenant get it, and endpoints without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "customer_42")]
    tenant: Option<String>,
    /// When it happened, RFC 3339. Now, if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T09:30:00Z")]
    occurred_at: Option<String>,
    /// For dialects whose bodies have one: an object. In a dialect with tenants its `id` is the tenant, if none is given,
    /// and without a brand it is `{"id": TENANT}`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    brand: Option<&'a RawValue>,
    /// For dialects whose bodies have one: an object.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    workflow: Option<&'a RawValue>,
    /// One sentence for people, for dialects whose bodies have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Invoice inv_1 was paid")]
    summary: Option<String>,
    /// Not delivered before, RFC 3339; at most 366 days ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-02-01T09:00:00Z")]
    deliver_at: Option<String>,
    /// Not delivered after, RFC 3339: what is still pending then is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-02-02T09:00:00Z")]
    expires_at: Option<String>,
}

/// An event that can be taken in, and how a repeat of it is recognised.
#[derive(Clone, Debug)]
pub struct ValidEvent {
    pub event: Event,
    /// Whether the caller chose its id.
    pub chose_id: bool,
    pub idempotency_key: Option<String>,
    /// SHA-256 over what was asked, where there is an id or a key of the caller's.
    pub fingerprint: Option<[u8; 32]>,
}

/// `null` is a value of its own, not an absent one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl NewEvent<'_> {
    /// What is to be stored, or all that is wrong.
    pub fn judge(
        self,
        project: &Project,
        dialect: &Dialect,
        idempotency_key: Option<String>,
        env: &dyn Env,
        hints: &Hints,
    ) -> Result<ValidEvent, Rejection> {
        let chose_id = self.id.is_some();
        let fingerprint = (chose_id || idempotency_key.is_some()).then(|| self.fingerprint());
        let now = env.now();
        let mut faults = Faults::default();
        let event_type = faults.check("/type", judge_type(self.event_type.as_deref(), dialect.catalogue.names));
        let data = faults.check("/data", self.data.ok_or("required: any JSON value, null too"));
        let id = self.id.map(|id| faults.check("/id", id.parse::<EventId>()));
        let times = Times {
            occurred_at: time("/occurred_at", self.occurred_at.as_deref(), &mut faults),
            deliver_at: time("/deliver_at", self.deliver_at.as_deref(), &mut faults),
            expires_at: time("/expires_at", self.expires_at.as_deref(), &mut faults),
        };
        times.judge(now, &mut faults);
        let tenant = self.tenant.and_then(|tenant| faults.check("/tenant", tenant::judge(tenant)));
        let brand = object("/brand", self.brand, &mut faults);
        let Owner { tenant, brand } = Owner { tenant, brand }.completed(dialect, &mut faults);
        if tenant.is_none() && project.tenants == Tenants::Required && !faults.has("/tenant") {
            faults.add("/tenant", tenant::REQUIRED_OF_EVENTS);
        }
        let workflow = object("/workflow", self.workflow, &mut faults);
        if self.summary.as_ref().is_some_and(|summary| summary.len() > LONGEST_SUMMARY) {
            faults.add("/summary", format_args!("a summary has at most {LONGEST_SUMMARY} bytes"));
        }
        judged(faults)?;
        let (Some(event_type), Some(data)) = (event_type, data) else { unreachable!("their absence is a fault") };
        fit::judge(&event_type, data.get(), dialect, hints)?;
        let summary = self.summary.or_else(|| fit::summary_of(&event_type, dialect));
        let event = Event {
            id: id.flatten().unwrap_or_else(|| EventId::new(env)),
            project: project.id,
            event_type,
            tenant,
            data: Json::trusted(data.get()),
            brand,
            workflow,
            summary,
            occurred_at: times.occurred_at.unwrap_or(now),
            created_at: now,
            deliver_at: times.deliver_at,
            expires_at: times.expires_at,
            test: false,
        };
        Ok(ValidEvent { event, chose_id, idempotency_key, fingerprint })
    }

    /// SHA-256 over what was asked: the same for the same fields with the same values, in whatever order.
    fn fingerprint(&self) -> [u8; 32] {
        let asked = serde_json::to_vec(self).expect("texts and JSON that was read");
        let hash = digest::digest(&digest::SHA256, &asked);
        hash.as_ref().try_into().expect("a SHA-256 has 32 bytes")
    }
}

/// When the event happened and when it may be delivered.
struct Times {
    occurred_at: Option<Timestamp>,
    deliver_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl Times {
    fn judge(&self, now: Timestamp, faults: &mut Faults) {
        if self.deliver_at.is_some_and(|at| at > now + LONGEST_WAIT) {
            faults.add("/deliver_at", "an event can wait at most 366 days");
        }
        match (self.expires_at, self.deliver_at) {
            (Some(expiry), _) if expiry <= now => faults.add("/expires_at", "this time has passed"),
            (Some(expiry), Some(at)) if expiry <= at => {
                faults.add("/expires_at", "the event would expire before it may be delivered: later than deliver_at");
            }
            _ => {}
        }
    }
}

fn judge_type(text: Option<&str>, names: Names) -> Result<EventType, String> {
    let text = text.ok_or("required: what happened, for example invoice.paid")?;
    let event_type = names.event_type(text).map_err(|error| error.to_string())?;
    if event_type.is_operational() {
        return Err(format!("types that start with {OPERATIONAL} are Posthaste's own"));
    }
    Ok(event_type)
}

fn time(pointer: &str, text: Option<&str>, faults: &mut Faults) -> Option<Timestamp> {
    faults.check(pointer, text?.parse())
}

fn object(pointer: &str, raw: Option<&RawValue>, faults: &mut Faults) -> Option<Json> {
    let raw = raw?;
    if raw.get().starts_with('{') {
        return Some(Json::trusted(raw.get()));
    }
    faults.add(pointer, "this is an object, for example {\"id\": \"1\"}");
    None
}
