//! An endpoint ready for delivery: its renderer, its policy and its rules, made once per change of it.

use std::sync::Arc;
use std::time::Duration;

use dialect::Dialect;
use dialect::renderer::Renderer;
use model::endpoint::Endpoint;
use model::health::DisableRule;
use model::provider::Provider;
use model::rate::RateLimit;
use model::retry::Policy;

pub(crate) struct PreparedEndpoint {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) renderer: Renderer,
    /// The service behind its URL, by which its answers are read.
    pub(crate) provider: Provider,
    /// The endpoint's own, or its provider's.
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) policy: Policy,
    pub(crate) rule: Arc<DisableRule>,
    /// True if disabling it is announced.
    pub(crate) notify: bool,
    pub(crate) timeout: Duration,
    pub(crate) response_bytes: usize,
}

impl PreparedEndpoint {
    /// `project` is the project's name.
    pub(crate) fn new(endpoint: Arc<Endpoint>, dialect: &Arc<Dialect>, project: &str) -> Self {
        let own_schedule = endpoint.settings.retry.clone();
        let dialects = dialect.retry.clone();
        let provider = endpoint.settings.provider(dialect.providers.detect);
        Self {
            provider,
            rate_limit: endpoint.settings.rate_limit.or(provider.rate_limit()),
            renderer: Renderer::new(dialect, &endpoint).for_project(project),
            policy: Policy { schedule: own_schedule.unwrap_or(dialects.schedule), ..dialects },
            rule: Arc::new(dialect.disable.clone()),
            notify: dialect.notify,
            timeout: endpoint.settings.timeout.unwrap_or(dialect.limits.timeout),
            response_bytes: dialect.limits.response_bytes,
            endpoint,
        }
    }
}
