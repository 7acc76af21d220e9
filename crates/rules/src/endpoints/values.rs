//! The values of an endpoint's fields, each judged by itself.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use dialect::template::Template;
use dialect::{Dialect, EventsRule, SecretRule, sign};
use model::endpoint::Ordering;
use model::env::Env;
use model::filter::Filter;
use model::invalid::Faults;
use model::json::Json;
use model::network::Policy;
use model::object::{Change, Whole};
use model::provider::Provider;
use model::rate::RateLimit;
use model::rejection::{Rejection, RejectionCode};
use model::retry::MOST_RETRIES;
use model::secret::{PRIVATE_PREFIX, Secret, Signing};
use model::subscription::{Pattern, Subscription};
use model::time::Span;
use model::url::EndpointUrl;

use super::fields::{RateFields, RetryFields};
use crate::event_types::{self, Hints};

/// Milliseconds.
const LONGEST_TIMEOUT: u64 = 120_000;

/// Bytes.
const LARGEST_METADATA: usize = 16 * 1024;

/// What was found wrong, and the code that says it best.
pub(super) struct Findings {
    pub(super) faults: Faults,
    code: RejectionCode,
}

impl Findings {
    pub(super) fn new() -> Self {
        Self { faults: Faults::default(), code: RejectionCode::InvalidRequest }
    }

    /// Notes a fault that has a code of its own.
    pub(super) fn refuse(&mut self, code: RejectionCode, pointer: impl Into<String>, message: impl Display) {
        self.code = code;
        self.faults.add(pointer, message.to_string());
    }

    pub(super) fn judged(self) -> Result<(), Rejection> {
        self.faults.into_result().map_err(|faults| Rejection::of(self.code, faults))
    }
}

pub(super) fn judge_url(url: Change<String>, policy: &Policy, findings: &mut Findings) -> Option<EndpointUrl> {
    match url {
        Change::Keep => None,
        Change::Clear => {
            findings.faults.add("/url", "an endpoint always has a URL");
            None
        }
        Change::Set(text) => match EndpointUrl::parse(&text, policy) {
            Ok(url) => Some(url),
            Err(refusal) => {
                findings.refuse(RejectionCode::UrlNotAllowed, "/url", refusal);
                None
            }
        },
    }
}

pub(super) fn judge_events(texts: &[String], dialect: &Dialect, findings: &mut Findings) -> Option<Subscription> {
    let mut patterns = Vec::with_capacity(texts.len().min(Subscription::MOST));
    let hints = Hints::default();
    for (index, text) in texts.iter().enumerate().take(Subscription::MOST) {
        let pointer = format!("/events/{index}");
        let Some(pattern) = findings.faults.check(&pointer, dialect.catalogue.names.pattern(text)) else { continue };
        if let Pattern::One(event_type) = &pattern
            && !dialect.catalogue.accepts(event_type)
        {
            findings.refuse(
                RejectionCode::UnknownEventType,
                pointer,
                event_types::unknown(event_type, dialect, &hints),
            );
        }
        patterns.push(pattern);
    }
    if dialect.endpoints.events == EventsRule::One && !matches!(patterns.as_slice(), [Pattern::One(_)]) {
        findings.faults.add("/events", "an endpoint of this dialect has exactly one event type");
    }
    if !(1..=Subscription::MOST).contains(&texts.len()) {
        findings.faults.add("/events", format_args!("1 to {} types or patterns; [\"*\"] is all", Subscription::MOST));
        return None;
    }
    Subscription::new(patterns)
}

/// Where a dialect wants types to be named, leaving them out does not mean all.
pub(super) fn judge_named(events: &Change<Vec<String>>, dialect: &Dialect, is_new: bool, findings: &mut Findings) {
    let message = match dialect.endpoints.events {
        EventsRule::Many => return,
        EventsRule::AtLeastOne => "required: in this dialect an endpoint names at least one event type",
        EventsRule::One => "required: in this dialect an endpoint has exactly one event type",
    };
    if matches!(events, Change::Clear) || (is_new && events.is_keep()) {
        findings.faults.add("/events", message);
    }
}

pub(super) fn judge_rate(RateFields { requests, per }: RateFields, faults: &mut Faults) -> Option<RateLimit> {
    let requests = faults.check("/rate_limit/requests", requests.ok_or("required: a number from 1 to 100000"));
    let per = faults.check("/rate_limit/per", per.ok_or("required: a duration from 1s to 24h"))?;
    let per: Span = faults.check("/rate_limit/per", per.parse())?;
    // What no such number can hold is no limit either.
    let Whole(requests) = requests?;
    let requests = u32::try_from(requests).unwrap_or(0);
    faults.check("/rate_limit", RateLimit { requests, per }.check())
}

