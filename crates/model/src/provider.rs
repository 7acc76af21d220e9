//! Chat and automation services whose incoming-webhook URLs customers paste: known by the URL, and sent messages in
//! their own form.

use serde::{Deserialize, Serialize};

use crate::rate::RateLimit;
use crate::time::Span;
use crate::url::{EndpointUrl, Host};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// A server of the customer's own.
    #[default]
    Webhook,
    Zapier,
    Make,
    Discord,
    Slack,
    /// Microsoft Teams, by a Workflows webhook.
    TeamsWebhook,
}

impl Provider {
    pub const ALL: [Self; 6] =
        [Self::Webhook, Self::Zapier, Self::Make, Self::Discord, Self::Slack, Self::TeamsWebhook];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Zapier => "zapier",
            Self::Make => "make",
            Self::Discord => "discord",
            Self::Slack => "slack",
            Self::TeamsWebhook => "teams_webhook",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }

    /// The service that a URL belongs to.
    pub fn of(url: &EndpointUrl) -> Self {
        let Host::Name(host) = url.host() else { return Self::Webhook };
        let path = url.path_and_query();
        let under = |domain: &str| host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
        match &**host {
            "hooks.slack.com" => Self::Slack,
            "discord.com" | "discordapp.com" if path.starts_with("/api/webhooks/") => Self::Discord,
            "hooks.zapier.com" => Self::Zapier,
            "hook.integromat.com" => Self::Make,
            host if host.starts_with("hook.") && under("make.com") => Self::Make,
            _ if under("webhook.office.com") || under("powerplatform.com") => Self::TeamsWebhook,
            _ if under("logic.azure.com") && path.starts_with("/workflows") => Self::TeamsWebhook,
            _ => Self::Webhook,
        }
    }

    /// The rate limit that it publishes, if any.
    pub fn rate_limit(self) -> Option<RateLimit> {
        let limit =
            |requests, seconds| Some(RateLimit { requests, per: Span(std::time::Duration::from_secs(seconds)) });
        match self {
            // https://docs.slack.dev/apis/web-api/rate-limits: one message a second.
            Self::Slack => limit(1, 1),
            // https://discord.com/developers/docs/topics/rate-limits: thirty messages a minute and channel.
            Self::Discord => limit(30, 60),
            // https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors: four requests a second.
            Self::TeamsWebhook => limit(4, 1),
            Self::Webhook | Self::Zapier | Self::Make => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_recognised_from_the_url() {
        let cases = [
            ("https://hooks.slack.com/services/T0/B0/x", Provider::Slack),
            ("https://discord.com/api/webhooks/1/x", Provider::Discord),
            ("https://discordapp.com/api/webhooks/1/x", Provider::Discord),
            ("https://discord.com/developers", Provider::Webhook),
            ("https://acme.webhook.office.com/webhookb2/1", Provider::TeamsWebhook),
            ("https://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers", Provider::TeamsWebhook),
            ("https://prod-1.westeurope.logic.azure.com/other", Provider::Webhook),
            ("https://default1.environment.api.powerplatform.com/powerautomate/1", Provider::TeamsWebhook),
            ("https://hooks.zapier.com/hooks/catch/1/x/", Provider::Zapier),
            ("https://hook.eu1.make.com/x", Provider::Make),
            ("https://hook.integromat.com/x", Provider::Make),
            ("https://www.make.com/x", Provider::Webhook),
            ("https://evil-hooks.slack.com.example.com/", Provider::Webhook),
            ("https://notwebhook.office.com/", Provider::Webhook),
            ("https://example.com/hooks.slack.com", Provider::Webhook),
        ];
        for (url, provider) in cases {
            assert_eq!(Provider::of(&EndpointUrl::stored(url).unwrap()), provider, "{url}");
        }
    }
}
