//! `posthaste webhooks …`: endpoints that events are sent to.

mod shown;

use std::path::Path;

use clap::Subcommand;
use model::endpoint::Auth;
use model::json::Json;
use model::rate::RateLimit;
use model::time::{Span, Timestamp};

use self::shown::{COLUMNS, PAUSED, REGISTERED, RESUMED, ROTATED, TESTED, was_not_acknowledged};
use super::call::{Call, Deleted, Paging, RequestBody};
use super::deliveries::{COLUMNS as DELIVERIES, Filters};
use super::input;
use super::typed::{self, When};

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// Make a webhook; prints its id and its secret
    Register(Register),
    /// List the webhooks
    List(List),
    /// Show a webhook
    Show(One),
    /// Change a webhook
    Update(Update),
    /// Pause a webhook: pending deliveries wait; events sent meanwhile are not kept for it, `recover --only missed` sends them
    Pause(One),
    /// Deliver again, also after Posthaste disabled the webhook: events of the meantime were not kept for it, `recover --only missed` sends them
    Resume(One),
    /// Make a new secret; the old one goes on signing for a while
    RotateSecret(Rotate),
    /// Send a test event and show what the receiver answered; ends with 1 unless that was 2xx
    Test(Test),
    /// List the deliveries to a webhook
    Executions(Executions),
    /// Send what failed or was missed
    Recover(Recover),
    /// Delete a webhook; pending deliveries are cancelled
    Delete(Deleted),
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Id of the webhook (ep_…)
    #[arg(value_parser = typed::id)]
    id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// active, paused or disabled
    #[arg(long, value_name = "STATUS", value_parser = ["active", "paused", "disabled"])]
    status: Option<String>,
    /// Those that events of this type are for
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// With exactly this URL
    #[arg(long)]
    url: Option<String>,
    /// With exactly this name
    #[arg(long)]
    name: Option<String>,
    /// With this in the URL or the name
    #[arg(short, long = "query", value_name = "TEXT")]
    query: Option<String>,
    /// With this in its metadata; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = typed::pair)]
    metadata: Vec<(String, String)>,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Register {
    /// Where events are sent
    #[arg(long)]
    url: String,
    #[command(flatten)]
    settings: Settings,
    /// Your own secret; without it one is made
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
    /// How requests are signed
    #[arg(long, value_name = "ALGORITHM", value_parser = ["hmac-sha256", "ed25519"])]
    signing: Option<String>,
    /// Do not deliver until `webhooks resume`
    #[arg(long)]
    paused: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Update {
    #[command(flatten)]
    one: One,
    /// Where events are sent
    #[arg(long)]
    url: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Set back to nothing
    #[arg(long, value_name = "SETTING", value_delimiter = ',', value_parser = CLEARABLE.map(|(word, _)| word))]
    clear: Vec<String>,
}

/// What `--clear` takes, and the fields it sets to null.
const CLEARABLE: [(&str, &str); 11] = [
    ("name", "name"),
    ("tenant", "tenant"),
    ("auth", "auth"),
    ("headers", "headers"),
    ("template", "template"),
    ("provider", "provider"),
    ("filter", "filter"),
    ("rate-limit", "rate_limit"),
    ("timeout", "timeout_ms"),
    ("retry", "retry"),
    ("metadata", "metadata"),
];

#[derive(Debug, clap::Args)]
struct Settings {
    /// Event types to send: names, prefixes (order.*) or *; all unless named
    #[arg(long, value_name = "TYPE[,TYPE]", value_delimiter = ',')]
    on: Option<Vec<String>>,
    /// What you call it
    #[arg(long)]
    name: Option<String>,
    /// Send only the events for which this CEL expression holds
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Send this tenant's events only
    #[arg(long)]
    tenant: Option<String>,
    /// Header to send with every request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = typed::header)]
    header: Option<Vec<(String, String)>>,
    #[command(flatten)]
    auth: AuthFlags,
    /// Body of the requests: JSON with slots like {{event.type}}, or a file that holds it
    #[arg(long, value_name = "FILE|JSON", value_parser = template)]
    template: Option<Json>,
    /// Whose URL it is, where the URL does not tell
    #[arg(long, value_name = "PROVIDER", value_parser = PROVIDERS)]
    provider: Option<String>,
    /// Most requests in a stretch of time
    #[arg(long, value_name = "COUNT/DURATION", value_parser = typed::rate_limit)]
    rate_limit: Option<RateLimit>,
    /// fifo: one after the other, in order
    #[arg(long, value_name = "ORDER", value_parser = ["none", "fifo"])]
    ordering: Option<String>,
    /// How long the receiver may take
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Span>,
    /// Waits between attempts
    #[arg(long, value_name = "DURATION[,DURATION]", value_delimiter = ',')]
    retry: Option<Vec<Span>>,
    /// JSON object of your own, kept with the webhook
    #[arg(long, value_name = "JSON", value_parser = typed::json)]
    metadata: Option<Json>,
}

/// How the receiver knows us, besides the signature.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct AuthFlags {
    /// Authorization: Bearer TOKEN
    #[arg(long, value_name = "TOKEN")]
    auth_bearer: Option<String>,
    /// Authorization: Basic, with user and password
    #[arg(long, value_name = "USER:PASSWORD", value_parser = typed::user)]
    auth_basic: Option<(String, String)>,
    /// An API key in a header
    #[arg(long, value_name = "NAME: VALUE", value_parser = typed::header)]
    auth_header: Option<(String, String)>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    #[command(flatten)]
    one: One,
    /// Type whose example is sent [the first one that the webhook is sent anyway]
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    one: One,
    /// How long the old secret goes on signing; 0s ends it now [24h]
    #[arg(long, value_name = "DURATION")]
    overlap: Option<Span>,
    /// Your own secret; without it one is made
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Executions {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Recover {
    #[command(flatten)]
    one: One,
    /// Events from this time on: RFC 3339, or how long ago (24h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: When,
    /// Events before this time [now]
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// failed: was given up; missed: never had a delivery [all]
    #[arg(long, value_name = "WHICH", value_parser = ["failed", "missed", "all"])]
    only: Option<String>,
}

const PROVIDERS: [&str; 6] = ["webhook", "slack", "discord", "teams_webhook", "zapier", "make"];

/// What is typed is a template if it begins like one, else the file that has it.
fn template(text: &str) -> Result<Json, String> {
    if text.trim_start().starts_with(['{', '[', '"']) {
        return typed::json(text);
    }
    input::read_file(Path::new(text)).map_err(|failure| failure.to_string())
}

impl Webhooks {
    pub(super) fn call(&self, now: Timestamp) -> Call {
        let of = |one: &One, verb: &str| Call::post(&["endpoints", &one.id, verb], None);
        match self {
            Self::Register(args) => args.call(),
            Self::List(args) => args.call(),
            Self::Show(One { id }) => Call::get(&["endpoints", id]),
            Self::Update(args) => args.call(),
            Self::Pause(one) => of(one, "pause").view(PAUSED),
            Self::Resume(one) => of(one, "resume").view(RESUMED),
            Self::RotateSecret(Rotate { one, overlap, secret }) => {
                let body = RequestBody::default().with_some("overlap", overlap.as_ref());
                let body = body.with_some("secret", secret.as_ref());
                Call::post(&["endpoints", &one.id, "rotate-secret"], Some(body)).view(ROTATED)
            }
            Self::Test(Test { one, event_type }) => {
                let body = event_type.as_ref().map(|event_type| RequestBody::default().with("event_type", event_type));
                Call::post(&["endpoints", &one.id, "test"], body).view(TESTED).unless(was_not_acknowledged)
            }
            Self::Executions(Executions { one, filters, paging }) => {
                filters.apply(Call::list(&["endpoints", &one.id, "deliveries"], DELIVERIES, paging), now)
            }
            Self::Recover(args) => args.call(now),
            Self::Delete(deleted) => {
                let consequence = "the webhook is deleted, and what is pending for it is cancelled.";
                Call::ask_and_delete("endpoints", deleted, "deleted", consequence)
            }
        }
    }
}

impl List {
    fn call(&self) -> Call {
        let Self { tenant, status, event_type, url, name, query, metadata, paging } = self;
        let call = Call::list(&["endpoints"], COLUMNS, paging)
            .query("tenant", tenant.as_ref())
            .query("status", status.as_ref())
            .query("type", event_type.as_ref())
            .query("url", url.as_ref())
            .query("name", name.as_ref())
            .query("q", query.as_ref());
        metadata.iter().fold(call, |call, (key, value)| call.query(&format!("metadata.{key}"), Some(value)))
    }
}

impl Register {
    fn call(&self) -> Call {
        let Self { url, settings, secret, signing, paused } = self;
        let body = settings.fill(RequestBody::default().with("url", url));
        let body = body.with_some("secret", secret.as_ref()).with_some("signing", signing.as_ref());
        Call::post(&["endpoints"], Some(body.with_some("active", paused.then_some(false)))).view(REGISTERED)
    }
}

impl Update {
    fn call(&self) -> Call {
        let cleared = CLEARABLE.iter().filter(|(word, _)| self.clear.iter().any(|typed| typed == word));
        let body = cleared.fold(RequestBody::default(), |body, (_, field)| body.with(field, ()));
        let body = self.settings.fill(body.with_some("url", self.url.as_ref()));
        Call::patch(&["endpoints", &self.one.id], body)
    }
}

impl Settings {
    fn fill(&self, body: RequestBody) -> RequestBody {
        let headers = self
            .header
            .as_ref()
            .map(|pairs| pairs.iter().cloned().collect::<std::collections::BTreeMap<String, String>>());
        body.with_some("events", self.on.as_ref())
            .with_some("name", self.name.as_ref())
            .with_some("filter", self.filter.as_ref())
            .with_some("tenant", self.tenant.as_ref())
            .with_some("headers", headers)
            .with_some("auth", self.auth.chosen())
            .with_some("template", self.template.as_ref())
            .with_some("provider", self.provider.as_ref())
            .with_some("rate_limit", self.rate_limit)
            .with_some("ordering", self.ordering.as_ref())
            .with_some(
                "timeout_ms",
                self.timeout.map(|timeout| u64::try_from(timeout.0.as_millis()).unwrap_or(u64::MAX)),
            )
            .with_some("retry", self.retry.as_ref().map(|schedule| serde_json::json!({ "schedule": schedule })))
            .with_some("metadata", self.metadata.as_ref())
    }
}

impl AuthFlags {
    fn chosen(&self) -> Option<Auth> {
        let bearer = self.auth_bearer.clone().map(|token| Auth::Bearer { token });
        let basic = self.auth_basic.clone().map(|(username, password)| Auth::Basic { username, password });
        let header = self.auth_header.clone().map(|(header, value)| Auth::ApiKey { header, value });
        bearer.or(basic).or(header)
    }
}

impl Recover {
    fn call(&self, now: Timestamp) -> Call {
        let body = RequestBody::default().with("since", self.since.before(now));
        let body = body.with_some("until", self.until.map(|until| until.before(now)));
        let body = body.with_some("only", self.only.as_ref());
        Call::post(&["endpoints", &self.one.id, "recover"], Some(body))
    }
}
