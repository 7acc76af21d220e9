//! An endpoint's settings as a row holds them: secrets encrypted, the rest in plain text.

use std::sync::Arc;
use std::time::Duration;

use model::endpoint::{Auth, Endpoint, Ordering, Settings};
use model::env::Env;
use model::filter::Filter;
use model::id::EndpointId;
use model::json::Json;
use model::provider::Provider;
use model::rate::RateLimit;
use model::secret::{Previous, Secret, Secrets, Signing};
use model::subscription::Subscription;
use model::time::Timestamp;
use model::url::EndpointUrl;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::seal::Seal;

/// Settings in stored form.
pub(crate) struct Written {
    /// Plain text: the endpoint's URL without its query, in which tokens stand.
    pub(crate) url: String,
    /// JSON.
    pub(crate) kept: String,
    /// Secrets, credentials and headers: JSON, encrypted for this endpoint alone.
    pub(crate) sealed: Vec<u8>,
}

pub(crate) fn write(endpoint: &Endpoint, seal: &Seal, env: &dyn Env) -> Result<Written, Error> {
    let (kept, sealed) = split(&endpoint.settings);
    let plain = serde_json::to_vec(&sealed).map_err(corrupt)?;
    let kept = serde_json::to_string(&kept).map_err(corrupt)?;
    let url = endpoint.settings.url.before_query().to_owned();
    Ok(Written { url, kept, sealed: seal.seal(&plain, endpoint.id.as_bytes(), env) })
}

pub(crate) fn read(id: EndpointId, written: &Written, seal: &Seal) -> Result<Settings, Error> {
    let plain = seal.open(&written.sealed, id.as_bytes())?;
    let sealed: Sealed = serde_json::from_slice(&plain).map_err(corrupt)?;
    let kept = serde_json::from_str(&written.kept).map_err(corrupt)?;
    let url = EndpointUrl::stored(sealed.url.as_ref().unwrap_or(&written.url))
        .ok_or_else(|| Error::Corrupt(format!("the URL of {id}")))?;
    Ok(join(url, kept, sealed))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn corrupt(error: serde_json::Error) -> Error {
    Error::Corrupt(error.to_string())
}

/// Settings that are stored in plain text.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: Option<String>,
    events: Subscription,
    #[serde(default)]
    filter: Option<String>,
    tenant: Option<String>,
    #[serde(default)]
    provider: Option<Provider>,
    #[serde(default)]
    template: Option<Arc<str>>,
    signing: Signing,
    rate_limit: Option<RateLimit>,
    ordering: Ordering,
    timeout_ms: Option<u64>,
    retry_ms: Option<Vec<u64>>,
    metadata: Option<Json>,
}

/// Settings that are stored encrypted.
#[derive(Serialize, Deserialize)]
struct Sealed {
    secret: Option<String>,
    previous: Vec<(String, i64)>,
    auth: Auth,
    headers: Vec<(String, String)>,
    /// The URL with its query, if it has one.
    #[serde(default)]
    url: Option<String>,
}

fn split(settings: &Settings) -> (Kept, Sealed) {
    let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let kept = Kept {
        name: settings.name.clone(),
        events: settings.events.clone(),
        filter: settings.filter.as_ref().map(|filter| filter.source().to_owned()),
        tenant: settings.tenant.clone(),
        provider: settings.provider,
        template: settings.template.clone(),
        signing: settings.signing,
        rate_limit: settings.rate_limit,
        ordering: settings.ordering,
        timeout_ms: settings.timeout.map(millis),
        retry_ms: settings.retry.as_ref().map(|waits| waits.iter().copied().map(millis).collect()),
        metadata: settings.metadata.clone(),
    };
    let previous = |previous: &Previous| (previous.secret.reveal().to_owned(), previous.expires_at.as_millis());
    let sealed = Sealed {
        secret: settings.secrets.revealed(),
        previous: settings.secrets.previous.iter().map(previous).collect(),
        auth: settings.auth.clone(),
        headers: settings.headers.clone(),
        url: (settings.url.before_query() != settings.url.as_str()).then(|| settings.url.as_str().to_owned()),
    };
    (kept, sealed)
}

fn join(url: EndpointUrl, kept: Kept, sealed: Sealed) -> Settings {
    let previous = |(secret, expires_at)| Previous {
        secret: Secret::stored(secret),
        expires_at: Timestamp::from_millis(expires_at),
    };
    Settings {
        url,
        name: kept.name,
        events: kept.events,
        filter: kept.filter.map(Filter::stored),
        tenant: kept.tenant,
        signing: kept.signing,
        secrets: Secrets {
            current: sealed.secret.map(Secret::stored),
            previous: sealed.previous.into_iter().map(previous).collect(),
        },
        auth: sealed.auth,
        headers: sealed.headers,
        provider: kept.provider,
        template: kept.template,
        rate_limit: kept.rate_limit,
        ordering: kept.ordering,
        timeout: kept.timeout_ms.map(Duration::from_millis),
        retry: kept.retry_ms.map(|waits| waits.into_iter().map(Duration::from_millis).collect()),
        metadata: kept.metadata,
    }
}