pub(super) fn judge_retry(RetryFields { schedule }: RetryFields, faults: &mut Faults) -> Option<Vec<Duration>> {
    let schedule =
        faults.check("/retry/schedule", schedule.ok_or("required: the waits, for example [\"1s\", \"5s\"]"))?;
    if schedule.len() > MOST_RETRIES {
        faults.add("/retry/schedule", format_args!("at most {MOST_RETRIES} waits"));
        return None;
    }
    let wait = |(index, text): (usize, &String)| {
        faults.check(&format!("/retry/schedule/{index}"), text.parse::<Span>()).map(|span| span.0)
    };
    // All of them are looked at, so that every fault is named.
    let waits: Vec<Option<Duration>> = schedule.iter().enumerate().map(wait).collect();
    waits.into_iter().collect()
}

pub(super) fn judge_ordering(text: &str) -> Result<Ordering, &'static str> {
    match text {
        "none" => Ok(Ordering::None),
        "fifo" => Ok(Ordering::Fifo),
        _ => Err("an ordering is none or fifo"),
    }
}

pub(super) fn judge_provider(name: &str) -> Result<Provider, String> {
    let names = || Provider::ALL.map(Provider::name).join(", ");
    Provider::named(name).ok_or_else(|| format!("a provider is one of {}", names()))
}

/// A template as it is kept: the JSON as it was written, or what is written in the text.
pub(super) fn judge_template(template: &Json, findings: &mut Findings) -> Option<Arc<str>> {
    let text = template_text(template);
    match Template::parse(&text) {
        Ok(_) => Some(text),
        Err(wrong) => {
            wrong.into_iter().for_each(|message| findings.refuse(RejectionCode::TemplateInvalid, "/template", message));
            None
        }
    }
}

pub fn template_text(template: &Json) -> Arc<str> {
    match serde_json::from_str::<String>(template.as_str()) {
        Ok(text) => text.into(),
        Err(_) => template.as_str().into(),
    }
}

pub(super) fn judge_filter(text: &str, findings: &mut Findings) -> Option<Filter> {
    match Filter::parse(text) {
        Ok(filter) => Some(filter),
        Err(wrong) => {
            wrong
                .mistakes()
                .iter()
                .for_each(|message| findings.refuse(RejectionCode::FilterInvalid, "/filter", message));
            None
        }
    }
}

pub(super) fn judge_timeout(millis: i64) -> Result<Duration, String> {
    let fitting = u64::try_from(millis).ok().filter(|millis| (1..=LONGEST_TIMEOUT).contains(millis));
    fitting.map(Duration::from_millis).ok_or_else(|| format!("a timeout has 1 to {LONGEST_TIMEOUT} milliseconds"))
}

pub(super) fn judge_metadata(metadata: Json) -> Result<Json, String> {
    if !metadata.as_str().starts_with('{') {
        return Err("metadata is an object".to_owned());
    }
    if metadata.as_str().len() > LARGEST_METADATA {
        return Err(format!("metadata has at most {LARGEST_METADATA} bytes"));
    }
    Ok(metadata)
}

/// As it is said or, where nothing is, as the endpoint's own secret tells.
pub(super) fn judge_signing(
    signing: Change<String>,
    own: &Change<String>,
    dialect: &Dialect,
    faults: &mut Faults,
) -> Signing {
    let is_private = matches!(own, Change::Set(text) if text.starts_with(PRIVATE_PREFIX));
    match signing {
        Change::Keep | Change::Clear if is_private && dialect.signs_with(Signing::Ed25519) => Signing::Ed25519,
        Change::Keep | Change::Clear => Signing::default(),
        Change::Set(name) => match name.as_str() {
            "hmac-sha256" => Signing::HmacSha256,
            "ed25519" => Signing::Ed25519,
            _ => {
                faults.add("/signing", "signing is hmac-sha256 or ed25519");
                Signing::default()
            }
        },
    }
}

/// The caller's own secret, or one of ours where the dialect wants one.
pub(super) fn judge_secret(
    own: Change<String>,
    signing: Signing,
    dialect: &Dialect,
    faults: &mut Faults,
    env: &dyn Env,
) -> Option<Secret> {
    if signing == Signing::Ed25519 && !dialect.signs_with(signing) {
        faults.add("/signing", format_args!("the dialect {} has no signatures with ed25519", dialect.name));
    }
    match (own, dialect.endpoints.secret) {
        (Change::Set(_), SecretRule::Never) => {
            faults.add("/secret", format_args!("endpoints of the dialect {} have no secret", dialect.name));
            None
        }
        (Change::Set(text), _) => faults.check("/secret", sign::own_secret(&text, dialect.secret_form(), signing)),
        (_, SecretRule::Always) => Some(Secret::generate(dialect.secret_form(), signing, env)),
        _ => None,
    }
}
