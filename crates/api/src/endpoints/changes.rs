//! From what a caller wrote to what an endpoint shall be, or everything that is wrong with it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use dialect::template::Template;
use dialect::{Dialect, EventsRule, SecretRule, sign};
use model::endpoint::{Auth, Endpoint, Ordering, Settings, Status};
use model::env::Env;
use model::filter::Filter;
use model::id::{EndpointId, ProjectId};
use model::invalid::Faults;
use model::json::Json;
use model::network::Policy;
use model::provider::Provider;
use model::rate::RateLimit;
use model::retry::MOST_RETRIES;
use model::secret::{Secret, Secrets, Signing};
use model::subscription::{Pattern, Subscription};
use model::time::Span;
use model::url::EndpointUrl;

use super::fields::{Fields, RateFields, RetryFields};
use super::{headers, tenant};
use crate::event_types;
use crate::object::Change;
use crate::problem::{Code, Problem};
use crate::projects::judge_name;

/// Milliseconds.
const LONGEST_TIMEOUT: u64 = 120_000;

/// Bytes.
const LARGEST_METADATA: usize = 16 * 1024;

/// What decides whether an endpoint is right.
pub(super) struct Rules<'a> {
    pub(super) dialect: &'a Dialect,
    pub(super) policy: &'a Policy,
}

impl Rules<'_> {
    /// Where this dialect's webhooks may go: what an operator permits, a dialect does not take back.
    fn policy(&self) -> Policy {
        let allow_http = self.policy.allow_http || !self.dialect.endpoints.https_only;
        Policy { allow_http, ..self.policy.clone() }
    }
}

/// What is to be different, judged.
#[derive(Clone)]
pub(super) struct Changes {
    url: Option<EndpointUrl>,
    events: Change<Subscription>,
    name: Change<String>,
    tenant: Change<String>,
    auth: Change<Auth>,
    headers: Change<Vec<(String, String)>>,
    provider: Change<Provider>,
    template: Change<Arc<str>>,
    filter: Change<Filter>,
    rate_limit: Change<RateLimit>,
    ordering: Change<Ordering>,
    timeout: Change<Duration>,
    retry: Change<Vec<Duration>>,
    metadata: Change<Json>,
    active: Option<bool>,
}

/// What was found wrong, and the code that says it best.
struct Findings {
    faults: Faults,
    code: Code,
}

impl Findings {
    fn new() -> Self {
        Self { faults: Faults::default(), code: Code::InvalidRequest }
    }

    /// Notes a fault that has a code of its own.
    fn refuse(&mut self, code: Code, pointer: impl Into<String>, message: impl Display) {
        self.code = code;
        self.faults.add(pointer, message.to_string());
    }

    fn judged(self) -> Result<(), Problem> {
        self.faults.into_result().map_err(|faults| Problem::of(self.code, faults))
    }
}

impl Fields {
    /// A new endpoint with a secret, if its dialect has them.
    pub(super) fn create(mut self, project: ProjectId, rules: &Rules<'_>, env: &dyn Env) -> Result<Endpoint, Problem> {
        let mut findings = Findings::new();
        if matches!(self.url, Change::Keep) {
            findings.faults.add("/url", "required: where webhooks go, for example https://example.com/webhooks");
        }
        judge_named(&self.events, rules.dialect, true, &mut findings);
        let signing = judge_signing(std::mem::take(&mut self.signing), &mut findings.faults);
        let own = std::mem::take(&mut self.secret);
        let secret = judge_secret(own, signing, rules.dialect, &mut findings.faults, env);
        let changes = self.judge(rules, &mut findings);
        findings.judged()?;
        if changes.active == Some(false) {
            judge_pausable(rules.dialect)?;
        }
        let now = env.now();
        let blank = Endpoint {
            id: EndpointId::new(env),
            project,
            settings: Settings {
                signing,
                secrets: secret.map(Secrets::of).unwrap_or_default(),
                ..Settings::of(changes.url.clone().expect("its absence is a fault"))
            },
            status: Status::Active,
            disabled_reason: None,
            created_at: now,
            updated_at: now,
        };
        changes.made_to(&blank)
    }

    /// Changes to an endpoint that is there.
    pub(super) fn change(mut self, rules: &Rules<'_>) -> Result<Changes, Problem> {
        let mut findings = Findings::new();
        if !std::mem::take(&mut self.secret).is_keep() {
            findings.faults.add("/secret", "a secret is changed with POST /v1/endpoints/{id}/rotate-secret");
        }
        if !std::mem::take(&mut self.signing).is_keep() {
            findings.faults.add("/signing", "how an endpoint is signed to stays: create another endpoint");
        }
        if !rules.dialect.endpoints.editable && !self.is_only_active() {
            return Err(not_editable(rules.dialect));
        }
        judge_named(&self.events, rules.dialect, false, &mut findings);
        let changes = self.judge(rules, &mut findings);
        findings.judged()?;
        if changes.active.is_some() {
            judge_pausable(rules.dialect)?;
        }
        Ok(changes)
    }

