//! What the project's dialect has to say about an event: its type, its data, whose it is.

use dialect::Dialect;
use model::invalid::{Fault, Faults};
use model::json::Json;
use model::rejection::{Rejection, RejectionCode};
use model::subscription::EventType;
use serde_json::Value;

use crate::endpoints::tenant;
use crate::event_types::{self, Hints};

/// Whether an event of this type with this data is one that the dialect knows how to speak of.
pub(super) fn judge(event_type: &EventType, data: &str, dialect: &Dialect, hints: &Hints) -> Result<(), Rejection> {
    let most = dialect.limits.payload_bytes;
    if data.len() > most {
        let message = format!("data has {} bytes, and at most {most} are taken", data.len());
        return Err(Rejection::at(RejectionCode::PayloadTooLarge, "/data", message));
    }
    if !dialect.catalogue.accepts(event_type) {
        return Err(Rejection::at(
            RejectionCode::UnknownEventType,
            "/type",
            event_types::unknown(event_type, dialect, hints),
        ));
    }
    event_types::spreadable(data, dialect)
        .map_err(|message| Rejection::at(RejectionCode::SchemaViolation, "/data", message))?;
    let findings = dialect.catalogue.judge(event_type, data);
    if findings.is_empty() {
        return Ok(());
    }
    let fault = |(pointer, message)| Fault::new(format!("/data{pointer}"), message);
    Err(Rejection::of(RejectionCode::SchemaViolation, findings.into_iter().map(fault).collect()))
}

/// What people read of an event whose sender says nothing of it: what its type is, where the dialect's bodies have a
/// summary.
pub(super) fn summary_of(event_type: &EventType, dialect: &Dialect) -> Option<String> {
    dialect.catalogue.find(event_type).filter(|_| dialect.tells_summary())?.summary()
}

/// Whose event it is. In a dialect with a word for tenants the brand says so as well.
pub struct Owner {
    pub tenant: Option<String>,
    pub brand: Option<Json>,
}

impl Owner {
    /// Each from the other, where the dialect has tenants and one of them is missing.
    pub(super) fn completed(self, dialect: &Dialect, faults: &mut Faults) -> Self {
        if dialect.endpoints.tenant.is_none() {
            return self;
        }
        match self {
            Self { tenant, brand: Some(brand) } => {
                let id = faults.check("/brand/id", brand_id(&brand)).flatten();
                if let (Some(tenant), Some(id)) = (&tenant, &id)
                    && tenant != id
                {
                    let message = format_args!("the brand is {id:?}: both name the one that the event is about");
                    faults.add("/tenant", message);
                }
                Self { tenant: tenant.or(id), brand: Some(brand) }
            }
            Self { tenant, brand: None } => Self { brand: tenant.as_deref().map(brand_of), tenant },
        }
    }
}

/// The least that can be said of a brand.
pub fn brand_of(tenant: &str) -> Json {
    Json::trusted(serde_json::json!({ "id": tenant }).to_string())
}

fn brand_id(brand: &Json) -> Result<Option<String>, &'static str> {
    #[derive(serde::Deserialize)]
    struct Brand {
        id: Option<Value>,
    }
    match serde_json::from_str::<Brand>(brand.as_str()) {
        Ok(Brand { id: None }) => Ok(None),
        Ok(Brand { id: Some(Value::String(id)) }) => tenant::judge(id).map(Some),
        Ok(_) => Err("the id of a brand is text: events are routed by it"),
        // An object with the member twice.
        Err(_) => Err("a brand has one id"),
    }
}
