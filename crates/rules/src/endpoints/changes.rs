//! From what a caller wrote to what an endpoint shall be, or everything that is wrong with it.

use std::sync::Arc;
use std::time::Duration;

use dialect::Dialect;
use model::endpoint::{Auth, Endpoint, Ordering, Settings, Status};
use model::env::Env;
use model::filter::Filter;
use model::id::{EndpointId, ProjectId};
use model::invalid::Faults;
use model::json::Json;
use model::mask;
use model::network::Policy;
use model::object::{Change, Whole};
use model::project::Tenants;
use model::provider::Provider;
use model::rate::RateLimit;
use model::rejection::{Rejection, RejectionCode};
use model::secret::Secrets;
use model::subscription::Subscription;
use model::url::EndpointUrl;

use super::fields::Fields;
use super::values::{
    Findings, judge_events, judge_filter, judge_metadata, judge_named, judge_ordering, judge_provider, judge_rate,
    judge_retry, judge_secret, judge_signing, judge_template, judge_timeout, judge_url,
};
use super::{headers, tenant};
use crate::names::judge_name;

/// What decides whether an endpoint is right.
pub struct Rules<'a> {
    pub dialect: &'a Dialect,
    pub policy: &'a Policy,
    /// Whether the project's endpoints must have one.
    pub tenants: Tenants,
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
pub struct Changes {
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

impl Fields {
    /// A new endpoint with a secret, if its dialect has them.
    pub fn create(mut self, project: ProjectId, rules: &Rules<'_>, env: &dyn Env) -> Result<Endpoint, Rejection> {
        let mut findings = Findings::new();
        if matches!(self.url, Change::Keep) {
            findings.faults.add("/url", "required: where webhooks go, for example https://example.com/webhooks");
        }
        if rules.tenants == Tenants::Required && !matches!(self.tenant, Change::Set(_)) {
            findings.faults.add("/tenant", tenant::REQUIRED_OF_ENDPOINTS);
        }
        judge_named(&self.events, rules.dialect, true, &mut findings);
        let own = std::mem::take(&mut self.secret);
        let signing = judge_signing(std::mem::take(&mut self.signing), &own, rules.dialect, &mut findings.faults);
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
    pub fn change(mut self, rules: &Rules<'_>) -> Result<Changes, Rejection> {
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
        if rules.tenants == Tenants::Required && matches!(self.tenant, Change::Clear) {
            findings.faults.add("/tenant", tenant::REQUIRED_OF_ENDPOINTS);
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
        let url = judge_url(self.url, &rules.policy(), findings);
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
            timeout: self.timeout_ms.judge(|Whole(millis)| faults.check("/timeout_ms", judge_timeout(millis))),
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
    /// A credential was given for one receiver. Another one gets it only from somebody who knows it: otherwise a key that
    /// may change endpoints could have it sent to a server of its holder's own.
    fn judge_origin(&self, before: &Endpoint) -> Result<(), Rejection> {
        let Some(url) = self.url.as_ref().filter(|url| url.origin() != before.settings.url.origin()) else {
            return Ok(());
        };
        let again = format!(
            "with another scheme, host or port ({}) it must be given again, in the same request: it was given for {}",
            url.origin_and_slash(),
            before.settings.url.origin_and_slash()
        );
        let mut faults = Faults::default();
        if before.settings.auth != Auth::None && self.auth.is_keep() {
            faults.add("/auth", &again);
        }
        let is_secret = |(name, _): &&(String, String)| mask::looks_secret(name);
        for (name, _) in before.settings.headers.iter().filter(is_secret) {
            if !headers::are_given_again(&self.headers, name) {
                faults.add(headers::pointer(name), &again);
            }
        }
        faults.into_result().map_err(|faults| Rejection::of(RejectionCode::InvalidRequest, faults))
    }

    /// What the endpoint is afterwards.
    pub fn made_to(self, before: &Endpoint) -> Result<Endpoint, Rejection> {
        self.judge_origin(before)?;
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
pub fn switch(endpoint: &mut Endpoint, active: bool) {
    endpoint.status = if active { Status::Active } else { Status::Paused };
    endpoint.disabled_reason = None;
}

pub fn judge_pausable(dialect: &Dialect) -> Result<(), Rejection> {
    if dialect.endpoints.pausable {
        return Ok(());
    }
    let detail = format!(
        "In the dialect {} a {} is active from its creation to its deletion: it cannot be created inactive, paused or resumed.",
        dialect.name, dialect.endpoints.word
    );
    Err(Rejection::new(RejectionCode::NotPausable, detail))
}

fn not_editable(dialect: &Dialect) -> Rejection {
    let word = &dialect.endpoints.word;
    let detail =
        format!("In the dialect {} a {word} stays as it was created: delete it and create another.", dialect.name);
    Rejection::new(RejectionCode::NotEditable, detail)
}