    fn is_only_active(&self) -> bool {
        let Self { url, events, name, secret: _, active: _, tenant, signing: _, .. } = self;
        let Self {
            auth, headers, provider, template, filter, rate_limit, ordering, timeout_ms, retry, metadata, ..
        } = self;
        let who = url.is_keep() && events.is_keep() && name.is_keep() && tenant.is_keep() && auth.is_keep();
        let how = headers.is_keep() && rate_limit.is_keep() && ordering.is_keep() && timeout_ms.is_keep();
        let what = provider.is_keep() && template.is_keep() && filter.is_keep();
        who && what && how && retry.is_keep() && metadata.is_keep()
    }

    fn judge(self, rules: &Rules<'_>, findings: &mut Findings) -> Changes {
        let url = judge_url(self.url, rules, findings);
        let events = self.events.judge(|events| judge_events(&events, rules.dialect, findings));
        let template = self.template.judge(|template| judge_template(&template, findings));
        let filter = self.filter.judge(|filter| judge_filter(&filter, findings));
        let faults = &mut findings.faults;
        Changes {
            url,
            events,
            name: self.name.judge(|name| faults.check("/name", judge_name(Some(name)))),
            tenant: self.tenant.judge(|tenant| faults.check("/tenant", tenant::judge(tenant))),
            auth: self.auth.judge(|auth| auth.0.judge(rules.dialect, faults)),
            headers: self.headers.judge(|headers| Some(headers::judge(headers, rules.dialect, faults))),
            provider: self.provider.judge(|name| faults.check("/provider", judge_provider(&name))),
            template,
            filter,
            rate_limit: self.rate_limit.judge(|rate| judge_rate(rate.0, faults)),
            ordering: self.ordering.judge(|ordering| faults.check("/ordering", judge_ordering(&ordering))),
            timeout: self.timeout_ms.judge(|millis| faults.check("/timeout_ms", judge_timeout(millis))),
            retry: self.retry.judge(|retry| judge_retry(retry.0, faults)),
            metadata: self.metadata.judge(|metadata| faults.check("/metadata", judge_metadata(metadata))),
            active: match self.active {
                Change::Set(active) => Some(active),
                Change::Keep | Change::Clear => None,
            },
        }
    }
}

impl Changes {
    /// What the endpoint is afterwards.
    pub(super) fn made_to(self, before: &Endpoint) -> Result<Endpoint, Problem> {
        let mut after = before.clone();
        let settings = &mut after.settings;
        if let Some(url) = self.url {
            settings.url = url;
        }
        let headers = match self.headers {
            Change::Set(headers) => Change::Set(headers::unmasked(headers, &before.settings.headers)?),
            other => other,
        };
        self.events.apply_or(&mut settings.events, Subscription::all);
        self.name.apply(&mut settings.name);
        self.tenant.apply(&mut settings.tenant);
        self.auth.apply_or(&mut settings.auth, Auth::default);
        headers.apply_or(&mut settings.headers, Vec::new);
        self.provider.apply(&mut settings.provider);
        self.template.apply(&mut settings.template);
        self.filter.apply(&mut settings.filter);
        self.rate_limit.apply(&mut settings.rate_limit);
        self.ordering.apply_or(&mut settings.ordering, Ordering::default);
        self.timeout.apply(&mut settings.timeout);
        self.retry.apply(&mut settings.retry);
        self.metadata.apply(&mut settings.metadata);
        if let Some(active) = self.active {
            switch(&mut after, active);
        }
        Ok(after)
    }
}

/// Pauses or resumes.
pub(super) fn switch(endpoint: &mut Endpoint, active: bool) {
    endpoint.status = if active { Status::Active } else { Status::Paused };
    endpoint.disabled_reason = None;
}

pub(super) fn judge_pausable(dialect: &Dialect) -> Result<(), Problem> {
    if dialect.endpoints.pausable {
        return Ok(());
    }
    let detail = format!(
        "In the dialect {} a {} is active from its creation to its deletion: it cannot be created inactive, paused or resumed.",
        dialect.name, dialect.endpoints.word
    );
    Err(Problem::new(Code::NotPausable, detail))
}

fn not_editable(dialect: &Dialect) -> Problem {
    let word = &dialect.endpoints.word;
    let detail =
        format!("In the dialect {} a {word} stays as it was created: delete it and create another.", dialect.name);
    Problem::new(Code::NotEditable, detail)
}

fn judge_url(url: Change<String>, rules: &Rules<'_>, findings: &mut Findings) -> Option<EndpointUrl> {
    match url {
        Change::Keep => None,
        Change::Clear => {
            findings.faults.add("/url", "an endpoint always has a URL");
            None
        }
        Change::Set(text) => match EndpointUrl::parse(&text, &rules.policy()) {
            Ok(url) => Some(url),
            Err(refusal) => {
                findings.refuse(Code::UrlNotAllowed, "/url", refusal);
                None
            }
        },
    }
}

fn judge_events(texts: &[String], dialect: &Dialect, findings: &mut Findings) -> Option<Subscription> {
    let mut patterns = Vec::with_capacity(texts.len().min(Subscription::MOST));
    for (index, text) in texts.iter().enumerate().take(Subscription::MOST) {
        let pointer = format!("/events/{index}");
        let Some(pattern) = findings.faults.check(&pointer, text.parse::<Pattern>()) else { continue };
        if let Pattern::One(event_type) = &pattern
            && !dialect.catalogue.accepts(event_type)
        {
            findings.refuse(Code::UnknownEventType, pointer, event_types::unknown(event_type, dialect));
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
fn judge_named(events: &Change<Vec<String>>, dialect: &Dialect, is_new: bool, findings: &mut Findings) {
    let message = match dialect.endpoints.events {
        EventsRule::Many => return,
        EventsRule::AtLeastOne => "required: in this dialect an endpoint names at least one event type",
        EventsRule::One => "required: in this dialect an endpoint has exactly one event type",
    };
    if matches!(events, Change::Clear) || (is_new && events.is_keep()) {
        findings.faults.add("/events", message);
    }
}

fn judge_rate(RateFields { requests, per }: RateFields, faults: &mut Faults) -> Option<RateLimit> {
    let requests = faults.check("/rate_limit/requests", requests.ok_or("required: a number from 1 to 100000"));
    let per = faults.check("/rate_limit/per", per.ok_or("required: a duration from 1s to 24h"))?;
    let per: Span = faults.check("/rate_limit/per", per.parse())?;
    // What no such number can hold is no limit either.
    let requests = u32::try_from(requests?).unwrap_or(0);
    faults.check("/rate_limit", RateLimit { requests, per }.check())
}

fn judge_retry(RetryFields { schedule }: RetryFields, faults: &mut Faults) -> Option<Vec<Duration>> {
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

fn judge_ordering(text: &str) -> Result<Ordering, &'static str> {
    match text {
        "none" => Ok(Ordering::None),
        "fifo" => Ok(Ordering::Fifo),
        _ => Err("an ordering is none or fifo"),
    }
}

fn judge_provider(name: &str) -> Result<Provider, String> {
    let names = || Provider::ALL.map(Provider::name).join(", ");
    Provider::named(name).ok_or_else(|| format!("a provider is one of {}", names()))
}

/// A template as it is kept: the JSON as it was written, or what is written in the text.
fn judge_template(template: &Json, findings: &mut Findings) -> Option<Arc<str>> {
    let text = template_text(template);
    match Template::parse(&text) {
        Ok(_) => Some(text),
        Err(wrong) => {
            wrong.into_iter().for_each(|message| findings.refuse(Code::TemplateInvalid, "/template", message));
            None
        }
    }
}

pub(crate) fn template_text(template: &Json) -> Arc<str> {
    match serde_json::from_str::<String>(template.as_str()) {
        Ok(text) => text.into(),
        Err(_) => template.as_str().into(),
    }
}

fn judge_filter(text: &str, findings: &mut Findings) -> Option<Filter> {
    match Filter::parse(text) {
        Ok(filter) => Some(filter),
        Err(wrong) => {
            wrong.mistakes().iter().for_each(|message| findings.refuse(Code::FilterInvalid, "/filter", message));
            None
        }
    }
}

fn judge_timeout(millis: i64) -> Result<Duration, String> {
    let fitting = u64::try_from(millis).ok().filter(|millis| (1..=LONGEST_TIMEOUT).contains(millis));
    fitting.map(Duration::from_millis).ok_or_else(|| format!("a timeout has 1 to {LONGEST_TIMEOUT} milliseconds"))
}

fn judge_metadata(metadata: Json) -> Result<Json, String> {
    if !metadata.as_str().starts_with('{') {
        return Err("metadata is an object".to_owned());
    }
    if metadata.as_str().len() > LARGEST_METADATA {
        return Err(format!("metadata has at most {LARGEST_METADATA} bytes"));
    }
    Ok(metadata)
}

fn judge_signing(signing: Change<String>, faults: &mut Faults) -> Signing {
    match signing {
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
fn judge_secret(
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
